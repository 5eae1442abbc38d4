"""The jobs we keep, in MongoDB."""

from datetime import datetime

from pymongo import DESCENDING

from app.ports import JobPage
from app.store.answering import answered
from app.store.connection import Connection
from app.store.debtors import MongoDebtors
from app.store.documents import Document
from processors.limits import Past
from schemas.base import UserId, first_id
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
        if cursor is not None:
            query["_id"] = {"$lt": cursor}
        async with answered():
            found = (
                await self._all.find(query).sort("_id", DESCENDING).limit(limit + 1).to_list(None)
            )
        shown = found[:limit]
        return JobPage(tuple(self._read(shown)), shown[-1]["_id"] if len(found) > limit else None)

    async def recent(self, user: UserId, since: datetime, limit: int) -> tuple[Past, ...]:
        """See app.ports.Jobs."""
        # Ids begin with the time at which they were made.
        query: Document = {"userId": {"$eq": user}, "_id": {"$gte": first_id(since)}}
        query["status"] = {"$ne": JobStatus.REFUSED.value}
        fields = {"createdAt": 1, "status": 1}
        async with answered():
            many = self._all.find(query, fields).sort("_id", DESCENDING).limit(limit)
            found = await many.to_list(None)
        return tuple(Past(each["createdAt"], open=each["status"] in JOB_OPEN) for each in found)

    async def turn(self, user: UserId) -> int:
        """See app.ports.Jobs."""
        taken: Document = {"userId": {"$eq": user}, "turn": {"$gte": 0}}
        fields = {"_id": 0, "turn": 1}
        async with answered():
            found = await self._all.find_one(taken, fields, sort=[("turn", DESCENDING)])
        return 0 if found is None else found["turn"]

    async def silent(self, before: datetime, limit: int) -> tuple[Job, ...]:
        """See app.ports.Jobs."""
        quiet = {"status": {"$in": sorted(JOB_OPEN)}, "updatedAt": {"$lt": before}}
        return await self._some(quiet, "_id", limit)
