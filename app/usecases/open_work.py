"""What is open, what is stuck and since when: the two questions of whoever watches a service.

Counts are taken by indexes alone. What is stuck is looked for among what is due for long, what
fails, what was given up lately and what has been still for long, each within a bound: however
much runs as it should costs nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from app.ports import Jobs, Oldest, OpenJobs, OpenRuns
from app.usecases.records import Records
from processors.jobs import stuck
from schemas.base import EngineName, GenerationId, UserId
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.job import Job, JobId, JobStatus
from schemas.run import RunStatus
from schemas.stuck import Stuck
from schemas.timing import Timing
from schemas.wire.open_work import (
    OldestView,
    OpenJobsView,
    OpenRunsView,
    OpenView,
    StuckShown,
)

MOST: Final = 200
"""Records of each sort that are looked at."""
SHOWN: Final = 50
"""What is stuck that is told unless more is wanted, since the longest first."""

_ALL: Final = frozenset(DebtKind)
_SENDING: Final = frozenset({RunStatus.SUBMITTING})
_BEGUN: Final = frozenset({RunStatus.STARTED, RunStatus.RUNNING, RunStatus.UPLOADING})
_IN_LINE: Final = frozenset({RunStatus.PENDING, RunStatus.QUEUED})


class Standing(NamedTuple):
    """How everything stands.

    Attributes:
        at: When it was looked at.
        jobs: Those that have not ended.
        runs: The generations that have not ended.
        stuck: What is stuck, since the longest first.
        stuck_jobs: How many jobs that concerns, those that `stuck` leaves out counted as well.
    """

    at: datetime
    jobs: OpenJobs
    runs: OpenRuns
    stuck: tuple[Stuck, ...]
    stuck_jobs: int


class JobStanding(NamedTuple):
    """A job, those of its generations that are there, and what of it is stuck."""

    job: Job
    made: Mapping[GenerationId, Generation]
    stuck: tuple[Stuck, ...]


class OpenWork:
    """Tells how everything stands.

    Args:
        records: The generations.
        kept: The jobs.
        timing: When something counts as stuck.
    """

    def __init__(self, records: Records, kept: Jobs, *, timing: Timing) -> None:
        self._records = records
        self._generations = records.generations
        self._clock = records.clock
        self._kept = kept
        self._timing = timing

    async def __call__(self, limit: int = SHOWN) -> Standing:
        """Look at everything; at most so much of what is stuck is told.

        Raises:
            StoreDownError: The database does not answer.
        """
        found = await self.stuck()
        return Standing(
            at=self._clock.now(),
            jobs=await self._kept.count_open(),
            runs=await self._generations.count_open(),
            stuck=found[:limit],
            stuck_jobs=len({each.job for each in found if each.job is not None}),
        )

    async def stuck(self) -> tuple[Stuck, ...]:
        """Return what is stuck, since the longest first.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = self._clock.now()
        jobs = await self._jobs(now)
        made = await self._made(jobs.values())
        # What a job is made of is there already; it is looked at like any other.
        generations = {**await self._suspects(now), **made}
        found = [stuck.of_generation(each, now, self._timing) for each in generations.values()]
        told = [each for each in found if each is not None]
        for job in jobs.values():
            told += stuck.of_job(job, made, now, self._timing)
        return tuple(sorted(told, key=lambda each: (each.since, each.job or "")))

    async def stuck_jobs(
        self,
        limit: int,
        *,
        user: UserId | None = None,
        statuses: frozenset[JobStatus] | None = None,
    ) -> tuple[Job, ...]:
        """Return the jobs that are stuck, or something of theirs, newest first.

        Args:
            limit: At most so many.
            user: Only those of this person.
            statuses: Only those in one of these.

        Raises:
            StoreDownError: The database does not answer.
            UnreadableError: A job is of a newer version, or damaged.
        """
        named = {each.job for each in await self.stuck() if each.job is not None}
        found = [await self._kept.get(each) for each in sorted(named, reverse=True)]
        chosen = [
            each
            for each in found
            if each is not None
            and user in {None, each.user_id}
            and (statuses is None or each.status in statuses)
        ]
        return tuple(chosen[:limit])

    async def of(self, job_id: JobId) -> JobStanding | None:
        """Return how a job stands, or None where there is none.

        Raises:
            StoreDownError: The database does not answer.
            UnreadableError: It is of a newer version, or damaged.
        """
        job, now = await self._kept.get(job_id), self._clock.now()
        if job is None:
            return None
        made = await self._made([job])
        found = [stuck.of_generation(each, now, self._timing) for each in made.values()]
        own = stuck.of_job(job, made, now, self._timing)
        return JobStanding(job, made, (*own, *(each for each in found if each is not None)))

    async def _jobs(self, now: datetime) -> dict[str, Job]:
        """Return the jobs that may be stuck."""
        timing, kept = self._timing, self._kept
        found = (
            *await kept.due(now - timing.stuck_due, _ALL, MOST),
            *await kept.failing(MOST),
            *await kept.died(now - timing.stuck_given_up, MOST),
            *await kept.silent(now - timing.stuck_still, MOST),
        )
        return {each.id: each for each in found}

    async def _suspects(self, now: datetime) -> dict[GenerationId, Generation]:
        """Return the generations that may be stuck."""
        timing, kept = self._timing, self._generations
        late = now - timing.stuck_due
        found = (
            *await kept.due(late, _ALL, MOST),
            *await kept.failing(MOST),
            *await kept.died(now - timing.stuck_given_up, MOST),
            *await kept.lingering(_SENDING, late, MOST),
            *await kept.lingering(_BEGUN, late, MOST),
            *await kept.lingering(_IN_LINE, late - timing.limit_waiting, MOST),
        )
        return {each.id: each for each in found}

    async def _made(self, jobs: Iterable[Job]) -> Mapping[GenerationId, Generation]:
        ids = [step.generation for job in jobs for step in job.steps]
        return await self._records.readable(ids)


