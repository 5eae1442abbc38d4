"""The jobs we keep, in MongoDB."""

from pymongo import DESCENDING

from app.ports import JobPage
from app.store.answering import answered
from app.store.connection import Connection
from app.store.debtors import MongoDebtors
from app.store.documents import Document
from schemas.base import UserId
from schemas.job import Job, JobStatus


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
