"""app.usecases.reset_job: everything owed is due now, once, and it is known who did it."""

import pytest

from app.errors import NotFoundError
from app.observability.journal import Journal
from app.usecases.records import Records, RecordsOf
from app.usecases.reset_job import ResetJob
from processors import runs
from processors.jobs.resetting import Did, Done
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import Job, Source
from schemas.run import OutputKind, RunStatus
from tests.builders import (
    HERE,
    ID,
    JOB,
    a_debt,
    a_generation,
    a_job,
    a_step,
    an_order,
    later,
    owes,
)
from tests.fakes.clock import FakeClock
from tests.fakes.controls import FakeDeeds
from tests.fakes.generations import FakeGenerations
from tests.fakes.jobs import FakeJobs

pytestmark = pytest.mark.anyio

OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")


class Desk:
    """What resets jobs, and what it works on."""

    def __init__(self, *records: Generation | Job) -> None:
        self.generations, self.jobs, self.deeds = FakeGenerations(), FakeJobs(), FakeDeeds()
        for each in records:
            if isinstance(each, Job):
                self.jobs.records[each.id] = each
            else:
                self.generations.records[each.id] = each
        clock, journal = FakeClock(), Journal()
        self.reset = ResetJob(
            Records(self.generations, clock, journal),
            RecordsOf[Job](self.jobs, clock, journal.ordered),
            self.deeds,
        )


def a_chain() -> tuple[Job, Generation, Generation]:
    """Return a job whose first step is over, and whose second was never let begin."""
    source = Source(step=1, generation=ID, type=OutputKind.IMAGE)
    second = a_step(number=2, generation=OTHER, sources={"image": source})
    job = a_job(steps=(a_step(), second), owed=(a_debt("notify", dead_at=later(-9)),))
    first = a_generation(RunStatus.COMPLETED, job_id=JOB, step=1, steps=2, owed=())
    waiting = an_order(id=OTHER, status=RunStatus.WAITING, job_id=JOB, step=2, steps=2, owed=())
    return job, first, waiting


@pytest.mark.parametrize("named", [JOB, OTHER])
async def test_a_job_is_reset_with_its_generations(named: str) -> None:
    """Named by itself or by one of them; what is owed is told, and who did it is written down."""
    desk = Desk(*a_chain())
    done = await desk.reset(named, by="cli:ada")

    assert done.record == JOB
    assert done.done == (
        Done(record=ID, did=Did.OWED, debt="advance"),
        Done(record=ID, did=Did.OWED, debt="settle"),
        Done(record=JOB, did=Did.REPLAYED, debt="notify"),
    )
    assert owes(desk.generations.records[ID]) == ["advance", "settle"]
    (deed,) = await desk.deeds.about(f"job:{JOB}", 9)
    assert (deed.by, deed.verb, deed.said) == ("cli:ada", "reset", None)


async def test_what_was_reset_is_not_reset_again() -> None:
    """Nothing is written, and no deed."""
    desk = Desk(*a_chain())
    await desk.reset(JOB, by="cli:ada")
    before = desk.generations.records[ID]

    assert (await desk.reset(JOB, by="cli:ada")).done == ()
    assert desk.generations.records[ID] == before
    assert len(await desk.deeds.about(f"job:{JOB}", 9)) == 1


async def test_a_generation_of_no_job_is_reset_alone() -> None:
    """A submit that somebody has is left to them."""
    sending = a_debt(runs.SUBMIT, by=HERE, next_at=later(60))
    late = a_generation(id=OTHER, owed=(a_debt(runs.ASK, next_at=later(60)),))
    desk = Desk(an_order(status=RunStatus.SUBMITTING, owed=(sending,)), late)

    assert (await desk.reset(ID, by="cli:ada")).done == ()
    assert (await desk.reset(OTHER, by="cli:ada")).done == (
        Done(record=OTHER, did=Did.HURRIED, debt="ask"),
    )
    assert await desk.deeds.about(f"generation:{OTHER}", 9)
    with pytest.raises(NotFoundError, match="no such job or generation"):
        await desk.reset("0" * 32, by="cli:ada")
