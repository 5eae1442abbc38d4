"""app.usecases.notify_job: an end is told once, and later only what has changed."""

import asyncio

import pytest

from app.errors import PeerDownError, StoreDownError
from processors import jobs
from schemas.job import Job, JobId
from tests.app.usecases.scenes import METRICS, Scene, webhook_of
from tests.builders import JOB, RUN, a_debt, a_job, a_report, an_output

pytestmark = pytest.mark.anyio


async def ended(scene: Scene) -> JobId:
    """Have a job that its engine has completed, and that is just about to be told."""
    await scene.grant()
    job = await scene.place()
    await asyncio.sleep(5)
    made = scene.record(job.steps[0].generation)
    report = a_report(outputs=(an_output(),), webhook=webhook_of(made))
    scene.engine.reports[RUN] = report
    await scene.hear(made.id, "success")
    return job.id


def told_lags() -> int:
    """Return how many ends were told so far."""
    lines = METRICS.render().decode().splitlines()
    (count,) = [each for each in lines if each.startswith("runrelay_end_told_lag_seconds_count")]
    return int(float(count.rsplit(" ", 1)[1]))


async def test_an_end_is_not_told_again_where_the_database_is_away_just_after_it() -> None:
    """Between the telling and the note of it nothing else is read or written."""
    async with Scene().running() as scene:
        scene.chat_gate.down = PeerDownError("telegram", "unreachable")
        await ended(scene)
        await asyncio.sleep(20)

        async def told() -> None:
            if scene.messenger.told:
                scene.store.script(*[StoreDownError("gone")] * 5)
                scene.messenger.gate = scene.chat_gate

        scene.chat_gate.down = None
        scene.messenger.gate = told
        await asyncio.sleep(120)

    assert len(scene.messenger.told) == 1


async def test_what_the_money_came_to_later_is_no_end() -> None:
    """It closes no status message again, and is not counted as an end that was told late."""
    async with Scene().running() as scene:
        job = await ended(scene)
        await asyncio.sleep(10)
        before, shown = told_lags(), len(scene.messenger.shown)
        await scene.orders.refund(job, amount=None, by="cli:ada", reason="sorry")
        await asyncio.sleep(10)

    assert [len(each.content.items) for each in scene.messenger.told] == [1, 0]
    assert (told_lags(), len(scene.messenger.shown)) == (before, shown)


async def test_money_that_comes_back_for_a_record_that_has_expired_is_told_as_such() -> None:
    """Not as an order that was never carried out."""
    async with Scene().running() as scene:
        job = await ended(scene)
        await asyncio.sleep(10)
        made = scene.jobs.records[job].steps[0].generation
        del scene.generations.records[made]
        await scene.orders.refund(job, amount=None, by="cli:ada", reason="sorry")
        await asyncio.sleep(10)

    assert "not carried out" not in scene.messenger.told[-1].content.plain
    assert "Returned: 5 credits" in scene.messenger.told[-1].content.plain


async def test_a_chat_that_waits_for_its_turn_for_too_long_is_told_under_a_new_claim() -> None:
    """Once."""
    async with Scene().running() as scene:
        waits = [60.0]

        async def turn() -> None:
            if scene.jobs.records and any(each.ended for each in scene.jobs.records.values()):
                await asyncio.sleep(waits.pop() if waits else 0)

        scene.messenger.waiting = turn
        await ended(scene)
        await asyncio.sleep(200)

    assert len(scene.messenger.told) == 1


@pytest.mark.parametrize(
    "job", [a_job(owed=(a_debt(jobs.NOTIFY),)), a_job(chat=None, owed=(a_debt(jobs.NOTIFY),))]
)
async def test_what_nobody_is_to_be_told_is_done(job: Job) -> None:
    """A job that goes on, or one of no chat."""
    scene = Scene()
    scene.jobs.records[JOB] = job
    async with scene.running():
        await asyncio.sleep(100)

    assert (scene.job(JOB).owed, scene.messenger.told) == ((), [])
