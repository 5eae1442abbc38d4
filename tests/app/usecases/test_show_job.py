"""app.usecases.show_job: a job with several generations has one status message."""

import asyncio
from datetime import datetime

import pytest

from app.errors import PeerRefusedError, StoreDownError
from processors import runs
from schemas.generation import Generation
from schemas.job import Job, JobChat, JobStatus
from schemas.run import RunStatus
from tests.app.usecases.scenes import Scene
from tests.builders import (
    CHAT,
    HERE,
    JOB,
    a_chain,
    an_outcome,
    come_to,
    its_id,
)

pytestmark = pytest.mark.anyio
COMPLETED, RUNNING = RunStatus.COMPLETED, RunStatus.RUNNING


def put(scene: Scene, job: Job, *statuses: RunStatus) -> None:
    """Have a chain whose generations stand so."""
    scene.jobs.records[job.id] = job
    scene.have(job, *statuses)


async def news(scene: Scene, number: int = 1, item: int = 1) -> None:
    """Have one of its generations to be shown."""

    def owed(record: Generation, now: datetime) -> Generation:
        return runs.shown(record, now, scene.taking.taker(now))

    await scene.records.change(its_id(number, item), owed)


async def test_two_items_with_news_at_once_send_one_message() -> None:
    """Its id is the job's, and all later news edit it."""
    async with Scene().running() as scene:
        put(scene, a_chain(2, 1), RUNNING, RUNNING)
        await news(scene, 1, 1)
        await news(scene, 1, 2)
        await asyncio.sleep(1)

    assert [each.message_id for each in scene.messenger.shown] == [None, 100]
    chat = scene.job(JOB).chat
    assert chat is not None
    assert chat.status_message_id == 100
    assert scene.record(its_id(1)).metadata.status_message_id is None
    assert "Step 1 of 2" in scene.messenger.shown[0].text


async def test_who_waits_for_the_chat_shows_the_news_of_all() -> None:
    """The others are done with; what is shown is as it is when the turn comes."""
    async with Scene().running() as scene:
        turn = asyncio.Event()

        async def waiting() -> None:
            await turn.wait()

        scene.messenger.waiting = waiting
        put(scene, a_chain(3), RUNNING, RUNNING, RUNNING)
        for item in (1, 2, 3):
            await news(scene, 1, item)
        await asyncio.sleep(1)
        scene.have(scene.job(JOB), COMPLETED, COMPLETED, RUNNING)
        turn.set()
        await asyncio.sleep(1)

    (shown,) = scene.messenger.shown
    assert "2 of 3 made" in shown.text


async def test_a_message_whose_id_cannot_be_written_is_not_sent_again() -> None:
    """However long the database is away just after it was sent."""
    async with Scene().running() as scene:
        put(scene, a_chain(), RUNNING)

        async def sent() -> None:
            if scene.messenger.shown:
                scene.store.script(*[StoreDownError("gone")] * 5)
                scene.messenger.gate = scene.chat_gate

        scene.messenger.gate = sent
        await news(scene)
        await asyncio.sleep(30)
        await news(scene)
        await asyncio.sleep(1)

    assert [each.message_id for each in scene.messenger.shown] == [None, 100]


@pytest.mark.parametrize("finish", ["send", "edit"])
async def test_the_end_closes_the_message_that_stands_beside_it(finish: str) -> None:
    """Not one that the result has taken the place of, nor one that never was."""
    scene = Scene(finish="send" if finish == "send" else "edit")
    ends = [an_outcome(), an_outcome(RunStatus.FAILED), an_outcome(RunStatus.CANCELLED)]
    over = come_to(a_chain(), *ends, status=JobStatus.FAILED)
    chat = JobChat(telegram_chat_id=CHAT, status_message_id=100)
    async with scene.running():
        put(scene, over, COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
        await news(scene)
        await asyncio.sleep(1)
        scene.jobs.records[JOB] = over.change(chat=chat)
        await news(scene)
        await asyncio.sleep(1)

    said = [(each.message_id, each.text, each.rows) for each in scene.messenger.shown]
    closed = [(100, "<b>❌ Step 2 of 3 failed</b>", ())]
    assert said == (closed if finish == "send" else [])


async def test_nothing_is_shown_once_all_has_ended() -> None:
    """The end is about to be told."""
    async with Scene().running() as scene:
        put(scene, a_chain(1, 1), COMPLETED, COMPLETED)
        await news(scene, 2)
        await asyncio.sleep(1)

    assert (scene.messenger.shown, scene.record(its_id(2)).owed) == ([], ())


async def test_a_chat_that_refuses_is_spared() -> None:
    """The state stays to be seen as a debt that is dead."""
    async with Scene().running() as scene:
        put(scene, a_chain(), RUNNING)
        scene.chat_gate.script(PeerRefusedError("telegram", "blocked"))
        await news(scene)
        await asyncio.sleep(100)

    assert [debt.dead_at is not None for debt in scene.record(its_id(1)).owed] == [True]


async def test_a_job_that_is_blanked_while_its_turn_is_waited_for_shows_nothing() -> None:
    """Nor one that is told nowhere."""
    async with Scene().running() as scene:

        async def waiting() -> None:
            scene.jobs.records[JOB] = a_chain(chat=None)

        scene.messenger.waiting = waiting
        put(scene, a_chain(), RUNNING)
        await news(scene)
        await asyncio.sleep(1)
        await news(scene)
        await asyncio.sleep(1)

    assert scene.messenger.shown == []
    assert scene.taking.name == HERE
