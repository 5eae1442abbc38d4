"""Go on with jobs of several steps: begin what its turn has come for, drop what waits in vain.

What happens is decided from the records as they are, and done by one compare-and-set each, so
it happens once however many processes see the last of a step's sources end.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from app.ports import Jobs
from app.usecases.records import Decide, DecideOf, Records, acknowledged
from app.usecases.taking import Taking
from processors import chains, debts, jobs, runs
from processors.chains import Begin, Drop, Move
from schemas.base import GenerationId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.job import Job
from schemas.timing import Timing

Made = dict[GenerationId, Generation]


class GoOn:
    """Makes the moves of a job that are to be made now."""

    def __init__(self, records: Records, taking: Taking) -> None:
        self._records = records
        self._taking = taking

    async def __call__(self, job: Job, ids: Iterable[GenerationId]) -> Made:
        """Make the moves that follow from these generations; return them as they then are.

        Raises:
            ContendedError: Others kept winning the write of one of them.
            StoreDownError: The database does not answer; what was not moved is owed still.
        """
        made, found = await self._found(job, ids)
        if any(isinstance(each, Drop) for each in found):
            # What is dropped may have others waiting for it in turn.
            made, found = await self._found(job, [each.generation for each in job.steps])
        for move in found:
            decide = partial(self._moved, move)
            # What begins adds to its inputs, which have not been read.
            seen = None if isinstance(move, Begin) else made[move.generation]
            after = await self._records.change(move.generation, decide, seen)
            if after is not None:
                made[move.generation] = after
        return made

    async def _found(self, job: Job, ids: Iterable[GenerationId]) -> tuple[Made, tuple[Move, ...]]:
        made = dict(await self._records.generations.many(list(ids)))
        return made, chains.moves(job, made)

    def _moved(self, move: Move, record: Generation, now: datetime) -> Generation:
        taker = self._taking.taker(now)
        if isinstance(move, Begin):
            return runs.begun(record, move.inputs, now, taker)
        return runs.dropped(record, move.reason, now, taker)


class Advance:
    """Discharges ``advance`` of a generation that has ended: others may have waited for it."""

    def __init__(self, go_on: GoOn, kept: Jobs) -> None:
        self._go_on = go_on
        self._kept = kept

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Begin, or drop, what waited for a generation."""
        job = await self._kept.get(generation.job_id or "")
        if job is not None:
            await self._go_on(job, chains.concerned(job, generation))
        return acknowledged(debt)


class AdvanceJob:
    """Discharges ``advance`` of a job: its person has let it go on, or is to be asked."""

    def __init__(self, go_on: GoOn, *, taking: Taking, timing: Timing) -> None:
        self._go_on = go_on
        self._taking = taking
        self._timing = timing

    async def __call__(self, job: Job, debt: Debt) -> DecideOf[Job] | None:
        """Go on with a job, or have it wait for its person's word; for so long, and no longer."""
        made = await self._go_on(job, [each.generation for each in job.steps])

        def advanced(record: Job, now: datetime) -> Job:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            taker = self._taking.taker(now)
            done = debts.put(record, debts.acknowledge(record.owed, debt.key, debt.n))
            if chains.undecided(done, now):
                return jobs.cancel_wanted(done, now, taker, reason="not_continued")
            return chains.paused(done, made, now, self._timing, taker)

        return advanced
