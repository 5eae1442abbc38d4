"""People are told: the state while it lasts, the end once."""

import asyncio
import re
from datetime import timedelta

import pytest

from app.errors import PeerBusyError, PeerDownError, PeerRefusedError, PeerUnknownError
from app.usecases.notify import Ends, Finish
from processors import debts, runs
from processors.notifications.buttons import Rows
from schemas.base import GenerationId
from schemas.generation import Response
from schemas.run import RunStatus
from tests.app.usecases.scenes import METRICS, RARELY, Scene, webhook_of
from tests.builders import CHAT, RUN, a_generation, a_report, an_output
from tests.fakes.engines import FakeEngine
from tests.speech import translate

pytestmark = pytest.mark.anyio


async def ended(scene: Scene) -> GenerationId:
    """Have a generation that the engine has completed and that is just about to be told."""
    generation = await scene.order()
    await asyncio.sleep(1)
    webhook = webhook_of(scene.record(generation))
    scene.engine.reports[RUN] = a_report(RunStatus.COMPLETED, webhook=webhook)
    await scene.hear(generation, "success")
    return generation


def told_lags() -> tuple[float, float]:
    """Return how many ends were told so far, and how late in all."""
    lines = METRICS.render().decode().splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    name = "runrelay_end_told_lag_seconds"
    return float(figures[f"{name}_count"]), float(figures[f"{name}_sum"])


async def test_one_status_message_is_edited_until_the_end() -> None:
    """Its id is kept; the end is a message of its own."""
    async with Scene().running() as scene:
        generation = await ended(scene)
        await asyncio.sleep(5)

    first, *others = scene.messenger.shown
    assert (first.chat_id, first.message_id) == (CHAT, None)
    assert {each.message_id for each in others} <= {100}
    (told,) = scene.messenger.told
    assert told.replace is None
    assert scene.record(generation).owed == ()


async def test_with_finish_edit_the_end_takes_the_place_of_the_status_message() -> None:
    """One message in all."""
    async with Scene(finish="edit").running() as scene:
        await ended(scene)
        await asyncio.sleep(5)

    assert [each.replace for each in scene.messenger.told] == [100]


