"""Whole orders with two processes and little money: credits are right whatever crashes."""

import os
from collections.abc import Sequence
from itertools import pairwise

import structlog
from hypothesis import HealthCheck, given, settings

from processors import ledger, runs
from schemas.generation import Generation
from schemas.job import Job, JobStatus, PriceReason, Step
from schemas.ledger import Entry
from schemas.run import RunStatus
from tests.world.chats import Tale
from tests.world.plans import Life, Plan, Purchase, trades
from tests.world.shop import HELD, PEOPLE
from tests.world.test_world import check_truth, done_by, interrupted
from tests.world.world import SimulatedWorld, lived

EXAMPLES = int(os.environ.get("WORLD_EXAMPLES", "40"))
"""Worlds tried; more of them for a longer search."""


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(plan=trades)
def test_money_is_right_whatever_crashes(plan: Plan) -> None:
    """However two processes die and stand still, each order ends, and costs what it comes to."""
    with structlog.testing.capture_logs() as lines:
        world = lived(plan)
    check(world)
    assert [each for each in lines if each["log_level"] == "error" and "exc_info" in each] == []


def test_of_two_at_once_with_credits_for_one_one_is_refused() -> None:
    """The other is carried out, and told once."""
    plan = Plan(orders=(), purchases=(Purchase(at=5.0), Purchase(at=5.0, again=1.0)))
    world = lived(plan)
    check(world)
    [job] = [each for each in world.jobs.values() if each.status is not JobStatus.REFUSED]
    assert (job.status, job.price) == (JobStatus.COMPLETED, HELD)
    assert sorted(each is None for each in world.bought.values()) == [False, True]
    [tale] = world.telegram.tales
    assert "Price: 5 credits" in tale.text


def test_credits_returned_after_the_grace_are_returned_for_good() -> None:
    """What comes later is delivered free; our own end was told as reserved, then as returned."""
    late = Life(steps=(2400.0, 7200.0), cancellable=False)
    world = lived(Plan(orders=(), purchases=(Purchase(at=5.0, life=late),)))
    check(world)
    [job] = world.jobs.values()
    texts = [each.text for each in world.telegram.tales]
    assert (job.status, job.price) == (JobStatus.COMPLETED, 0)
    assert ["Reserved until we know" in each for each in texts] == [True, False, False]
    assert "Returned: 5 credits" in texts[1]
    assert "Free of charge" in texts[2]


def test_what_was_paid_for_is_given_back_where_it_is_lost() -> None:
    """Nobody was told of it in a chat, so nothing was delivered."""
    gone = Purchase(at=5.0, life=Life(gone=1), chat=False)
    world = lived(Plan(orders=(), purchases=(gone,)))
    check(world)
    [job] = world.jobs.values()
    assert job.steps[0].outcome is not None
    assert (job.price, job.steps[0].outcome.refunded) == (HELD, HELD)


def check(world: SimulatedWorld) -> None:
    """See that a world which has come to rest is as it should be."""
    for person in PEOPLE:
        check_ledger([each for each in world.kept.entries if each.user == person.id])
    for record in world.records.values():
        assert record.ended
        assert record.owed == ()
        assert record.job_id in world.jobs, "a generation of no job"
        check_truth(world, record)
    for job in world.jobs.values():
        assert job.ended
        assert job.owed == ()
        check_job(world, job)
    for answers in world.answers.values():
        made = [each for each in answers if world.jobs[each].status is not JobStatus.REFUSED]
        assert len(made) <= 1, "one order was carried out twice"


def check_ledger(entries: Sequence[Entry]) -> None:
    """See that a person's ledger adds up, was never below zero, and that nothing is held."""
    audit = ledger.check(entries)
    assert audit.flaws == ()
    assert audit.open == (), "held beyond the end"
    assert all(each.balance >= 0 for each in entries)
    assert audit.balance == sum(each.amount for each in entries)


def check_job(world: SimulatedWorld, job: Job) -> None:
    """See that a job came to what was taken for it, and that its end was told."""
    held = entry_of(world, ledger.hold_key(job.id))
    if job.status is JobStatus.REFUSED:
        assert held is None, "held for an order that was refused"
        assert not any(each.generation in world.records for each in job.steps)
    else:
        assert held is not None
        for step in job.steps:
            check_step(world, job, step)
    check_told(world, job)


def check_step(world: SimulatedWorld, job: Job, step: Step) -> None:
    """See that a step came to what its generation did, in the ledger and everywhere."""
    record, outcome = world.records[step.generation], step.outcome
    closed = entry_of(world, ledger.close_key(step.generation))
    back = entry_of(world, ledger.refund_key(step.generation))
    assert outcome is not None
    assert closed is not None
    assert closed.captured == outcome.price == record.price
    assert outcome.price_reason == record.price_reason
    assert (outcome.status, outcome.provisional) == (record.status, False)
    assert outcome.refunded == (None if back is None else back.amount)
    check_price(record, step, closed)
    if runs.lost(record) and closed.captured and not (job.told and job.told.delivered):
        assert back is not None, "paid for what is lost"


def check_price(record: Generation, step: Step, closed: Entry) -> None:
    """See that what was taken is the price of what was made, and that it is nothing else."""
    if record.status is not RunStatus.COMPLETED:
        fee = record.status is RunStatus.CANCELLED and step.terms.cancel_fee == "cost"
        assert not closed.captured or fee
    elif record.price_reason == PriceReason.PRICE and step.preset in {"fixed", "fee"}:
        assert closed.captured == HELD
    elif record.price_reason == PriceReason.PRICE:
        assert record.cost_usd is not None
        assert closed.captured == min(record.cost_usd * 1000, HELD)
    elif record.price_reason == PriceReason.ESTIMATED:
        assert closed.captured == HELD
        assert record.cost_usd is None


def check_told(world: SimulatedWorld, job: Job) -> None:
    """See that an end was told, once but for a good reason, and the money moved before it."""
    if job.chat is None or job.status is JobStatus.REFUSED:
        # Whoever was waiting for the answer to an order that was refused has it.
        return
    chat = job.chat.telegram_chat_id
    tales = [each for each in world.telegram.tales if each.chat_id == chat]
    # Of the same order, refused before; once there were credits for it, it was made anew.
    tales = [each for each in tales if "was not carried out" not in each.text]
    assert tales, "the end was not told"
    assert job.told is not None
    assert job.told.status is job.status
    for text in {each.text for each in tales}:
        for one, other in pairwise([each for each in tales if each.text == text]):
            assert excused(world, job, one, other), f"told twice: {one} {other}"
    [step] = job.steps
    closed = entry_of(world, ledger.close_key(step.generation))
    assert closed is not None
    early = [each for each in tales if each.at < closed.at]
    assert all("Reserved until we know" in each.text for each in early)


def excused(world: SimulatedWorld, job: Job, one: Tale, other: Tale) -> bool:
    """Return whether an end could not but be told again."""
    if not one.answered:
        return True
    acknowledged = world.jobs.acknowledged.get(job.id, [])
    return interrupted(world, one.by, one.at, done_by(acknowledged, one, other))


def entry_of(world: SimulatedWorld, key: str) -> Entry | None:
    """Return the one entry of a key, or None."""
    found = [each for each in world.kept.entries if each.key == key]
    assert len(found) <= 1
    return found[0] if found else None
