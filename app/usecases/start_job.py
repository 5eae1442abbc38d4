"""Start a job: hold its credits, then make its generations, each step once however often tried.

The job's record is there first, the hold second, the generations third. Whoever finds the job
pending goes on from there: the hold is known by the job's id, each generation by its own.
"""

from datetime import datetime
from typing import Final

from app.errors import ContendedError
from app.ports import Jobs
from app.usecases.hands import Line
from app.usecases.money import Money
from app.usecases.records import DecideOf, Records
from app.usecases.taking import Taking
from processors import debts, jobs, runs
from processors.errors import InsufficientCreditsError
from schemas.debt import Debt, DebtKind
from schemas.job import Job
from schemas.ledger import Entry
from schemas.run import RunStatus

JOB_LINES: Final = (
    Line(frozenset({DebtKind.START, DebtKind.CANCEL, DebtKind.ADVANCE}), 16),
    Line(frozenset({DebtKind.NOTIFY}), 64),
    Line(frozenset({DebtKind.WEBHOOK}), 4),
)


class StartJob:
    """Discharges ``start`` of a job."""

    def __init__(self, records: Records, kept: Jobs, money: Money, taking: Taking) -> None:
        self._records = records
        self._kept = kept
        self._money = money
        self._taking = taking

    async def __call__(self, job: Job, debt: Debt) -> DecideOf[Job] | None:
        """Start a job that its order left unstarted."""
        try:
            await self.hold(job)
        except ContendedError:
            # Somebody else's claim by now, or somebody's again once ours has run out.
            return None
        except InsufficientCreditsError as error:
            return self.refused(debt, error.reason, tell=True)
        await self.make(job)
        return self.started(debt)

    async def hold(self, job: Job, seen: Entry | None = None) -> None:
        """Hold a job's credits.

        Args:
            job: For which.
            seen: Its person's last entry as it was a moment ago, if it was read.

        Raises:
            InsufficientCreditsError: The balance does not cover them.
            ContendedError: Somebody else is starting it by now.
            StoreDownError: The database does not answer.
        """
        start = debts.find(job.owed, jobs.START)

        async def ours() -> bool:
            # Who slept through the claim must not hold for a job that was refused meanwhile.
            now = await self._kept.get(job.id)
            return bool(now and start and debts.held(now.owed, start.key, start.n))

        lines = jobs.lines(job)
        await self._money.hold(job.user_id, job.id, lines, by=job.by, seen=seen, sure=ours)

    async def make(self, job: Job) -> None:
        """Make a job's generations, those that are not there yet.

        What waits is there before anything begins: whoever sees an end finds all that follows.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = self._records.clock.now()
        made = jobs.generations_of(job, now, self._taking.taker(now))
        waiting = [each for each in made if each.status is RunStatus.WAITING]
        await self._records.add_all(waiting)
        await self._records.add_all([each for each in made if each not in waiting])

    def started(self, debt: Debt) -> DecideOf[Job]:
        """Note that a job has started."""

        def started(job: Job, now: datetime) -> Job:
            del now
            return jobs.active(job) if debts.held(job.owed, debt.key, debt.n) else job

        return started

    def refused(self, debt: Debt, reason: str, *, tell: bool) -> DecideOf[Job]:
        """Note that a job's credits cannot be held."""

        def refused(job: Job, now: datetime) -> Job:
            if not debts.held(job.owed, debt.key, debt.n):
                return job
            return jobs.refused(job, reason, now, tell=tell, taker=self._taking.taker(now))

        return refused


class CancelJob:
    """Discharges ``cancel`` of a job: what was made for it is cancelled, or never begins."""

    def __init__(self, records: Records, taking: Taking) -> None:
        self._records = records
        self._taking = taking

    async def __call__(self, job: Job, debt: Debt) -> DecideOf[Job] | None:
        """Cancel every generation of a job that has been made."""
        # What is made after this look is cancelled by another: whoever starts the job may be
        # done with it by the time this is written.
        all_made = debts.find(job.owed, jobs.START) is None
        for step in job.steps:
            await self._records.change(
                step.generation,
                lambda record, now: runs.cancel_wanted(record, now, self._taking.taker(now)),
            )

        def cancelled(record: Job, now: datetime) -> Job:
            if all_made or not debts.held(record.owed, debt.key, debt.n):
                owed = debts.acknowledge(record.owed, debt.key, debt.n)
            else:
                owed = debts.postpone(record.owed, debt.key, debt.n, now, "it is being started")
            return debts.put(record, owed)

        return cancelled
