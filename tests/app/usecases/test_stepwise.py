"""Jobs that ask after each step, and steps that are ordered again: `app.usecases.orders`."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from app.errors import ConflictError, NotFoundError
from processors import ledger
from processors.errors import ChainRefusedError, InsufficientCreditsError
from schemas.base import UserId
from schemas.generation import Generation
from schemas.job import Job, JobId, JobStatus
from schemas.preset import Binding
from schemas.run import RunStatus
from tests.app.usecases.scenes import RARELY
from tests.app.usecases.works import LONG, Workshop, dress, sketch, until
from tests.builders import USER, an_output

pytestmark = pytest.mark.anyio

CHAIN: Final = (sketch(), dress(1), dress(2))
FAILED: Final[dict[str, Any]] = {"status": RunStatus.FAILED, "error": "out of paint"}
DAY: Final = timedelta(days=1).total_seconds()


def flawless(scene: Workshop) -> bool:
    """Return whether the ledger has no flaw and holds nothing any more."""
    audit = ledger.check(scene.ledger.kept)
    return (audit.flaws, audit.open) == ((), ())


def taken(generation: Generation) -> object:
    """Return the picture that a part was given."""
    return generation.request_payload.inputs["image_0"]


def made(generation: Generation) -> str:
    """Return the name of the picture that a part has made, as an input has it."""
    [output] = generation.response_payload.outputs
    assert output.key is not None
    return f"media:{output.key}"


async def asked(scene: Workshop, step: int = 1, **fields: Any) -> JobId:  # noqa: ANN401 - any field of an order
    """Have a manual job of three steps that waits for its person's word after a step."""
    job_id = await scene.order_steps(*CHAIN, manual=True, **fields)
    for number in range(1, step):
        await scene.waits(job_id, number)
        await scene.orders.go_on(job_id, number)
    await scene.waits(job_id, step)
    return job_id


async def failed(scene: Workshop, step: int = 2, *steps: Any) -> JobId:  # noqa: ANN401 - steps as ordered
    """Have a job whose step has failed."""
    scene.engine.fates[step, 1, 1] = FAILED
    job_id = await scene.order_steps(*(steps or CHAIN))
    await scene.over(job_id)
    scene.engine.fates.clear()
    return job_id


async def again(scene: Workshop, job_id: JobId, step: int, key: str | None = None) -> Job:
    """Order a step of a job again."""
    job, _ = await scene.orders.retry(job_id, step, user=USER, key=key, digest=key and "d")
    return job


async def test_a_manual_job_asks_after_each_step_but_the_last() -> None:
    """It says what is done, and goes on when it is told to; what was paid for stays paid."""
    async with Workshop(timing=RARELY).running() as scene:
        job_id = await asked(scene)
        pause = scene.job(job_id).pause
        assert pause is not None
        assert pause.until - pause.at == RARELY.continue_within
        assert scene.statuses(job_id) == ["completed", "waiting", "waiting"]
        assert [each.content.plain.splitlines()[0] for each in scene.messenger.told] == [
            "✅ Step 1 of 3 is done: Picture"
        ]
        await scene.orders.go_on(job_id, 1, user=USER)
        await scene.waits(job_id, 2)
        await scene.orders.go_on(job_id, 2)
        job = await scene.over(job_id)

    assert (job.status, job.continued, scene.charged()) == (JobStatus.COMPLETED, 2, 15)
    assert scene.sent() == [(1, 1, 1), (2, 1, 1), (3, 1, 1)]
    assert flawless(scene)


