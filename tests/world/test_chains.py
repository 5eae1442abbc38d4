"""Whole jobs of several steps with two processes: each step runs once, is paid once, told once."""

import os
from itertools import pairwise

import structlog
from hypothesis import HealthCheck, given, settings

from processors import ledger, runs
from schemas.generation import Generation, Retry
from schemas.job import Job, JobStatus, Step
from schemas.run import RunStatus
from tests.world.chats import Tale
from tests.world.plans import Life, Plan, Purchase, chains
from tests.world.shop import HELD, PEOPLE
from tests.world.test_trade import check_ledger, entry_of, excused
from tests.world.world import SimulatedWorld, lived

EXAMPLES = int(os.environ.get("WORLD_EXAMPLES", "30"))
"""Worlds tried; more of them for a longer search."""


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(plan=chains)
def test_each_step_runs_once_and_is_paid_once_whatever_crashes(plan: Plan) -> None:
    """However two processes die and stand still, and whatever is said, lost and doubled."""
    with structlog.testing.capture_logs() as lines:
        world = lived(plan)
    check(world)
    assert [each for each in lines if each["log_level"] == "error" and "exc_info" in each] == []


def test_an_undisturbed_chain_is_told_once() -> None:
    """Three steps, three runs, three prices, and one message for each of them."""
    plan = Plan(orders=(), purchases=(Purchase(at=5.0, shape="line"),), given="7")
    world = lived(plan)
    check(world)
    [job] = world.jobs.values()
    assert (job.status, job.price) == (JobStatus.COMPLETED, 3 * HELD)
    assert [len(each) for each in world.cloud.posts.values()] == [1, 1, 1]
    assert [each.place for each in world.telegram.tales] == [f"{job.id}/1", f"{job.id}/2", job.id]


def test_what_is_lost_once_is_made_again_and_paid_once() -> None:
    """In both of the steps that can be tried again."""
    lives = (Life(gone=1), Life(), Life(gone=1))
    purchase = Purchase(at=5.0, shape="line", lives=lives, chat=False)
    world = lived(Plan(orders=(), purchases=(purchase,), given="7"))
    check(world)
    [job] = world.jobs.values()
    assert (job.status, job.price) == (JobStatus.COMPLETED, 3 * HELD)
    assert sorted(each.attempt for each in world.records.values()) == [1, 2, 2]


def check(world: SimulatedWorld) -> None:
    """See that a world which has come to rest is as it should be."""
    for person in PEOPLE:
        check_ledger([each for each in world.kept.entries if each.user == person.id])
    for record in world.records.values():
        assert record.ended
        assert record.owed == ()
        check_runs(world, record)
    for job in world.jobs.values():
        assert job.ended
        assert job.owed == ()
        check_job(world, job)
    for answers in (*world.answers.values(), *world.retried.values()):
        made = [each for each in answers if world.jobs[each].status is not JobStatus.REFUSED]
        assert len(made) <= 1, "one order was carried out twice"


def check_runs(world: SimulatedWorld, record: Generation) -> None:
    """See that each attempt ran once at most, and that none ran of what never began."""
    made = [each for each in world.cloud.runs.values() if each.generation == record.id]
    posts = world.cloud.posts.get(record.id, [])
    attempts = [each.attempt for each in made]
    assert len(set(attempts)) == len(attempts), "two runs of one attempt"
    assert max(attempts, default=1) <= record.attempt <= record.max_attempts
    taken = [each for each in posts if each not in {"busy", "down", "refused"}]
    assert len(taken) <= record.attempt
    if all(each.status is not RunStatus.SUBMITTING for each in record.history):
        assert posts == [], "what never began was sent"
    if record.status is RunStatus.COMPLETED:
        assert any(each.attempt == record.attempt for each in made)


def check_job(world: SimulatedWorld, job: Job) -> None:
    """See that a job came to what its steps did, and to what was taken for them."""
    held = entry_of(world, ledger.hold_key(job.id))
    if job.status is JobStatus.REFUSED:
        assert held is None, "held for an order that was refused"
        assert not any(each.generation in world.records for each in job.steps)
        return
    assert held is not None
    for step in job.steps:
        check_step(world, job, step)
    ends = {world.records[each.generation].status for each in job.steps}
    assert (job.status is JobStatus.COMPLETED) == (ends == {RunStatus.COMPLETED})
    check_told(world, job)


def check_step(world: SimulatedWorld, job: Job, step: Step) -> None:
    """See that a step was given what others made, and that its line was closed once."""
    record, outcome = world.records[step.generation], step.outcome
    closed = entry_of(world, ledger.close_key(step.generation))
    back = entry_of(world, ledger.refund_key(step.generation))
    assert outcome is not None
    assert closed is not None
    assert closed.captured == outcome.price == record.price
    assert (closed.captured or 0) <= step.held
    assert (outcome.status, outcome.provisional) == (record.status, False)
    assert outcome.refunded == (None if back is None else back.amount)
    again = any(each.source == Retry.OUTPUTS_GONE for each in record.history)
    if record.status is not RunStatus.COMPLETED and closed.captured:
        assert again
        assert back is not None, "paid for what was not made"
    if runs.lost(record) and closed.captured and not (job.told and job.told.delivered):
        assert back is not None, "paid for what is lost"
    check_taken(world, step, record)


def check_taken(world: SimulatedWorld, step: Step, record: Generation) -> None:
    """See that what began took copies of what its sources had made by then."""
    begun = [each.at for each in record.history if each.status is RunStatus.PENDING]
    if not begun:
        assert record.status is RunStatus.CANCELLED
        return
    for key, source in step.sources.items():
        of = world.records[source.generation]
        kept = {f"media:{each.key}" for each in of.response_payload.outputs if each.key}
        assert record.request_payload.inputs[key] in kept
        assert any(
            each.status is RunStatus.COMPLETED and each.at <= begun[0] for each in of.history
        )


def check_told(world: SimulatedWorld, job: Job) -> None:
    """See that the end was told, and each step at most once, unless it could not be known."""
    if job.chat is None:
        return
    places = {job.id, *(f"{job.id}/{number}" for number in range(1, job.last))}
    tales = [each for each in world.telegram.tales if (each.place or "").startswith(job.id)]
    assert {each.place for each in tales} <= places
    ends = [each for each in tales if each.place == job.id]
    assert ends, "the end was not told"
    undisturbed = not world.plan.interruptions and len(job.steps) > 1
    if undisturbed and not any(
        world.records[each.generation].ended_by == "us" for each in job.steps
    ):
        assert len({each.text for each in ends}) == 1
    # Late words about several items may come to the same for their person, one after another.
    first = [each for each in tales if not each.text.startswith("About your order")]
    for each in places:
        check_once(world, job, [tale for tale in first if tale.place == each])


def check_once(world: SimulatedWorld, job: Job, tales: list[Tale]) -> None:
    """See that nothing was told twice but for a good reason."""
    for text in {each.text for each in tales}:
        for one, other in pairwise([each for each in tales if each.text == text]):
            assert excused(world, job, one, other), f"told twice: {one} {other}"
