"""app.usecases.open_work: what is open, what is stuck, and since when."""

from datetime import timedelta

import pytest

from app.observability.journal import Journal
from app.ports import Counted, Oldest, OpenJobs
from app.usecases.open_work import OpenWork
from app.usecases.records import Records
from processors import runs
from schemas.base import GenerationId, UserId
from schemas.generation import Generation, StatusChange
from schemas.job import JOB_OPEN, Job, JobId, JobStatus, Pause
from schemas.run import RunStatus
from schemas.stuck import StuckReason
from tests.builders import (
    COMFYDEPLOY,
    HERE,
    ID,
    JOB,
    NOON,
    TIMING,
    USER,
    a_debt,
    a_generation,
    a_job,
    a_step,
    an_order,
    later,
)
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.jobs import FakeJobs

pytestmark = pytest.mark.anyio

OLD = later(-3600)
PAUSED = JobId("0198c0ffee0198c0ffee0198c0ffee78")
OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")


def open_work(*records: Generation | Job) -> OpenWork:
    """What tells how these stand."""
    generations, kept = FakeGenerations(), FakeJobs()
    for each in records:
        if isinstance(each, Job):
            kept.records[each.id] = each
        else:
            generations.records[each.id] = each
    return OpenWork(Records(generations, FakeClock(), Journal()), kept, timing=TIMING)


def a_lost_run() -> Generation:
    """Return a run that was over an hour ago, and whose job was never told."""
    known = {"job_id": JOB, "step": 1, "response_timestamp": OLD}
    return a_generation(RunStatus.COMPLETED, owed=(), **known)


def a_still_job(**fields: object) -> Job:
    """Return a job that has not changed for an hour."""
    return a_job(**({"created_at": OLD, "updated_at": OLD} | fields))


async def test_what_is_open_is_told_with_what_is_stuck() -> None:
    """A job that waits for its person is open, and not stuck; its runs are counted."""
    pause = Pause(step=1, at=OLD, until=later(9))
    step = a_step(generation=OTHER)
    paused = a_still_job(id=PAUSED, pause=pause, steps=(step,))
    waits = a_generation(RunStatus.WAITING, id=OTHER, job_id=PAUSED, step=1, owed=())
    found = await open_work(a_still_job(), a_lost_run(), paused, waits)()

    assert (found.at, found.jobs) == (NOON, OpenJobs(2, 1, Oldest(JOB, OLD)))
    assert found.runs.counted == (Counted(RunStatus.WAITING, COMFYDEPLOY, 1),)
    assert [(each.job, each.reason, each.since) for each in found.stuck] == [
        (JOB, StuckReason.NOT_ENDED, OLD)
    ]
    assert found.stuck_jobs == 1


async def test_of_what_is_stuck_the_longest_is_told_first() -> None:
    """What is owed and not done, of jobs and of generations of none; no more than is wanted."""
    claimed = a_debt(runs.ASK, by=HERE, next_at=later(-400))
    work = open_work(
        a_generation(owed=(claimed,)),
        an_order(id=OTHER, owed=(a_debt(runs.SUBMIT, attempts=6, next_at=later(60)),)),
        a_still_job(status=JobStatus.COMPLETED, owed=(a_debt("notify", dead_at=OLD),)),
    )

    assert [(each.reason, each.generation) for each in (await work()).stuck] == [
        (StuckReason.FAILING, OTHER),
        (StuckReason.DEAD, None),
        (StuckReason.CLAIM_RAN_OUT, ID),
    ]
    short = await work(1)
    assert (len(short.stuck), short.stuck_jobs) == (1, 1)


async def test_a_run_that_lingers_is_found() -> None:
    """Though all that it owes is due later: it was sent long ago, or its time is up."""
    sent = StatusChange(status=RunStatus.SUBMITTING, at=OLD, source="submit")
    asked = (a_debt(runs.ASK, next_at=later(60)),)
    lost = an_order(status=RunStatus.SUBMITTING, id=ID, owed=asked, history=(sent,))
    ages = NOON - timedelta(hours=1)
    silent = a_generation(RunStatus.RUNNING, id=OTHER, started_at=ages, owed=asked)
    # The fake's ids begin with the time of their making, as ours do.
    lost, silent = (
        each.change(id=GenerationId(f"{number:032x}")) for number, each in enumerate((lost, silent))
    )

    assert {each.reason for each in await open_work(lost, silent).stuck()} == {
        StuckReason.SUBMIT_UNKNOWN,
        StuckReason.SILENT,
    }


async def test_jobs_that_are_stuck_are_chosen() -> None:
    """Newest first, of one person, or in some statuses."""
    newer = a_still_job(id=PAUSED, user_id=UserId("other"), steps=(a_step(generation=OTHER),))
    work = open_work(a_still_job(), a_lost_run(), newer, a_generation(id=GenerationId("3" * 32)))

    async def chosen(limit: int = 9, **only: object) -> list[str]:
        return [each.id for each in await work.stuck_jobs(limit, **only)]  # pyright: ignore[reportArgumentType] - the test's own

    assert await chosen() == [PAUSED, JOB]
    assert await chosen(1) == [PAUSED]
    assert await chosen(user=USER) == [JOB]
    assert await chosen(statuses=JOB_OPEN) == [PAUSED, JOB]
    assert await chosen(statuses=frozenset({JobStatus.PENDING})) == []


async def test_one_job_is_told_with_its_generations() -> None:
    """And with what of it is stuck."""
    work = open_work(a_still_job(), a_lost_run())
    found = await work.of(JOB)

    assert found is not None
    assert (found.job.id, set(found.made)) == (JOB, {ID})
    assert [each.reason for each in found.stuck] == [StuckReason.NOT_ENDED]
    assert await work.of(PAUSED) is None
