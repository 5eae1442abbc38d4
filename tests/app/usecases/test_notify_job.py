"""app.usecases.notify_job: an end is told once, and later only what has changed."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import PeerDownError, StoreDownError
from processors import debts, jobs
from schemas.debt import DebtKind
from schemas.generation import StatusChange
from schemas.job import Job, JobChat, JobId, JobStatus, Outcome, Pause, Told
from schemas.run import RunStatus
from tests.app.usecases.scenes import METRICS, Scene, webhook_of
from tests.builders import (
    CHAT,
    JOB,
    NOON,
    RUN,
    TIMING,
    a_chain,
    a_debt,
    a_job,
    a_report,
    an_outcome,
    an_output,
    come_to,
    its_id,
    later,
)

pytestmark = pytest.mark.anyio
COMPLETED = RunStatus.COMPLETED


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


async def test_what_was_given_up_and_finished_after_all_is_told_with_its_picture() -> None:
    """When it was given up, and what it came to; once."""
    timing = TIMING.change(limit_waiting=timedelta(seconds=60))
    async with Scene(timing=timing).running() as scene:
        await scene.grant()
        job = await scene.place()
        made = scene.record(job.steps[0].generation).id
        scene.engine.reports[RUN] = a_report(RunStatus.QUEUED)
        await asyncio.sleep(120)
        assert scene.job(job.id).status is JobStatus.TIMEOUT
        scene.engine.reports[RUN] = a_report(
            outputs=(an_output(),), webhook=webhook_of(scene.record(made))
        )
        await asyncio.sleep(600)

    given_up, late = [each.content for each in scene.messenger.told]
    assert "Reserved until we know: 5 credits" in given_up.plain
    assert late.plain.startswith("We had given this up at 2026-01-01 12:01 UTC; it finished")
    assert "Price: 5 credits" in late.plain
    assert len(late.items) == 1


def owe(scene: Scene, job: Job, key: str = jobs.NOTIFY) -> None:
    """Have a job owe the telling of its end, or of a step."""
    debt = a_debt(jobs.NOTIFY).change(key=key, target=str(CHAT), about="step:1")
    scene.jobs.records[job.id] = debts.put(job, (debt,))


async def test_a_step_is_told_once_and_its_pictures_with_no_end() -> None:
    """The status message goes on to the next step, or says that it waits."""
    done = come_to(a_chain(1, 1), an_outcome())
    paused = done.change(pause=Pause(step=1, at=NOON, until=later(86_400)))
    scene = Scene()
    async with scene.running():
        scene.have(paused, COMPLETED)
        owe(scene, paused, "notify:1")
        await asyncio.sleep(10)
        assert scene.job(JOB).steps_told == (1,)
        owe(scene, scene.job(JOB), "notify:1")
        await asyncio.sleep(10)
        over = come_to(scene.job(JOB).change(pause=None), an_outcome(), an_outcome())
        scene.have(over, COMPLETED, COMPLETED)
        owe(scene, over.change(status=JobStatus.COMPLETED))
        await asyncio.sleep(10)

    told = [each.content for each in scene.messenger.told]
    assert [each.items[0].output_id for each in told] == ["1-1/images/0", "2-1/images/0"]
    assert [row[0].data[0] for row in told[0].rows] == ["g", "r"]
    assert [each.text.splitlines()[0] for each in scene.messenger.shown] == [
        "<b>⏸ Step 1 of 2 is done: jacket</b>",
        "<b>✅ Done</b>",
    ]
    assert (scene.job(JOB).owed, scene.job(JOB).steps_told) == ((), (1, 2))


async def test_the_end_of_a_chain_waits_for_the_note_that_a_step_was_told() -> None:
    """Else it would tell what the step has made as well; where nobody notes it, both are told."""
    over = come_to(a_chain(1, 1), an_outcome(), an_outcome(), status=JobStatus.COMPLETED)
    telling = a_debt("notify:1", kind=DebtKind.NOTIFY, target=str(CHAT), about="step:1")
    owed = (telling.change(by="another", next_at=later(60)), a_debt(target=str(CHAT)))
    scene = Scene()
    async with scene.running():
        scene.have(over, COMPLETED, COMPLETED)
        scene.jobs.records[JOB] = debts.put(over, owed)
        await asyncio.sleep(30)
        assert scene.messenger.told == []
        await asyncio.sleep(60)

    told = [item.output_id for each in scene.messenger.told for item in each.content.items]
    assert sorted(told) == ["1-1/images/0", "2-1/images/0"]


@pytest.mark.parametrize("finish", ["send", "edit"])
async def test_the_end_of_a_chain_stands_where_the_setting_says(finish: str) -> None:
    """What the money comes to later is told beside it, by sums."""
    scene = Scene(finish="send" if finish == "send" else "edit")
    chat = JobChat(telegram_chat_id=CHAT, status_message_id=100)
    job = come_to(a_chain(1, 1, chat=chat), an_outcome(), an_outcome(), steps_told=(1,))
    async with scene.running():
        scene.have(job, COMPLETED, COMPLETED)
        owe(scene, job.change(status=JobStatus.COMPLETED))
        await asyncio.sleep(10)
        known = scene.job(JOB)
        owe(scene, come_to(known, an_outcome(), an_outcome(refunded=Decimal(5))))
        await asyncio.sleep(10)

    end, later_ = scene.messenger.told
    assert end.replace == (100 if finish == "edit" else None)
    assert later_.content.plain == (
        "About your order jacket:\nCharged: 5 credits for step 1\nReturned: 5 credits"
    )
    assert len(scene.messenger.shown) == (1 if finish == "send" else 0)


async def test_a_step_that_finished_after_it_was_given_up_is_told() -> None:
    """In the same debt as any end that is news; its outputs alone."""
    dropped = an_outcome(RunStatus.CANCELLED, reason="step_failed", by="us")
    knows = Told(status=JobStatus.TIMEOUT, outputs="/")
    job = come_to(a_chain(1, 1), an_outcome(), dropped, told=knows, steps_told=(1, 2))
    scene = Scene()
    async with scene.running():
        scene.have(job, COMPLETED, RunStatus.CANCELLED)
        made = scene.record(its_id(1))
        history = (
            StatusChange(status=RunStatus.TIMEOUT, at=NOON, source="us"),
            StatusChange(status=COMPLETED, at=later(600), source="engine"),
        )
        scene.generations.records[made.id] = made.change(history=history)
        owe(scene, job.change(status=JobStatus.CANCELLED))
        await asyncio.sleep(10)

    (told,) = scene.messenger.told
    assert told.content.plain.startswith("We had given this up at 2026-01-01 12:00 UTC")
    assert [each.output_id for each in told.content.items] == ["1-1/images/0"]


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ((), "Your order jacket was not carried out."),
        ((an_outcome(), an_outcome()), "About your order jacket:\nPrice: 10 credits"),
    ],
)
async def test_a_chain_of_which_there_are_no_records_is_told_by_its_money(
    outcomes: tuple[Outcome, ...], said: str
) -> None:
    """They were never made, or have expired."""
    scene = Scene()
    async with scene.running():
        owe(scene, come_to(a_chain(1, 1), *outcomes, status=JobStatus.REFUSED))
        await asyncio.sleep(10)

    assert [each.content.plain.startswith(said) for each in scene.messenger.told] == [True]
