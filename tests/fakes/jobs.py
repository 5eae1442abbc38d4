"""Jobs in memory."""

from datetime import datetime

from app.ports import JobPage, Oldest, OpenJobs
from processors import limits
from processors.limits import Bounds, Past
from schemas.base import UserId, first_id, made_at
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

    async def past(self, user: UserId, bounds: Bounds, now: datetime) -> Past:
        """See app.ports.Jobs."""
        await self.gate()
        theirs = [
            each
            for _, each in sorted(self.records.items(), reverse=True)
            if each.user_id == user and each.status is not JobStatus.REFUSED
        ]

        def full_by(most: int | None, since: datetime) -> datetime | None:
            lately = [each.id for each in theirs if each.id >= first_id(since)]
            return made_at(lately[most - 1]) if most and len(lately) >= most else None

        return Past(
            open=min(bounds.at_once or 0, sum(not each.ended for each in theirs)),
            minute=full_by(bounds.per_minute, now - limits.MINUTE),
            day=full_by(bounds.per_day, now - limits.DAY),
        )

    async def turn(self, user: UserId) -> int:
        """See app.ports.Jobs."""
        await self.gate()
        theirs = [each.turn for each in self.records.values() if each.user_id == user]
        await self.gate()
        return max((each for each in theirs if each is not None), default=0)

    async def silent(self, before: datetime, limit: int) -> tuple[Job, ...]:
        """See app.ports.Jobs."""
        await self.gate()
        found = [each for _, each in sorted(self.records.items()) if not each.ended]
        quiet = [each for each in found if each.updated_at < before and each.pause is None]
        return tuple(quiet[:limit])

    async def count_open(self) -> OpenJobs:
        """See app.ports.Jobs."""
        await self.gate()
        found = [each for _, each in sorted(self.records.items()) if not each.ended]
        oldest = Oldest(found[0].id, found[0].created_at) if found else None
        return OpenJobs(len(found), sum(each.pause is not None for each in found), oldest)

    def _clash(self, one: Job, other: Job) -> bool:
        turn = (other.user_id, other.turn)
        same_turn = other.turn is not None and turn == (one.user_id, one.turn)
        return same_turn or super()._clash(one, other)