async def test_to_go_on_is_said_once_and_in_its_place() -> None:
    """Twice is no fault and does nothing; before its time, or of another's job, it is refused."""
    async with Workshop(timing=RARELY).running() as scene:
        job_id = await asked(scene)
        with pytest.raises(ConflictError, match="does not wait after step 2"):
            await scene.orders.go_on(job_id, 2)
        with pytest.raises(NotFoundError):
            await scene.orders.go_on(job_id, 1, user=UserId("f" * 32))
        first, second = await asyncio.gather(
            scene.orders.go_on(job_id, 1), scene.orders.go_on(job_id, 1)
        )
        assert (first.continued, second.continued) == (1, 1)
        await scene.waits(job_id, 2)
        await scene.orders.go_on(job_id, 1)
        assert scene.statuses(job_id)[2] == "waiting"
        await scene.orders.go_on(job_id, 2)
        job = await scene.over(job_id)
        assert await scene.orders.go_on(job_id, 2) == job
        with pytest.raises(ConflictError):
            await scene.orders.go_on(job_id, 3)

    assert scene.sent() == [(1, 1, 1), (2, 1, 1), (3, 1, 1)]


async def test_a_job_is_stopped_where_it_waits() -> None:
    """What is done is kept and paid for; the rest is returned, and is never begun."""
    async with Workshop(timing=RARELY).running() as scene:
        job_id = await asked(scene, 2)
        await scene.orders.cancel(job_id, user=USER, reason="stopped")
        with pytest.raises(ConflictError):
            await scene.orders.go_on(job_id, 2)
        job = await scene.over(job_id)

    assert (job.status, job.status_reason) == (JobStatus.CANCELLED, "stopped")
    assert scene.statuses(job_id) == ["completed", "completed", "cancelled"]
    assert (job.pause, scene.charged(), flawless(scene)) == (None, 10, True)
    assert [each for each in scene.messenger.told if "Stopped after step 2" in each.content.plain]


async def test_a_job_that_nobody_lets_go_on_is_given_up_after_a_day() -> None:
    """And not before; its person is told why."""
    async with Workshop(timing=RARELY).running() as scene:
        job_id = await asked(scene)
        await asyncio.sleep(DAY - 120)
        assert scene.job(job_id).status is JobStatus.ACTIVE
        await asyncio.sleep(240)
        job = await scene.over(job_id)

    assert (job.status, job.status_reason) == (JobStatus.CANCELLED, "not_continued")
    assert (scene.statuses(job_id)[1:], scene.charged()) == (["cancelled", "cancelled"], 5)
    assert flawless(scene)


async def test_a_manual_job_is_asked_about_where_a_step_failed_that_others_do_without() -> None:
    """Its person has to know that there is something to say: else nobody could."""
    scene = Workshop(timing=RARELY)
    scene.engine.fates[2, 1, 1] = FAILED
    async with scene.running():
        job_id = await scene.order_steps(sketch(), dress(1), dress(1), manual=True)
        await scene.waits(job_id, 1)
        await scene.orders.go_on(job_id, 1)
        await scene.waits(job_id, 2)
        assert [each.key for each in scene.job(job_id).owed] == ["advance"]
        said = scene.messenger.told[-1].content
        assert "❌ Step 2 of 3 failed" in said.plain
        assert said.rows
        await scene.orders.go_on(job_id, 2)
        job = await scene.over(job_id)

    assert scene.statuses(job_id) == ["completed", "failed", "completed"]
    assert (job.status, scene.charged()) == (JobStatus.FAILED, 10)


async def test_a_step_that_failed_is_made_again_with_all_that_comes_after_it() -> None:
    """A new job of two steps, which takes what the first has made, and counts on."""
    async with Workshop(timing=RARELY).running() as scene:
        old = await failed(scene)
        new = await scene.over((await again(scene, old, 2)).id)

    assert (new.goes_on, new.first, len(new.steps)) == (old, 2, 2)
    assert (new.status, new.price, scene.charged()) == (JobStatus.COMPLETED, 10, 15)
    assert taken(scene.part(new.id, 1)) == made(scene.part(old, 1))
    assert taken(scene.part(new.id, 2)) == made(scene.part(new.id, 1))
    assert scene.job(old).status is JobStatus.FAILED
    assert flawless(scene)


