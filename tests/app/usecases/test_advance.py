"""app.usecases.advance: each step begins once, when what it takes is there, whoever sees it."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from app.errors import PeerError, StoreDownError
from app.usecases.advance import GoOn
from app.usecases.start_job import CancelJob
from processors import ledger, runs
from processors.runs import Copy
from schemas.job import JobId, JobStatus
from schemas.preset import Binding
from schemas.run import RunStatus
from tests.app.usecases.works import LONG, REPLICATE, Workshop, dress, sketch, until
from tests.builders import a_taker, an_output, owes
from tests.fakes.gates import Turnstile

pytestmark = pytest.mark.anyio

CHAIN = (sketch(), dress(1), dress(2, inputs={"steps": 7}))
FAILED: dict[str, Any] = {"status": RunStatus.FAILED, "error": "out of paint"}


def lines_are_closed(scene: Workshop) -> bool:
    """Return whether the ledger has no flaw and holds nothing any more."""
    audit = ledger.check(scene.ledger.kept)
    return (audit.flaws, audit.open) == ((), ())


async def test_each_step_takes_the_copy_of_what_the_one_before_has_made() -> None:
    """Beside what is given to it: three steps, each sent once and in turn, and paid for once."""
    async with Workshop().running() as scene:
        job_id = await scene.order_steps(*CHAIN)
        job = await scene.over(job_id)

    assert (job.status, job.price, scene.charged()) == (JobStatus.COMPLETED, 15, 15)
    assert scene.sent() == [(1, 1, 1), (2, 1, 1), (3, 1, 1)]
    for number in (2, 3):
        [made] = scene.part(job_id, number - 1).response_payload.outputs
        assert made.key in scene.storage.files
        taken = scene.part(job_id, number).request_payload.inputs["image_0"]
        assert taken == f"media:{made.key}"
    assert scene.part(job_id, 3).request_payload.inputs["steps"] == 7
    assert [kind for kind, _ in scene.moved()] == ["hold", "close", "close", "close"]
    assert lines_are_closed(scene)


async def test_a_step_is_made_for_each_item_of_the_one_before() -> None:
    """Four seeds, each dressed; of two of those a last one is made."""
    seeds = sketch(inputs={}, over={"steps": (1, 2, 3, 4)})
    both = {"one": Binding(step=2, item=1), "two": Binding(step=2, item=4)}
    join = dress(preset="join", bindings=both)
    async with Workshop().running() as scene:
        job_id = await scene.order_steps(seeds, dress(1), join)
        job = await scene.over(job_id)

    assert (job.status, len(job.steps), scene.charged()) == (JobStatus.COMPLETED, 9, 45)
    assert sorted(scene.sent()) == [
        *((step, item, 1) for step in (1, 2) for item in (1, 2, 3, 4)),
        (3, 1, 1),
    ]
    for item in (1, 2, 3, 4):
        [made] = scene.part(job_id, 1, item).response_payload.outputs
        assert scene.part(job_id, 2, item).request_payload.inputs["image_0"] == f"media:{made.key}"
    taken = scene.part(job_id, 3).request_payload.inputs
    outputs = [scene.part(job_id, 2, item).response_payload.outputs[0] for item in (1, 4)]
    assert [taken["one"], taken["two"]] == [f"media:{each.key}" for each in outputs]


async def test_a_failed_step_drops_what_depends_on_it() -> None:
    """What was made is kept and paid for; what was held for the rest is returned."""
    scene = Workshop()
    scene.engine.fates[2, 1, 1] = FAILED
    async with scene.running():
        job_id = await scene.order_steps(*CHAIN)
        job = await scene.over(job_id)

    assert scene.statuses(job_id) == ["completed", "failed", "cancelled"]
    assert scene.part(job_id, 3).status_reason == "step_failed"
    assert (job.status, scene.charged()) == (JobStatus.FAILED, 5)
    assert scene.part(job_id, 1).response_payload.outputs[0].key in scene.storage.files
    assert scene.sent() == [(1, 1, 1), (2, 1, 1)]
    assert lines_are_closed(scene)


async def test_of_a_fan_out_one_failure_drops_only_what_takes_from_it() -> None:
    """The others go on, and are paid for."""
    scene = Workshop()
    scene.engine.fates[1, 2, 1] = FAILED
    async with scene.running():
        job_id = await scene.order_steps(sketch(inputs={}, over={"steps": (1, 2, 3)}), dress(1))
        job = await scene.over(job_id)

    assert scene.statuses(job_id)[:3] == ["completed", "failed", "completed"]
    assert scene.statuses(job_id)[3:] == ["completed", "cancelled", "completed"]
    assert (job.status, scene.charged()) == (JobStatus.FAILED, 20)


async def test_a_step_without_a_result_drops_all_that_depends_on_it() -> None:
    """Also what takes of what takes of it: nothing waits for ever."""
    scene = Workshop()
    scene.engine.fates[1, 1, 1] = {"outputs": ()}
    async with scene.running():
        job_id = await scene.order_steps(*CHAIN)
        job = await scene.over(job_id)

    assert scene.statuses(job_id) == ["completed", "cancelled", "cancelled"]
    reasons = [scene.part(job_id, number).status_reason for number in (2, 3)]
    assert reasons == ["nothing_made", "step_failed"]
    assert (job.status, scene.charged()) == (JobStatus.CANCELLED, 0)


async def test_a_step_does_not_wait_for_what_it_does_not_take() -> None:
    """One picture is copied, and taken; the other goes on being tried."""
    scene = Workshop()
    outputs = (an_output("taken"), away := an_output("away"))
    scene.engine.fates[1, 1, 1] = {"outputs": outputs}
    scene.files.files[away.url or ""] = PeerError("outputs.example.com", "network")
    async with scene.running():
        job_id = await scene.order_steps(sketch(), dress(1))
        await until(lambda: scene.job(job_id).ended)

    assert scene.statuses(job_id) == ["completed", "completed"]
    assert runs.KEEP in owes(scene.part(job_id, 1))


async def test_what_is_lost_is_made_again_at_our_cost() -> None:
    """The step completes at its second attempt, is taken from, and is paid for once."""
    scene = Workshop()
    scene.other.fates[1, 1, 1] = {"outputs": (an_output("lost"),)}
    scene.lose("lost")
    async with scene.running():
        job_id = await scene.order_steps(sketch(preset="paint", inputs={}), dress(1))
        job = await scene.over(job_id, LONG * 24)

    assert sorted(scene.sent()) == [(1, 1, 1), (1, 1, 2), (2, 1, 1)]
    assert (job.status, scene.charged()) == (JobStatus.COMPLETED, 10)
    assert scene.part(job_id, 1).engine == REPLICATE
    assert lines_are_closed(scene)


async def test_what_is_lost_for_good_is_given_back() -> None:
    """Nobody has it and nobody will: nothing is taken for it, nor for what depended on it."""
    scene = Workshop()
    for attempt in (1, 2):
        scene.other.fates[1, 1, attempt] = {"outputs": (an_output("lost"),)}
    scene.lose("lost")
    async with scene.running():
        job_id = await scene.order_steps(sketch(preset="paint", inputs={}), dress(1), dress(2))
        job = await scene.over(job_id, LONG * 24)

    assert scene.sent() == [(1, 1, 1), (1, 1, 2)]
    reasons = [scene.part(job_id, number).status_reason for number in (2, 3)]
    assert (reasons, job.status) == (["outputs_lost", "step_failed"], JobStatus.CANCELLED)
    assert scene.charged() == 0
    outcome = job.steps[0].outcome
    assert outcome is not None
    assert outcome.refunded == Decimal(5)
    assert lines_are_closed(scene)


async def test_a_job_that_is_cancelled_begins_nothing_more() -> None:
    """Whether the step that runs completes or not; what it made is paid for, the rest returned."""
    scene = Workshop()
    scene.engine.fates[1, 1, 1] = None
    async with scene.running():
        job_id = await scene.order_steps(*CHAIN)
        await asyncio.sleep(60)
        await scene.orders.cancel(job_id)
        scene.engine.end(scene.part(job_id, 1))
        job = await scene.over(job_id)

    assert scene.statuses(job_id) == ["completed", "cancelled", "cancelled"]
    assert (job.status, scene.charged()) == (JobStatus.CANCELLED, 5)
    assert scene.sent() == [(1, 1, 1)]


async def test_a_step_that_has_begun_is_cancelled_with_its_job() -> None:
    """Its engine is told; the step before it stays as it ended."""
    scene = Workshop()
    scene.engine.fates[2, 1, 1] = None
    async with scene.running():
        job_id = await scene.order_steps(*CHAIN)
        await until(lambda: scene.statuses(job_id)[1] == "running")
        await scene.orders.cancel(job_id)
        await asyncio.sleep(1)
        scene.engine.end(scene.part(job_id, 2), status=RunStatus.CANCELLED, outputs=())
        job = await scene.over(job_id)

    assert scene.statuses(job_id) == ["completed", "cancelled", "cancelled"]
    assert scene.engine.cancelled
    assert (job.status, scene.charged()) == (JobStatus.CANCELLED, 5)


async def ready(scene: Workshop) -> JobId:
    """Have a job whose first step is done and copied, and which nobody goes on with."""
    scene.engine.fates[1, 1, 1] = None
    async with scene.running():
        job_id = await scene.order_steps(*CHAIN)
        await asyncio.sleep(30)
    made = scene.part(job_id, 1)
    ended = runs.ended(
        made, runs.verdict_of(scene.engine.end(made)), now=scene.clock.now(), taker=a_taker()
    )
    copies = {each.key: Copy() for each in runs.copies_wanted(ended)}
    scene.generations.records[made.id] = runs.copied(ended, copies).change(owed=(), due_at=None)
    return job_id


async def test_of_many_who_go_on_with_a_job_one_begins_its_next_step() -> None:
    """Whoever they are, at once or one after another."""
    scene = Workshop()
    job_id = await ready(scene)
    job = scene.job(job_id)
    others = [GoOn(Workshop(after=scene).records, scene.taking) for _ in range(3)]
    ids = [each.generation for each in job.steps]
    await asyncio.gather(*(other(job, ids) for other in others))
    await others[0](job, ids)

    begun = scene.part(job_id, 2)
    assert [each.status for each in begun.history] == [RunStatus.WAITING, RunStatus.PENDING]
    assert [each.n for each in begun.owed if each.key == "submit"] == [1]
    assert scene.statuses(job_id) == ["completed", "pending", "waiting"]


@pytest.mark.parametrize("first", ["cancel", "advance"])
async def test_of_a_cancel_and_the_next_step_one_wins(first: str) -> None:
    """Who goes on with a job as it was before it was to be cancelled begins nothing of it."""
    scene = Workshop()
    job_id = await ready(scene)
    before = scene.job(job_id)
    go_on, ids = GoOn(scene.records, scene.taking), [each.generation for each in before.steps]
    cancel = CancelJob(scene.records, scene.taking)
    wanted = await scene.orders.cancel(job_id)
    [debt] = wanted.owed
    if first == "advance":
        await go_on(before, ids)
        assert scene.statuses(job_id) == ["completed", "pending", "waiting"]
    await cancel(wanted, debt)
    await go_on(before, ids)

    assert scene.statuses(job_id) == ["completed", "cancelled", "cancelled"]
    assert "submit" not in owes(scene.part(job_id, 2))


async def test_a_process_dies_between_the_end_of_a_step_and_the_next() -> None:
    """Whoever comes after it begins the next step, and that once."""
    first = Workshop()
    first.engine.fates[1, 1, 1] = None
    async with first.running():
        job_id = await first.order_steps(*CHAIN)
        await asyncio.sleep(30)
    ended = first.part(job_id, 1)
    assert first.statuses(job_id) == ["queued", "waiting", "waiting"]

    dying = Workshop(after=first, storage=first.storage)
    dying.engine.end(ended)

    jobs_down = Turnstile()
    jobs_down.down = StoreDownError("the jobs cannot be read")
    dying.jobs.gate = jobs_down
    async with dying.running():
        await asyncio.sleep(60)
    assert dying.statuses(job_id) == ["completed", "waiting", "waiting"]
    assert "advance" in owes(dying.part(job_id, 1))

    one = Workshop(after=dying, storage=first.storage)
    other = Workshop(after=dying, storage=first.storage, name="other")
    async with one.running(), other.running():
        await one.over(job_id)
    assert sorted([*one.sent(), *other.sent()]) == [(2, 1, 1), (3, 1, 1)]
    assert (one.job(job_id).status, one.charged()) == (JobStatus.COMPLETED, 15)
