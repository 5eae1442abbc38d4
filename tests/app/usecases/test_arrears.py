"""app.usecases.arrears: what is owed and does not move, by generations, jobs and payments."""

from datetime import timedelta

import pytest

from app.errors import NotFoundError
from app.observability.journal import Journal
from app.usecases.arrears import Arrear, Arrears, Silent
from app.usecases.records import Records, RecordsOf
from processors import jobs, payments, runs
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.hook import Delivery
from schemas.job import Job, JobId, JobStatus
from schemas.payment import Payment
from schemas.run import RunStatus
from tests.builders import (
    ID,
    JOB,
    NOON,
    PAYMENT,
    a_debt,
    a_generation,
    a_job,
    a_payment,
    later,
    some_metadata,
)
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.hooks import FakeDeliveries
from tests.fakes.jobs import FakeJobs
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.anyio

OLD = later(-900)
OTHER = GenerationId("f" * 32)
DEAD = a_debt(runs.NOTIFY, dead_at=OLD, attempts=8)
TOLD = a_debt(jobs.NOTIFY, dead_at=NOON)


def the_arrears(*records: Generation | Job | Payment) -> tuple[Arrears, FakeGenerations, FakeJobs]:
    """What is owed by these."""
    generations, kept, clock = FakeGenerations(), FakeJobs(), FakeClock()
    bought = FakePayments()
    for each in records:
        if isinstance(each, Job):
            kept.records[each.id] = each
        elif isinstance(each, Payment):
            bought.records[each.id] = each
        else:
            generations.records[each.id] = each
    orders = RecordsOf[Job](kept, clock, Journal().ordered)
    sold = RecordsOf[Payment](bought, clock, Journal().bought)
    sent = RecordsOf[Delivery](FakeDeliveries(), clock, Journal().delivered)
    return (
        Arrears(Records(generations, clock, Journal()), orders, kept, sold, sent),
        generations,
        kept,
    )


def ended(**fields: object) -> Generation:
    """A generation that has ended and could not be told."""
    return a_generation(RunStatus.COMPLETED, **({"owed": (DEAD, a_debt(runs.KEEP))} | fields))


def told(**fields: object) -> Job:
    """A job that has ended and could not be told."""
    return a_job(**({"status": JobStatus.COMPLETED, "owed": (TOLD,)} | fields))


async def test_debts_of_both_are_listed() -> None:
    """Those of generations first; all, or the dead ones."""
    arrears, _, _ = the_arrears(told(), ended())

    assert [each async for each in arrears.listed(only_dead=True)] == [
        Arrear("generation", ID, DEAD),
        Arrear("job", JOB, TOLD),
    ]
    rows = [each async for each in arrears.listed(only_dead=False)]
    assert [(each.debt.key, each.since) for each in rows] == [
        (runs.NOTIFY, OLD),
        (runs.KEEP, NOON),
        (jobs.NOTIFY, NOON),
    ]


@pytest.mark.parametrize(
    ("record", "key", "since", "count"),
    [
        (None, None, None, 2),
        (ID, None, None, 1),
        (JOB, None, None, 1),
        (ID, runs.KEEP, None, 0),
        (None, None, NOON, 1),
        (None, "no such", None, 0),
    ],
)
async def test_dead_debts_are_brought_back_to_life(
    record: str | None, key: str | None, since: object, count: int
) -> None:
    """Those that are chosen, and no others."""
    arrears, generations, kept = the_arrears(told(), ended())
    begin = NOON if since else None

    assert await arrears.replay(record, key, begin) == count
    alive = [each.dead_at for each in (*generations.records[ID].owed, *kept.records[JOB].owed)]
    assert alive.count(None) == 1 + count


async def test_debts_of_nothing_cannot_be_replayed() -> None:
    """It is said that there is no such record."""
    with pytest.raises(NotFoundError, match="no such generation, job, payment or webhook"):
        await the_arrears()[0].replay("x")


async def test_what_does_not_move_is_found() -> None:
    """A generation without news; a job of which nothing runs."""
    running = a_generation(RunStatus.RUNNING, updated_at=OLD, owed=())
    waiting = a_job(updated_at=OLD)
    unmade = waiting.change(
        id=JobId("e" * 32),
        status=JobStatus.PENDING,
        steps=(waiting.steps[0].change(generation=OTHER),),
    )
    fresh = a_generation(RunStatus.RUNNING, id=OTHER, metadata=some_metadata(run_id="2"))
    arrears, _, _ = the_arrears(running, waiting, unmade)
    found = await arrears.stuck(timedelta(minutes=10), 9)

    assert found.silent == (
        Silent("generation", ID, "running", OLD),
        Silent("job", "e" * 32, "pending", OLD),
    )
    assert (await the_arrears(fresh)[0].stuck(timedelta(minutes=10), 9)).silent == ()


async def test_what_is_overdue_is_found() -> None:
    """Neither what is dead nor what is due only now."""
    late = a_debt(runs.KEEP, next_at=OLD)
    record = ended(owed=(DEAD, late, a_debt(runs.ASK)))
    job = told(owed=(a_debt(jobs.NOTIFY, next_at=OLD),))
    arrears, _, _ = the_arrears(record, job)
    found = await arrears.stuck(timedelta(minutes=10), 9)

    assert [(each.what, each.debt.key) for each in found.overdue] == [
        ("generation", runs.KEEP),
        ("job", jobs.NOTIFY),
    ]


async def test_what_payments_owe_is_seen_as_well() -> None:
    """Listed last, overdue if nobody does it, and replayed should it ever be dead."""
    payback = a_debt(payments.PAYBACK, next_at=OLD)
    paid = a_payment(owed=(payback, a_debt(payments.CREDIT, dead_at=OLD)), due_at=OLD)
    arrears, _, _ = the_arrears(paid, told())
    rows = [each async for each in arrears.listed(only_dead=False)]
    stuck = await arrears.stuck(timedelta(minutes=10), 9)

    assert [(each.what, each.debt.key) for each in rows] == [
        ("job", jobs.NOTIFY),
        ("payment", payments.PAYBACK),
        ("payment", payments.CREDIT),
    ]
    assert stuck.overdue == (Arrear("payment", PAYMENT, payback),)
    assert stuck.silent == ()
    assert await arrears.replay(PAYMENT) == 1
    assert await arrears.replay() == 1