async def test_a_step_can_be_made_again_once_more() -> None:
    """What was given to it by a step of the job before that is still given to it."""
    async with Workshop(timing=RARELY).running() as scene:
        old = await failed(scene)
        scene.engine.fates[1, 1, 1] = FAILED
        second = await scene.over((await again(scene, old, 2)).id)
        assert second.status is JobStatus.FAILED
        scene.engine.fates.clear()
        third = await scene.over((await again(scene, second.id, 1)).id)

    assert (third.goes_on, third.first, third.status) == (second.id, 2, JobStatus.COMPLETED)
    assert taken(scene.part(third.id, 1)) == made(scene.part(old, 1))
    assert (scene.charged(), flawless(scene)) == (15, True)


async def test_of_a_step_that_is_made_many_times_only_what_failed_is_made_again() -> None:
    """And what waited for that; the others stay as they are."""
    scene = Workshop(timing=RARELY)
    scene.engine.fates[1, 2, 1] = FAILED
    async with scene.running():
        seeds = sketch(inputs={}, over={"steps": (1, 2, 3)})
        both = {"one": Binding(step=2, item=1), "two": Binding(step=2, item=2)}
        joined = dress(preset="join", bindings=both)
        old = await scene.order_steps(seeds, dress(1), joined)
        await scene.over(old)
        scene.engine.fates.clear()
        new = await scene.over((await again(scene, old, 1)).id)

    assert [(each.number, each.item) for each in new.steps] == [(1, 1), (2, 1), (3, 1)]
    assert new.steps[0].inputs == {"steps": 2}
    last = scene.part(new.id, 3).request_payload.inputs
    assert (last["one"], last["two"]) == (made(scene.part(old, 2, 1)), made(scene.part(new.id, 2)))
    assert (new.status, scene.charged(), flawless(scene)) == (JobStatus.COMPLETED, 35, True)


async def test_a_step_is_made_again_while_its_job_waits() -> None:
    """That one is stopped first: what it held for the rest pays for the new one."""
    async with Workshop(timing=RARELY).running() as scene:
        old = await asked(scene, 2, grant=20)
        new = await again(scene, old, 2)
        stopped = await scene.over(old)
        assert (stopped.status, stopped.status_reason) == (JobStatus.CANCELLED, "stopped")
        assert (new.manual, new.first, new.held) == (True, 2, 10)
        await scene.waits(new.id, 1)
        await scene.orders.go_on(new.id, 1)
        ended = await scene.over(new.id)

    assert taken(scene.part(new.id, 1)) == made(scene.part(old, 1))
    assert (ended.status, flawless(scene)) == (JobStatus.COMPLETED, True)
    assert scene.ledger.kept[-1].balance == 0


async def test_two_taps_order_a_step_again_once() -> None:
    """Both are answered with the same job; so is a third that comes after its end."""
    async with Workshop(timing=RARELY).running() as scene:
        old = await failed(scene)
        one, two = await asyncio.gather(
            again(scene, old, 2, "retry:1"), again(scene, old, 2, "retry:1")
        )
        await scene.over(one.id)
        three = await again(scene, old, 2, "retry:1")

    assert (one.id, len(scene.jobs.records)) == (two.id, 2)
    assert (three.id, scene.charged()) == (one.id, 15)


async def test_a_step_that_cannot_be_paid_for_is_not_made_again() -> None:
    """Nothing has moved, and its key is free."""
    async with Workshop(timing=RARELY).running() as scene:
        scene.engine.fates[2, 1, 1] = FAILED
        old = await scene.order_steps(*CHAIN, grant=15)
        await scene.over(old)
        await scene.place(preset="sketch", inputs={})
        before = scene.moved()
        with pytest.raises(InsufficientCreditsError):
            await again(scene, old, 2, "retry:1")
        assert scene.moved() == before
        scene.engine.fates.clear()
        await scene.money.grant(USER, Decimal(10), key="grant:more", by="cli:test")
        new = await scene.over((await again(scene, old, 2, "retry:1")).id)

    assert (new.status, flawless(scene)) == (JobStatus.COMPLETED, True)


