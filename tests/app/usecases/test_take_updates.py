"""app.usecases.take_updates: on disk once, then handled."""

import asyncio
from datetime import timedelta

import pytest

from app.errors import OverloadedError, StoreDownError
from app.observability.metrics import Metrics
from app.usecases.take_updates import CHECKOUT_SECONDS, ROOM, TakeUpdates
from schemas.timing import Timing
from schemas.update import Update
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Gate, Turnstile, ajar
from tests.fakes.updates import FakeUpdates

pytestmark = pytest.mark.anyio

RAW = b'{"update_id": 7, "message": {"chat": {"id": 5}}}'
CHECKOUT = b'{"update_id": 8, "pre_checkout_query": {"from": {"id": 5}}}'
SHORT = Timing(update_limit=timedelta(milliseconds=300))


class Scene:
    """The way in, and what is behind it."""

    def __init__(self, gate: Gate = ajar, timing: Timing = SHORT) -> None:
        self.updates = FakeUpdates(gate)
        self.woken = list[Update]()
        self.metrics = Metrics()
        self.handles, self.unstored = True, list[Update]()
        self.take = TakeUpdates(
            self.updates,
            wake=self.woken.append,
            at_once=self._at_once,
            clock=FakeClock(),
            timing=timing,
            metrics=self.metrics,
        ).take

    def _at_once(self, update: Update) -> bool:
        if self.handles:
            self.unstored.append(update)
        return self.handles

    def counted(self, kind: str, result: str) -> bool:
        """Return whether just one was counted so."""
        line = f'telegram_updates_total{{kind="{kind}",result="{result}"}} 1.0'
        return line in self.metrics.render().decode()


async def test_an_update_is_kept_and_handled() -> None:
    """It is on disk when whoever handles it is woken."""
    scene = Scene()
    await scene.take(RAW)

    assert scene.updates.kept[7].raw == RAW
    assert [each.lane for each in scene.woken] == ["chat:5"]
    assert scene.counted("message", "taken")


async def test_a_repeat_is_no_fault() -> None:
    """It is counted and not kept again."""
    scene = Scene()
    await scene.take(RAW)
    await scene.take(RAW + b" ")

    assert scene.updates.kept[7].raw == RAW
    assert scene.counted("message", "repeated")


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"update_id": 1' + b"0" * 400 + b"}", b"\xff"])
async def test_what_is_no_update_is_kept_and_forgiven(raw: bytes) -> None:
    """A list, a missing or an absurd id: counted, its bytes kept, nobody is woken."""
    scene = Scene()
    await scene.take(raw)

    assert list(scene.updates.malformed) == [raw]
    assert scene.woken == []
    assert scene.counted("none", "malformed")


async def test_a_database_that_comes_back_in_time_is_waited_for() -> None:
    """Whoever brought it is told nothing of the outage."""
    gate = Turnstile([StoreDownError("no answer")])
    scene = Scene(gate, Timing())
    await scene.take(RAW)

    assert gate.passed == 3
    assert 7 in scene.updates.kept


async def test_a_database_that_stays_away_is_told() -> None:
    """After the limit, so that Telegram comes again."""
    gate = Turnstile()
    gate.down = StoreDownError("no answer")
    scene = Scene(gate)
    with pytest.raises(StoreDownError):
        await scene.take(RAW)

    assert scene.woken == []


async def test_the_room_is_bounded() -> None:
    """One more than can wait is refused at once; those that wait are taken in."""
    opened = asyncio.Event()

    async def gate() -> None:
        await opened.wait()

    scene = Scene(gate, Timing())
    async with asyncio.TaskGroup() as group:
        for _ in range(ROOM):
            group.create_task(scene.take(RAW))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await scene.take(RAW)
        opened.set()

    assert len(scene.woken) == ROOM


async def test_a_checkout_is_kept_like_any_update() -> None:
    """As long as the database answers."""
    scene = Scene()
    await scene.take(CHECKOUT)
    await scene.take(CHECKOUT)

    assert [each.lane for each in scene.woken] == ["checkout:8"] * 2
    assert scene.unstored == []
    assert scene.counted("pre_checkout_query", "taken")
    assert scene.counted("pre_checkout_query", "repeated")


async def test_a_checkout_does_not_wait_for_the_database() -> None:
    """Whether that is away or says nothing at all, it is handled in time, unstored."""

    async def silent() -> None:
        await asyncio.Event().wait()

    away = Turnstile()
    away.down = StoreDownError("no answer")
    for gate in (silent, away):
        scene = Scene(gate)
        began = asyncio.get_running_loop().time()
        await scene.take(CHECKOUT)

        assert [each.id for each in scene.unstored] == [8]
        passed = asyncio.get_running_loop().time() - began
        assert passed <= CHECKOUT_SECONDS + 0.001
        assert scene.counted("pre_checkout_query", "unstored")


async def test_a_checkout_that_nobody_here_handles_is_stored_or_refused() -> None:
    """Telegram brings it again, maybe to another process."""
    gate = Turnstile([StoreDownError("no answer")])
    scene = Scene(gate)
    scene.handles = False
    await scene.take(CHECKOUT)
    assert [each.id for each in scene.woken] == [8]

    gate.down = StoreDownError("no answer")
    with pytest.raises(StoreDownError):
        await scene.take(CHECKOUT)
