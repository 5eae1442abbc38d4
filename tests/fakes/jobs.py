"""Jobs in memory."""

from app.ports import JobPage
from schemas.base import UserId
from schemas.job import Job, JobStatus
from tests.fakes.debtors import FakeDebtors


class FakeJobs(FakeDebtors[Job]):
    """See app.ports.Jobs."""

    async def page(
        self,
        user: UserId | None,
        cursor: str | None,
        limit: int,
        *,
        statuses: frozenset[JobStatus] | None = None,
    ) -> JobPage:
        """See app.ports.Jobs."""
        await self.gate()
        found = [
            each
            for _, each in sorted(self.records.items(), reverse=True)
            if (cursor is None or each.id < cursor)
            and (user is None or each.user_id == user)
            and (statuses is None or each.status in statuses)
        ]
        await self.gate()
        return JobPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
