"""Alerts for the administrator."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from app.errors import PeerBusyError
from app.ports import Alerts
from app.telegram.alerts import MOST_WAITING, TRIES, AdminAlerts
from processors.notifications import Content
from processors.notifications.buttons import Rows
from tests.app.telegram.conditions import until

pytestmark = pytest.mark.anyio

ADMIN = 99


class FakeMessenger:
    """Keeps what it is given; the first `failures` calls fail."""

    def __init__(self, *, failures: int = 0, on_duty: bool = True) -> None:
        self.failures = failures
        self.calls = 0
        self.turns = 0
        self.shown: list[tuple[int, str]] = []
        self._on_duty = on_duty

    def on_duty(self) -> bool:
        """Return what was set."""
        return self._on_duty

    @asynccontextmanager
    async def turn(
        self, chat_id: int, *, editing: bool, end: str | None = None
    ) -> AsyncGenerator[None]:
        """Count it."""
        assert (chat_id, editing, end) == (ADMIN, False, None)
        self.turns += 1
        yield

    async def show(
        self,
        chat_id: int,
        message_id: int | None,
        text: str,
        reply_to: int | None,
        rows: Rows = (),
    ) -> int | None:
        """Keep it."""
        assert (message_id, reply_to, rows) == (None, None, ())
        self.calls += 1
        if self.calls <= self.failures:
            raise PeerBusyError("telegram", "busy")
        self.shown.append((chat_id, text))
        return 1

    async def tell(
        self,
        chat_id: int,
        content: Content,
        reply_to: int | None,
        replace: int | None,
        hosts: tuple[str, ...],
    ) -> bool:
        """Fail: an alert is no end."""
        raise AssertionError(chat_id, content, reply_to, replace, hosts)


class Heard:
    """What was logged and counted."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, str]] = []
        self.counted: list[str] = []

    def log(self, slug: str, message: str) -> None:
        """Keep it."""
        self.logged.append((slug, message))


def some_alerts(
    heard: Heard, chat_id: int | None = ADMIN, quiet: timedelta = timedelta(hours=1)
) -> AdminAlerts:
    """Alerts that try again at once."""
    return AdminAlerts(
        chat_id,
        log=heard.log,
        count=heard.counted.append,
        quiet=quiet,
        try_again=timedelta(),
    )


@asynccontextmanager
async def running(alerts: AdminAlerts, messenger: FakeMessenger) -> AsyncGenerator[None]:
    """Tell alerts for the length of the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(alerts.run(messenger))
        yield
        task.cancel()


async def test_an_alert_is_logged_counted_and_told_once() -> None:
    """The log and the count have each; the chat is told of the same trouble once in a while."""
    heard, messenger = Heard(), FakeMessenger()
    made = some_alerts(heard)
    alerts: Alerts = made
    alerts.alert("slow", "a <b>slow</b> peer")
    alerts.alert("slow", "still slow")
    alerts.alert("down", "a peer is down")

    async with running(made, messenger):
        await until(lambda: len(messenger.shown) == 2)

    assert heard.counted == ["slow", "slow", "down"]
    assert heard.logged[1] == ("slow", "still slow")
    assert messenger.shown == [
        (ADMIN, "<b>⚠️ slow</b>\na &lt;b&gt;slow&lt;/b&gt; peer"),
        (ADMIN, "<b>⚠️ down</b>\na peer is down"),
    ]
    assert messenger.turns == 2


async def test_what_the_chat_was_not_told_of_is_counted_to_it() -> None:
    """Trouble within the quiet time is a number in the next message about the same."""
    heard, messenger = Heard(), FakeMessenger()
    quiet = timedelta(milliseconds=50)
    alerts = some_alerts(heard, quiet=quiet)

    async with running(alerts, messenger):
        for n in range(4):
            alerts.alert("end_stuck", f"generation {n}")
        quiet_over = asyncio.Event()
        asyncio.get_running_loop().call_later(2 * quiet.total_seconds(), quiet_over.set)
        await quiet_over.wait()
        alerts.alert("end_stuck", "generation 4")
        await until(lambda: len(messenger.shown) == 2)

    assert messenger.shown == [
        (ADMIN, "<b>⚠️ end_stuck</b>\ngeneration 0"),
        (ADMIN, "<b>⚠️ end_stuck</b>\ngeneration 4\nand 3 more before; see the log"),
    ]


async def test_after_a_while_the_chat_is_told_again() -> None:
    """Trouble that stays is told again when the quiet time is over."""
    heard, messenger = Heard(), FakeMessenger()
    alerts = some_alerts(heard, quiet=timedelta())

    async with running(alerts, messenger):
        alerts.alert("slow", "one")
        alerts.alert("slow", "two")
        await until(lambda: len(messenger.shown) == 2)


async def test_a_failed_telling_is_tried_again_and_given_up() -> None:
    """An alert outlives a busy moment, and never stands in the way of the next."""
    heard, messenger = Heard(), FakeMessenger(failures=TRIES + 1)
    alerts = some_alerts(heard)
    alerts.alert("first", "lost to the chat, not to the log")
    alerts.alert("second", "told at the second try")

    async with running(alerts, messenger):
        await until(lambda: len(messenger.shown) == 1)

    assert messenger.shown[0][1].startswith("<b>⚠️ second")


async def test_a_process_without_the_duty_tells_its_own_trouble() -> None:
    """Whoever is not the sender takes no turn, and tells all the same."""
    heard, messenger = Heard(), FakeMessenger(on_duty=False)
    alerts = some_alerts(heard)

    async with running(alerts, messenger):
        alerts.alert("slow", "here")
        await until(lambda: len(messenger.shown) == 1)

    assert messenger.turns == 0


def test_without_a_chat_an_alert_is_a_log_line() -> None:
    """Nobody to tell is no reason to fail."""
    heard = Heard()
    some_alerts(heard, None).alert("slow", "a slow peer")

    assert heard.logged == [("slow", "a slow peer")]


def test_a_storm_of_alerts_never_blocks() -> None:
    """More than can wait are logged and counted, and not told."""
    heard = Heard()
    alerts = some_alerts(heard)
    for n in range(MOST_WAITING + 5):
        alerts.alert(f"slug_{n}", "storm")

    assert len(heard.counted) == MOST_WAITING + 5