async def test_what_is_under_way_or_unknown_is_not_made_again() -> None:
    """Nor a step that there is not, nor one of a job of somebody else's."""
    scene = Workshop(timing=RARELY)
    scene.engine.fates[1, 1, 1] = None
    async with scene.running():
        job_id = await scene.order_steps(*CHAIN)
        await asyncio.sleep(10)
        with pytest.raises(ConflictError, match="under way"):
            await again(scene, job_id, 1)
        scene.engine.end(scene.part(job_id, 1), status=RunStatus.FAILED, outputs=())
        await scene.over(job_id)
        with pytest.raises(ChainRefusedError, match="there is no step 4"):
            await again(scene, job_id, 4)
        with pytest.raises(NotFoundError):
            await scene.orders.retry(job_id, 1, user=UserId("f" * 32), key=None, digest=None)
        with pytest.raises(ChainRefusedError, match="has not made"):
            await again(scene, job_id, 2)


async def test_what_a_stop_returns_pays_for_the_retry() -> None:
    """At once, whoever is to discharge it; where it would not suffice, nothing is stopped."""
    async with Workshop(timing=RARELY).running() as scene:
        job_id = await asked(scene, 2, grant=15)
        with pytest.raises(InsufficientCreditsError) as raised:
            await again(scene, job_id, 1)
        assert raised.value.missing == 10
        assert scene.job(job_id).pause is not None
        new = await again(scene, job_id, 3)
        assert new.held == 5
        assert scene.job(job_id).status_reason == "stopped"
        await scene.over(new.id)
        assert flawless(scene)


async def test_what_is_in_the_way_of_a_retry_stops_nothing() -> None:
    """A preset that is there no more, or a person who is served no more."""
    async with Workshop(timing=RARELY).running() as scene:
        job_id = await asked(scene)
        del scene.known.records["dress"]
        with pytest.raises(NotFoundError):
            await again(scene, job_id, 1)
        assert scene.job(job_id).pause is not None


async def test_who_was_let_order_the_whole_may_order_its_parts_again() -> None:
    """A part need not be for everybody to be ordered by itself."""
    async with Workshop(timing=RARELY).running() as scene:
        job_id = await failed(scene)
        scene.known.records["dress"] = scene.known.records["dress"].change(active=False)
        new = await again(scene, job_id, 2)
        assert (await scene.over(new.id)).status is JobStatus.COMPLETED


async def test_what_waits_for_another_step_that_failed_is_no_part_of_a_retry() -> None:
    """The third takes the first, which failed as well: the second alone is made again."""
    scene = Workshop(timing=RARELY)
    scene.engine.fates = {(1, 1, 1): FAILED, (2, 1, 1): FAILED}
    async with scene.running():
        job_id = await scene.order_steps(sketch(), sketch(), dress(1))
        await scene.over(job_id)
        scene.engine.fates.clear()
        new = await again(scene, job_id, 2)
        await scene.over(new.id)
        assert [each.preset for each in scene.job(new.id).steps] == ["sketch"]


async def test_what_is_lost_of_one_step_is_given_back_whatever_came_of_others() -> None:
    """The end was told with the picture of another."""
    scene = Workshop(timing=RARELY)
    async with scene.running():
        scene.engine.fates[1, 1, 1] = None
        job_id = await scene.order_steps(sketch(), sketch())
        await until(lambda: scene.part(job_id, 2).status is RunStatus.COMPLETED)
        made_of = scene.part(job_id, 1)
        scene.lose(f"late-{made_of.id}")
        scene.engine.end(made_of)
        job = await scene.over(job_id)
        assert job.told is not None
        assert [each.outcome and each.outcome.refunded for each in job.steps] == [5, None]