def shown(standing: Standing) -> OpenView:
    """Return how everything stands as it is shown to programs."""
    by_status, by_engine = Counter[RunStatus](), Counter[EngineName]()
    for each in standing.runs.counted:
        by_status[each.status] += each.number
        by_engine[each.engine] += each.number
    return OpenView(
        as_of=standing.at,
        jobs=OpenJobsView(
            open=standing.jobs.number,
            paused=standing.jobs.paused,
            stuck=standing.stuck_jobs,
            oldest=_oldest(standing.jobs.oldest, standing.at),
        ),
        generations=OpenRunsView(
            open=by_status.total(),
            by_status=dict(sorted(by_status.items())),
            by_engine=dict(sorted(by_engine.items())),
            waiting=by_status[RunStatus.WAITING],
            oldest=_oldest(standing.runs.oldest, standing.at),
        ),
        stuck=tuple(shown_stuck(each, standing.at) for each in standing.stuck),
    )


def shown_stuck(found: Stuck, now: datetime) -> StuckShown:
    """Return one thing that is stuck as it is shown to programs."""
    return StuckShown(
        job=found.job,
        generation=found.generation,
        step=found.step,
        of=found.of,
        engine=found.engine,
        status=found.status,
        reason=found.reason,
        words=stuck.words_of(found),
        since=found.since,
        age_seconds=age(found.since, now),
        next=found.next,
    )


def age(since: datetime, now: datetime) -> int:
    """Return how long ago something was, in whole seconds; 0 for what is yet to come."""
    return max(0, int((now - since).total_seconds()))


def _oldest(oldest: Oldest | None, now: datetime) -> OldestView | None:
    if oldest is None:
        return None
    return OldestView(id=oldest.id, since=oldest.since, age_seconds=age(oldest.since, now))
