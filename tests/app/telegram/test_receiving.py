"""app.telegram.receiving: by one process only, and nothing confirmed that is not stored."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from pydantic import JsonValue

from app.clock import Clock
from app.errors import StoreDownError
from app.telegram.errors import PEER, ConflictFaultError, busy
from app.telegram.inbound import Hook
from app.telegram.receiving import CONNECTIONS, Receiving, Way
from app.usecases.duty import UPDATES, Duty
from processors.protocols.telegram import KINDS
from schemas.base import InstanceName
from schemas.timing import Timing
from tests.app.telegram.conditions import until
from tests.app.telegram.fakes import FakeAlerts, FakeLeases

pytestmark = pytest.mark.anyio

QUICK = Timing(
    sender_lease=timedelta(milliseconds=300),
    webhook_every=timedelta(milliseconds=10),
    retry=(timedelta(milliseconds=10),),
)
POLLING = Way("polling", "https://relay.test/webhook", "secret")
WEBHOOK = Way("webhook", "https://relay.test/webhook", "secret")
NONE = Hook("", frozenset(), 0, 0.0)
RIGHT = Hook(WEBHOOK.url, frozenset(KINDS), CONNECTIONS, 0.0)


@dataclass
class FakeInbound:
    """Telegram's side of it.

    Attributes:
        pending: Updates that are not confirmed.
        state: The webhook as it has it.
        offsets: What was asked from on, call by call.
        faults: Raised by the next fetches, in order; None lets one through.
        sets: How often a webhook was set.
        unsets: How often it was taken away.
    """

    pending: list[JsonValue] = field(default_factory=list[JsonValue])
    state: Hook = NONE
    offsets: list[int] = field(default_factory=list[int])
    faults: list[Exception | None] = field(default_factory=list[Exception | None])
    sets: int = 0
    unsets: int = 0
    looks: int = 0

    async def fetch(
        self, offset: int, wait_seconds: float, kinds: tuple[str, ...]
    ) -> list[JsonValue]:
        """Return what there is."""
        assert wait_seconds > 0
        assert kinds == KINDS
        self.offsets.append(offset)
        await asyncio.sleep(0.001)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.pending = [each for each in self.pending if _id(each) >= offset]
        return list(self.pending)

    async def hook(self) -> Hook:
        """Return the webhook."""
        self.looks += 1
        return self.state

    async def set_hook(self, url: str, secret: str, kinds: tuple[str, ...], most: int) -> None:
        """Set it."""
        assert secret == WEBHOOK.secret
        self.sets += 1
        self.state = Hook(url, frozenset(kinds), most, self.state.refused_at)

    async def unset_hook(self) -> None:
        """Take it away."""
        self.unsets += 1


def _id(update: JsonValue) -> int:
    found = update.get("update_id") if isinstance(update, dict) else None
    return found if isinstance(found, int) else 2**62


class Scene:
    """Receiving, and what is around it.

    Attributes:
        taken: What was stored.
        refusals: Raised instead of storing, in order.
    """

    def __init__(
        self, inbound: FakeInbound, way: Way, leases: FakeLeases | None = None, me: str = "one"
    ) -> None:
        self.taken = list[JsonValue]()
        self.refusals: Sequence[Exception] = ()
        self.alerts = FakeAlerts()
        self.leases = leases or FakeLeases()
        clock = Clock()
        self.duty = Duty(self.leases, InstanceName(me), clock, QUICK, UPDATES)
        self.receiving = Receiving(
            inbound,  # pyright: ignore[reportArgumentType] - it does what is asked of it
            way,
            take=self.take,
            duty=self.duty,
            clock=clock,
            timing=QUICK,
            alerts=self.alerts,
        )

    async def take(self, raw: bytes) -> None:
        """Store one."""
        if self.refusals:
            refusal, *self.refusals = self.refusals
            raise refusal
        self.taken.append(json.loads(raw))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Receive for the length of the block."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.receiving.run())
            yield
            task.cancel()


async def test_what_is_fetched_is_stored_and_then_confirmed() -> None:
    """The next question names the one after the last; when nothing is left it names none."""
    inbound = FakeInbound([{"update_id": 8}, {"update_id": 9, "text": "\ud83d é"}])
    scene = Scene(inbound, POLLING)
    async with scene.running():
        await until(lambda: len(inbound.offsets) >= 4)

    assert scene.taken == [{"update_id": 8}, {"update_id": 9, "text": "\ud83d é"}]
    assert inbound.offsets[:4] == [0, 10, 0, 0]
    assert inbound.unsets == 1


async def test_ids_may_begin_anew() -> None:
    """A smaller id than any before is fetched like every other."""
    inbound = FakeInbound([{"update_id": 900}])
    scene = Scene(inbound, POLLING)
    async with scene.running():
        await until(lambda: 901 in inbound.offsets and inbound.offsets[-1] == 0)
        inbound.pending.append({"update_id": 3})
        await until(lambda: len(scene.taken) == 2)

    assert scene.taken[-1] == {"update_id": 3}


async def test_what_could_not_be_stored_is_fetched_again() -> None:
    """Nothing is confirmed while the database is away."""
    inbound = FakeInbound([{"update_id": 8}])
    scene = Scene(inbound, POLLING)
    scene.refusals = [StoreDownError("no answer")] * 2
    async with scene.running():
        await until(lambda: scene.taken == [{"update_id": 8}])
        await until(lambda: len(inbound.offsets) > 3)

    assert inbound.offsets[:4] == [0, 0, 0, 9]


async def test_what_has_no_id_holds_nothing_up() -> None:
    """It is stored as it is, and what comes after it confirms it."""
    inbound = FakeInbound([["odd"]])
    scene = Scene(inbound, POLLING)
    async with scene.running():
        await until(lambda: len(scene.taken) == 2)
        inbound.pending.append({"update_id": 8})
        await until(lambda: {"update_id": 8} in scene.taken)
        await until(lambda: 9 in inbound.offsets)

    assert ["odd"] in scene.taken


async def test_another_program_is_alerted() -> None:
    """Fetching goes on after a while, any webhook being taken away again."""
    inbound = FakeInbound([{"update_id": 8}])
    inbound.faults = [ConflictFaultError(PEER, "terminated by other getUpdates request")]
    scene = Scene(inbound, POLLING)
    async with scene.running():
        await until(lambda: len(scene.taken) == 1)

    assert scene.alerts.slugs == ["telegram_conflict"]
    assert inbound.unsets == 2


async def test_one_process_receives_at_a_time() -> None:
    """Another takes over when it stops, beginning with what is not confirmed."""
    inbound, leases = FakeInbound(), FakeLeases()
    first, second = Scene(inbound, POLLING, leases), Scene(inbound, POLLING, leases, "two")
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first.receiving.run())
        await until(first.duty.held)
        two = group.create_task(second.receiving.run())
        inbound.pending.append({"update_id": 8})
        await until(lambda: len(first.taken) == 1)
        assert second.taken == []
        one.cancel()
        await until(second.duty.held)
        inbound.pending.append({"update_id": 9})
        await until(lambda: {"update_id": 9} in second.taken)
        two.cancel()

    assert {"update_id": 9} not in first.taken


async def test_a_webhook_is_set_only_where_it_differs() -> None:
    """Once; looking after it changes nothing more."""
    inbound = FakeInbound()
    scene = Scene(inbound, WEBHOOK)
    async with scene.running():
        await until(lambda: inbound.looks >= 3)

    assert inbound.state == RIGHT
    assert inbound.sets == 1
    assert inbound.offsets == []


@pytest.mark.parametrize(
    "other",
    [
        RIGHT._replace(url="https://other.test/webhook"),
        RIGHT._replace(kinds=frozenset({"message"})),
        RIGHT._replace(most=1),
    ],
)
async def test_a_webhook_that_somebody_changed_is_put_right(other: Hook) -> None:
    """Within one look."""
    inbound = FakeInbound(state=RIGHT)
    scene = Scene(inbound, WEBHOOK)
    async with scene.running():
        await until(lambda: inbound.looks >= 2)
        assert inbound.sets == 0
        inbound.state = other
        await until(lambda: inbound.state == RIGHT)

    assert inbound.sets == 1


async def test_a_secret_that_is_refused_is_told_again() -> None:
    """Telegram does not say which it has, only that ours refused it; once is enough."""
    inbound = FakeInbound(state=RIGHT._replace(refused_at=Clock().now().timestamp() - 1))
    scene = Scene(inbound, WEBHOOK)
    async with scene.running():
        await until(lambda: inbound.looks >= 4)

    assert inbound.sets == 1


async def test_a_telegram_that_is_away_is_asked_again() -> None:
    """Whatever it says."""
    inbound = FakeInbound([{"update_id": 8}])
    inbound.faults = [busy("HTTP 502"), busy("HTTP 502")]
    scene = Scene(inbound, POLLING)
    async with scene.running():
        await until(lambda: len(scene.taken) == 1)

    assert scene.alerts.slugs == []