async def test_all_that_was_paid_for_several_steps_is_given_back() -> None:
    """Each step its own; a part of it is taken from the last first."""
    async with Workshop(timing=RARELY).running() as scene:
        one, other = await scene.order_steps(*CHAIN), await scene.order_steps(*CHAIN, grant=0)
        await scene.over(one)
        await scene.over(other)
        all_of_it = await scene.orders.refund(one, amount=None, by="cli:eve", reason="bad")
        part = await scene.orders.refund(other, amount=Decimal(7), by="cli:eve", reason="bad")
        await scene.over(one)
        await scene.over(other)

    def back(job: Job) -> list[Decimal | None]:
        return [each.outcome.refunded for each in job.steps if each.outcome]

    assert back(all_of_it) == [Decimal(5)] * 3
    assert sum(each for each in back(part) if each) == 7
    assert (scene.charged(), flawless(scene)) == (8, True)


async def test_a_late_word_is_told_and_pays_for_nothing_that_was_dropped() -> None:
    """A step that we gave up on completes after all: what depended on it stays dropped."""
    scene = Workshop(timing=RARELY)
    scene.engine.fates[1, 1, 1] = None
    async with scene.running():
        job_id = await scene.order_steps(sketch(), dress(1))
        await until(lambda: scene.job(job_id).ended, DAY)
        given_up = scene.job(job_id).status
        await until(lambda: scene.job(job_id).price is not None, DAY)
        scene.engine.end(scene.part(job_id, 1))
        await until(lambda: scene.part(job_id, 1).status is RunStatus.COMPLETED, 30 * DAY)
        job = await scene.over(job_id, LONG * 24)

    assert given_up is JobStatus.TIMEOUT
    assert scene.statuses(job_id) == ["completed", "cancelled"]
    assert (job.price, scene.charged(), flawless(scene)) == (0, 0, True)
    assert "it finished after all" in scene.messenger.told[-1].content.plain


async def test_what_came_too_late_to_be_copied_costs_nothing_however_often_it_was_tried() -> None:
    """The last step is made again at our cost, and given back once no attempt is left."""
    scene = Workshop(timing=RARELY)
    lost = {"outputs": (an_output("lost"),)}
    scene.other.fates |= {(2, 1, 1): lost, (2, 1, 2): lost}
    scene.lose("lost")
    async with scene.running():
        paint = dress(1, preset="paint")
        job_id = await scene.order_steps(sketch(), paint, chat=None)
        await until(lambda: scene.part(job_id, 2).attempt == 2, LONG)
        job = await scene.over(job_id, DAY)

    assert sorted(scene.sent()) == [(1, 1, 1), (2, 1, 1), (2, 1, 2)]
    assert [each.outcome and each.outcome.refunded for each in job.steps] == [None, Decimal(5)]
    assert (scene.charged(), flawless(scene)) == (5, True)


async def test_what_was_paid_stays_known_while_another_attempt_is_in_doubt() -> None:
    """It was taken for the first, whose picture is lost; the second we give up on."""
    scene = Workshop(timing=RARELY)
    scene.other.fates |= {(2, 1, 1): {"outputs": (an_output("lost"),)}, (2, 1, 2): None}
    scene.lose("lost")
    async with scene.running():
        job_id = await scene.order_steps(sketch(), dress(1, preset="paint"), chat=None)
        await until(lambda: scene.part(job_id, 2).attempt == 2, LONG)
        assert scene.job(job_id).price == 10
        await until(lambda: scene.part(job_id, 2).status is RunStatus.TIMEOUT, DAY)
        await asyncio.sleep(60)
        assert scene.job(job_id).price == 10
        await until(lambda: scene.charged() == 5, DAY)

    outcome = scene.job(job_id).steps[1].outcome
    assert outcome is not None
    assert (outcome.status, outcome.refunded) == (RunStatus.TIMEOUT, Decimal(5))
    assert flawless(scene)
