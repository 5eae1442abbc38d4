"""The ledger recomputed, and compared with the records."""

from decimal import Decimal

import pytest

from app.errors import UnreadableError
from app.usecases.audit_ledger import AT_ONCE, AuditLedger, Findings
from processors import ledger
from processors.ledger import Act
from schemas.base import GenerationId, UserId
from schemas.generation import Generation, StatusChange
from schemas.job import Job
from schemas.ledger import Entry, EntryId
from schemas.run import RunStatus
from tests.builders import ID, JOB, NOON, TIMING, USER, a_generation, a_job
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.jobs import FakeJobs
from tests.fakes.ledger import FakeLedger

pytestmark = pytest.mark.anyio

OTHER = UserId("0198c0ffee0198c0ffee0198c0ffee98")


def some_entries() -> list[Entry]:
    """A grant of 10 and a hold of 5; another person with a grant of 1."""
    act = Act(EntryId("e"), USER, "us", NOON)
    grant = ledger.grant(None, act, "welcome:x", Decimal(10))
    hold = ledger.hold(grant, act, JOB, {ID: Decimal(5)})
    other = ledger.grant(None, Act(EntryId("f"), OTHER, "us", NOON), "welcome:y", Decimal(1))
    return [grant, hold, other]


def a_past_end(generation: GenerationId = ID, job: str = JOB) -> Generation:
    """A generation of a job that ended at noon."""
    past = StatusChange(status=RunStatus.FAILED, at=NOON, source="engine")
    return a_generation(
        RunStatus.FAILED, id=generation, job_id=job, step=1, item=1, history=(past,)
    )


async def audited(
    entries: list[Entry],
    *generations: Generation,
    jobs: FakeJobs | None = None,
    after: float = 3,
) -> Findings:
    """What is found so many hours after noon."""
    clock = FakeClock()
    clock.move(TIMING.grace * after)
    audit = AuditLedger(
        FakeLedger(kept=entries),
        jobs or FakeJobs({JOB: a_job()}),
        FakeGenerations({each.id: each for each in generations}),
        clock,
        TIMING,
    )
    return await audit()


async def test_what_is_held_for_a_run_is_well() -> None:
    """It is counted, and named as held."""
    found = await audited(some_entries(), a_generation(job_id=JOB))

    assert (found.entries, found.people, found.total) == (3, 2, 6)
    assert (found.flaws, found.mismatches, found.odd) == ((), (), ())
    assert [each.generation for each in found.held] == [ID]


async def test_what_is_held_beyond_an_end_is_found_from_both_sides() -> None:
    """The hold that is open, and the end that has no close; within the grace it is none."""
    found = await audited(some_entries(), a_past_end())
    early = await audited(some_entries(), a_past_end(), after=1)

    assert {each.key for each in found.mismatches} == {f"hold:{JOB}", f"close:{ID}"}
    assert found.held == ()
    assert (early.mismatches, len(early.held)) == ((), 1)


async def test_ends_without_a_hold_are_found_as_well() -> None:
    """However many there are: they are looked for some at a time."""
    ids = [GenerationId(f"{number:032x}") for number in range(AT_ONCE + 2)]
    closed = some_entries()[0].change(key=f"close:{ids[3]}")
    found = await audited([closed], *(a_past_end(each, f"job {each}") for each in ids))

    assert [each.generation for each in found.mismatches] == [*ids[:3], *ids[4:]]


async def test_what_was_closed_meanwhile_is_well() -> None:
    """The service goes on while it is looked at."""
    entries = some_entries()
    jobs = _Slow(entries)
    found = await audited(entries, a_past_end(), jobs=jobs)

    assert found.mismatches == ()


async def test_a_record_that_cannot_be_read_is_named() -> None:
    """And no judgement is passed on it."""
    found = await audited(some_entries(), a_generation(job_id=JOB), jobs=_Odd())

    assert [str(each) for each in found.odd] == [f"job {JOB} cannot be read by this version"]
    assert found.mismatches == ()


class _Slow(FakeJobs):
    """Jobs that take so long to be read that a line is closed meanwhile."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__({})
        self._entries = entries

    async def get(self, record_id: str, /) -> Job | None:
        grant, hold = self._entries[:2]
        act = Act(EntryId("g"), USER, "us", NOON)
        self._entries.append(ledger.close(hold, act, hold, ID, grant.balance * 0))
        return await super().get(record_id)


class _Odd(FakeJobs):
    """Jobs of a newer version."""

    async def get(self, record_id: str, /) -> Job | None:
        raise UnreadableError(f"job {record_id}")