async def test_a_wait_that_telegram_names_is_kept_over_a_restart() -> None:
    """It stands in the record, and counts no try."""
    async with Scene().running() as scene:
        scene.chat_gate.script(None, None)
        generation = await scene.order()
        await asyncio.sleep(1)
        scene.chat_gate.down = PeerBusyError("telegram", "flood", timedelta(seconds=37))
        await scene.hear(generation, "success")
        scene.engine.reports[RUN] = a_report()
        await asyncio.sleep(2)
        debt = debts.find(scene.record(generation).owed, runs.NOTIFY)
        assert debt is not None
        wait = (debt.next_at - scene.clock.now()).total_seconds()
        assert (30 < wait < 38, debt.attempts) == (True, 0)
        scene.chat_gate.down = None
        await asyncio.sleep(45)

    assert len(scene.messenger.told) == 1


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (PeerBusyError("telegram", "too many wait for this chat", timedelta(seconds=9)), "debug"),
        (PeerBusyError("telegram", "answered 500"), "info"),
        (PeerUnknownError("telegram", "no answer"), "info"),
    ],
    ids=["turn", "ill", "lost"],
)
async def test_a_chats_turn_is_no_news(
    fault: Exception, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """While one drains, each of its debts comes up again and again; a failure is told."""
    async with Scene().running() as scene:
        scene.chat_gate.down = fault
        await ended(scene)
        await asyncio.sleep(60)

    said = [each for each in capsys.readouterr().out.splitlines() if "a debt failed" in each]
    assert said
    assert {re.sub(r".*\[(?:\x1b\[\d+m)*(\w+).*", r"\1", each) for each in said} == {level}


async def test_a_refusal_is_dead_and_seen() -> None:
    """A chat that is closed to us is not tried again, and somebody is told so once."""
    async with Scene().running() as scene:
        scene.chat_gate.down = PeerRefusedError("telegram", "blocked by the user")
        generation = await ended(scene)
        await asyncio.sleep(3600)

    (debt,) = scene.record(generation).owed
    assert (debt.key, debt.dead_at is not None) == (runs.NOTIFY, True)
    notify = f"{generation}: {runs.NOTIFY}, telegram: blocked by the user"
    assert [each for each in scene.alerts.messages if runs.NOTIFY in each] == [notify]
    assert scene.record(generation).due_at is None


async def test_an_hour_without_telegram_loses_nothing() -> None:
    """The circuit stops the clock; then the end is told once."""
    async with Scene().running() as scene:
        scene.chat_gate.down = PeerDownError("telegram", "unreachable")
        await ended(scene)
        await asyncio.sleep(3600)
        scene.chat_gate.down = None
        await asyncio.sleep(30)

    assert len(scene.messenger.told) == 1


async def test_case_43_after_a_day_of_its_own_faults_an_end_is_dead() -> None:
    """Not before, and what is dead can be replayed."""
    async with Scene(timing=RARELY).running() as scene:
        scene.chat_gate.down = PeerUnknownError("telegram", "no answer")
        generation = await ended(scene)
        await asyncio.sleep(20 * 3600)
        assert scene.record(generation).due_at is not None
        assert "debt_dead" not in scene.alerts.raised
        await asyncio.sleep(3 * 24 * 3600)

    (debt,) = scene.record(generation).owed
    assert debt.dead_at is not None
    assert scene.alerts.raised.count("debt_dead") == 1


async def test_how_late_an_end_is_told_is_counted_from_its_writing() -> None:
    """Not from when the engine says that it came, by its own clock and long before we heard."""
    scene = Scene()
    before = told_lags()
    async with scene.running():
        await asyncio.sleep(3600)
        await ended(scene)
        await asyncio.sleep(5)

    count, seconds = told_lags()
    assert count - before[0] == 1
    assert seconds - before[1] < 60


async def test_a_claim_used_up_in_line_is_renewed_before_anything_is_sent() -> None:
    """Nothing is sent with less of the lease left than the sending may take."""
    scene, queued = Scene(), [50.0]

    async def in_line() -> None:
        if scene.engine.reports and queued:
            await asyncio.sleep(queued.pop())

    scene.messenger.waiting = in_line
    async with scene.running():
        generation = await ended(scene)
        await asyncio.sleep(200)

    assert len(scene.messenger.told) == 1
    assert scene.record(generation).owed == ()


async def test_who_is_not_the_sender_tells_nothing() -> None:
    """The debt waits for whoever is."""
    async with Scene().running() as scene:
        scene.messenger.duty = False
        await ended(scene)
        await asyncio.sleep(30)
        assert scene.messenger.told == []
        scene.messenger.duty = True
        await asyncio.sleep(5)

    assert len(scene.messenger.told) == 1


async def test_a_state_that_cannot_be_shown_is_the_last_one() -> None:
    """No newer one is tried; the end will be told all the same."""
    async with Scene().running() as scene:
        scene.chat_gate.script(PeerRefusedError("telegram", "no"))
        generation = await scene.order()
        await asyncio.sleep(5)
        debt = debts.find(scene.record(generation).owed, runs.SHOW)
        assert debt is not None
        assert (debt.dead_at is not None, debt.last_error) == (True, "telegram: no")
        passed = scene.chat_gate.passed
        await scene.hear(generation, "running")
        await asyncio.sleep(5)
        assert scene.chat_gate.passed == passed
        webhook = webhook_of(scene.record(generation))
        scene.engine.reports[RUN] = a_report(webhook=webhook)
        await scene.hear(generation, "success")
        await asyncio.sleep(5)

    assert (len(scene.messenger.told), scene.messenger.shown) == (1, [])
    assert scene.record(generation).owed == ()


async def test_a_chat_that_closes_after_the_end_leaves_nothing_dead() -> None:
    """What was left was to close the status message."""
    async with Scene().running() as scene:
        generation = await scene.order()
        await asyncio.sleep(1)
        # The end is told, and then its status message is refused.
        scene.chat_gate.script(None, None, PeerRefusedError("telegram", "blocked by the user"))
        scene.engine.reports[RUN] = a_report(webhook=webhook_of(scene.record(generation)))
        await scene.hear(generation, "success")
        await asyncio.sleep(5)

    assert len(scene.messenger.told) == 1
    assert scene.record(generation).owed == ()


@pytest.mark.parametrize("finish", ["send", "edit"])
async def test_a_first_status_message_that_comes_after_the_end_is_closed(finish: Finish) -> None:
    """Its answer takes long, and the end is told meanwhile: the message shows the end at last."""
    scene, slow = Scene(finish=finish), [20.0]

    async def answering() -> None:
        if scene.messenger.shown and slow:
            await asyncio.sleep(slow.pop())

    scene.messenger.gate = answering
    async with scene.running():
        generation = await ended(scene)
        await asyncio.sleep(10)
        assert len(scene.messenger.told) == 1
        assert scene.record(generation).metadata.status_message_id is None
        await asyncio.sleep(30)

    first, last = scene.messenger.shown
    assert (first.message_id, last.message_id) == (None, 100)
    assert last.text != first.text
    assert [each.replace for each in scene.messenger.told] == [None]
    assert scene.record(generation).owed == ()


async def test_who_ordered_without_a_chat_is_told_nothing() -> None:
    """And nothing is owed."""
    async with Scene().running() as scene:
        generation = await scene.order(metadata={})
        await asyncio.sleep(1)
        scene.engine.reports[RUN] = a_report()
        await scene.hear(generation, "success")
        await asyncio.sleep(5)

    assert scene.record(generation).owed == ()
    assert (scene.messenger.told, scene.messenger.shown) == ([], [])


async def test_a_job_is_cancelled_from_its_status_message_while_it_runs() -> None:
    """The button goes with the end, which brings its own."""
    async with Scene().running() as scene:
        await scene.grant()
        placed = await scene.place()
        job, generation = placed.id, placed.steps[0].generation
        await asyncio.sleep(1)
        webhook = webhook_of(scene.record(generation))
        await scene.hear(generation, "running")
        await asyncio.sleep(5)
        scene.engine.reports[RUN] = a_report(RunStatus.COMPLETED, webhook=webhook)
        await scene.hear(generation, "success")
        await asyncio.sleep(5)

    *before, last = scene.messenger.shown
    assert f"c:{job}" in carried(before[-1].rows)
    assert last.rows == ()
    (told,) = scene.messenger.told
    assert carried(told.content.rows)[0] == f"a:{job}"


def carried(rows: Rows) -> list[str]:
    """Return what buttons carry."""
    return [button.data for row in rows for button in row]


class Own(FakeEngine):
    """An engine in our own network."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """See app.ports.Engine."""
        return ("10.0.0.5:8188", "10.0.0.5:81")


def test_outputs_of_our_own_servers_are_told_though_they_are_private() -> None:
    """Also where the engine could not be asked whether an end is right; no one else's are."""
    urls = ("http://10.0.0.5:8188/view?a", "http://10.0.0.5:81/view?a", "http://10.0.0.6:8188/view")
    ends = Ends(
        engine_of=lambda _: Own(),
        allow_private=False,
        own=("http://10.0.0.5:8188",),
        linked=lambda _: None,
        translate=translate,
    )
    outputs = tuple(an_output(str(n), url=url) for n, url in enumerate(urls))
    record = a_generation(
        RunStatus.COMPLETED,
        ended_by="us",
        confirmed=False,
        response_payload=Response(outputs=outputs),
    )

    assert [item.url for item in ends.content(record).items] == [urls[0]]
