"""The jobs we keep, in MongoDB."""

from datetime import datetime

from pymongo import ASCENDING, DESCENDING

from app.ports import JobPage, Oldest, OpenJobs
from app.store.answering import answered
from app.store.connection import Connection
from app.store.debtors import EVER, MongoDebtors
from app.store.documents import Document
from processors import limits
from processors.limits import Bounds, Past
from schemas.base import UserId, first_id, made_at
from schemas.job import JOB_OPEN, Job, JobStatus


class MongoJobs(MongoDebtors[Job]):
    """See app.ports.Jobs."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, "jobs", Job, JobStatus)

    async def page(
        self,
        user: UserId | None,
        cursor: str | None,
        limit: int,
        *,
        statuses: frozenset[JobStatus] | None = None,
    ) -> JobPage:
        """See app.ports.Jobs."""
        query: Document = {} if user is None else {"userId": {"$eq": user}}
        if statuses is not None:
            query["status"] = {"$in": sorted(statuses)}
        return JobPage(*await self._page(query, cursor, limit))

    async def past(self, user: UserId, bounds: Bounds, now: datetime) -> Past:
        """See app.ports.Jobs.

        One question; each of its parts is answered by an index alone, and reads no more of it
        than the bound.
        """
        parts: list[list[Document]] = []
        if bounds.at_once:
            parts.append([*_open_of(user), {"$limit": bounds.at_once}, {"$count": "open"}])
        for name, most, window in (
            ("minute", bounds.per_minute, limits.MINUTE),
            ("day", bounds.per_day, limits.DAY),
        ):
            if most:
                parts.append(_full_by(name, user, now - window, most))
        if not parts:
            return Past()
        first, *others = parts
        more = [{"$unionWith": {"coll": self._all.name, "pipeline": each}} for each in others]
        async with answered():
            found = await self._all.aggregate([*first, *more]).to_list(None)
        known: Document = {name: value for each in found for name, value in each.items()}
        times = {name: made_at(known[name]) for name in ("minute", "day") if name in known}
        return Past(open=known.get("open", 0), **times)

    async def turn(self, user: UserId) -> int:
        """See app.ports.Jobs."""
        taken: Document = {"userId": {"$eq": user}, "turn": {"$gte": 0}}
        fields = {"_id": 0, "turn": 1}
        async with answered():
            found = await self._all.find_one(taken, fields, sort=[("turn", DESCENDING)])
        return 0 if found is None else found["turn"]

    async def count_open(self) -> OpenJobs:
        """See app.ports.Jobs."""
        being: Document = {"status": {"$in": sorted(JOB_OPEN)}}
        async with answered():
            number = await self._all.count_documents(being)
            paused = await self._all.count_documents({"pause.at": {"$gt": EVER}, **being})
            found = await self._all.find_one(being, {"createdAt": 1}, sort=[("_id", ASCENDING)])
        return OpenJobs(number, paused, Oldest(found["_id"], found["createdAt"]) if found else None)

    async def silent(self, before: datetime, limit: int) -> tuple[Job, ...]:
        """See app.ports.Jobs."""
        quiet: Document = {"status": {"$in": sorted(JOB_OPEN)}, "updatedAt": {"$lt": before}}
        # Ids begin with the time at which they were made: what is younger is not looked at.
        quiet["_id"] = {"$lt": first_id(before)}
        quiet["pause"] = {"$exists": False}
        return await self._some(quiet, "_id", limit)


def _open_of(user: UserId) -> list[Document]:
    return [{"$match": {"userId": {"$eq": user}, "status": {"$in": sorted(JOB_OPEN)}}}]


def _full_by(name: str, user: UserId, since: datetime, most: int) -> list[Document]:
    """Return the stages that find the order with which so many were made since a time."""
    # Ids begin with the time at which they were made.
    chosen: Document = {"userId": {"$eq": user}, "_id": {"$gte": first_id(since)}}
    chosen["status"] = {"$ne": JobStatus.REFUSED.value}
    return [
        {"$match": chosen},
        {"$sort": {"_id": DESCENDING}},
        {"$skip": most - 1},
        {"$limit": 1},
        {"$project": {"_id": 0, name: "$_id"}},
    ]
