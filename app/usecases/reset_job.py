"""Reset a job: have everything that it owes, and its generations owe, done now.

The deed is written down before anything is done, as with all that administrators do. Who resets
what was reset just now finds nothing more to do.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from app.errors import NotFoundError
from app.ports import Deeds
from app.usecases.records import Records, RecordsOf
from processors.jobs import resetting
from processors.jobs.resetting import Done
from schemas.base import GenerationId
from schemas.deed import Deed, DeedId
from schemas.generation import Generation
from schemas.job import Job
from schemas.run import RunStatus
from schemas.wire.open_work import DoneView, ResetView

VERB: Final = "reset"
"""What the deed is called."""


class Reset(NamedTuple):
    """What a reset did.

    Attributes:
        record: The job's id; the generation's where it is of none.
        done: Nothing where nothing was to be done.
    """

    record: str
    done: tuple[Done, ...]


class ResetJob:
    """Resets jobs, and generations of none.

    Args:
        records: The generations.
        orders: The jobs.
        deeds: Where what was done is written down.
    """

    def __init__(self, records: Records, orders: RecordsOf[Job], deeds: Deeds) -> None:
        self._records = records
        self._orders = orders
        self._deeds = deeds
        self._clock = records.clock

    async def __call__(self, named: str, *, by: str) -> Reset:
        """Reset a job, or the job of a generation; or a generation of none.

        Args:
            named: The id of either.
            by: Who does it.

        Raises:
            NotFoundError: There is neither of this id.
            ContendedError: Others kept being first.
            StoreDownError: The database does not answer; what was done is done once more later.
            UnreadableError: A record is of a newer version, or damaged.
        """
        job = await self._orders.kept.get(named)
        if job is None:
            alone = await self._records.kept.get(named)
            if alone is None:
                raise NotFoundError("job or generation")
            job = await self._orders.kept.get(alone.job_id or "")
            if job is None:
                return await self._reset(named, None, {alone.id: alone}, by)
        ids = [each.generation for each in job.steps]
        return await self._reset(job.id, job, await self._records.generations.many(ids), by)

    async def _reset(
        self, record: str, job: Job | None, made: Mapping[GenerationId, Generation], by: str
    ) -> Reset:
        now = self._clock.now()
        wanted = [
            *(each for found in made.values() for each in _done(found, job, made, now)),
            *(resetting.done(job, resetting.reset_job(job, made, now)) if job else ()),
        ]
        if not wanted:
            return Reset(record, ())
        subject = f"{'generation' if job is None else 'job'}:{record}"
        deed = Deed(id=DeedId(self._clock.new_id()), at=now, by=by, verb=VERB, subject=subject)
        await self._deeds.insert(deed)
        done = list[Done]()
        for generation in made.values():
            done += await self._generation(generation, job, made)
        if job is not None:
            done += await self._job(job, made)
        return Reset(record, tuple(done))

    async def _generation(
        self, generation: Generation, job: Job | None, made: Mapping[GenerationId, Generation]
    ) -> tuple[Done, ...]:
        did: tuple[Done, ...] = ()

        def reset(record: Generation, now: datetime) -> Generation:
            nonlocal did
            after = _reset(record, job, made, now)
            did = resetting.done(record, after)
            return after

        await self._records.change(generation.id, reset)
        return did

    async def _job(self, job: Job, made: Mapping[GenerationId, Generation]) -> tuple[Done, ...]:
        did: tuple[Done, ...] = ()

        def reset(record: Job, now: datetime) -> Job:
            nonlocal did
            after = resetting.reset_job(record, made, now)
            did = resetting.done(record, after)
            return after

        await self._orders.change(job.id, reset)
        return did


def _done(
    generation: Generation,
    job: Job | None,
    made: Mapping[GenerationId, Generation],
    now: datetime,
) -> tuple[Done, ...]:
    return resetting.done(generation, _reset(generation, job, made, now))


def _reset(
    generation: Generation,
    job: Job | None,
    made: Mapping[GenerationId, Generation],
    now: datetime,
) -> Generation:
    """Return a generation as it is reset, which its job knows what it still wants of."""
    if job is None:
        return resetting.reset_generation(generation, now)
    step = job.step_of(generation.id)
    waiting = (each for each in job.steps if _waits(made.get(each.generation)))
    awaited = any(
        source.generation == generation.id for each in waiting for source in each.sources.values()
    )
    unsettled = generation.ended and step is not None and step.outcome is None
    return resetting.reset_generation(generation, now, awaited=awaited, unsettled=unsettled)


def _waits(generation: Generation | None) -> bool:
    return generation is not None and generation.status is RunStatus.WAITING


def shown(reset: Reset) -> ResetView:
    """Return what a reset did as it is shown to programs."""
    done = (DoneView(record=each.record, did=each.did, debt=each.debt) for each in reset.done)
    return ResetView(id=reset.record, done=tuple(done))
