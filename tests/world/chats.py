"""A simulated Telegram, and the one sender that two processes share by a lease."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.errors import PeerBusyError, PeerDownError, PeerUnknownError
from processors.notifications import Content
from processors.notifications.buttons import Rows
from schemas.base import InstanceName
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Gate
from tests.world.plans import Plan

PEER: Final = "telegram"
LEASE: Final = timedelta(seconds=15)


@dataclass(frozen=True)
class Tale:
    """An end that reached a chat."""

    chat_id: int
    text: str
    at: datetime
    by: InstanceName
    answered: bool
    place: str | None = None
    """Of the end, or of the step, that it tells."""


@dataclass
class Telegram:
    """What has reached the chats, and who may send.

    Attributes:
        tales: Every end that arrived, in order.
        sender: Who holds the sender's lease.
    """

    plan: Plan
    clock: FakeClock
    tales: list[Tale] = field(default_factory=list[Tale])
    sender: InstanceName | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Lay the drawn outcomes ready."""
        self._sends = list(self.plan.sends)

    def on_duty(self, name: InstanceName) -> bool:
        """Renew the lease, or take it where it has run out."""
        now = self.clock.now()
        if self.sender != name and self.until is not None and now < self.until:
            return False
        self.sender, self.until = name, now + LEASE
        return True

    def fate(self) -> str:
        """Return what becomes of the next message."""
        return self._sends.pop(0) if self._sends else "ok"


class TelegramMessenger:
    """Telegram as one process reaches it. See app.ports.Messenger."""

    def __init__(self, telegram: Telegram, name: InstanceName, gate: Gate) -> None:
        self._telegram = telegram
        self._name = name
        self._gate = gate
        self._lanes: dict[int, asyncio.Lock] = {}
        self._places: dict[int, str | None] = {}

    def on_duty(self) -> bool:
        """See app.ports.Messenger."""
        return self._telegram.on_duty(self._name)

    @asynccontextmanager
    async def turn(
        self, chat_id: int, *, editing: bool, end: str | None = None
    ) -> AsyncGenerator[None]:
        """See app.ports.Messenger."""
        del editing
        if not self.on_duty():
            raise PeerBusyError(PEER, "another process sends", timedelta(seconds=1))
        async with self._lanes.setdefault(chat_id, asyncio.Lock()):
            await self._gate()
            self._places[chat_id] = end
            yield

    async def show(
        self,
        chat_id: int,
        message_id: int | None,
        text: str,
        reply_to: int | None,
        rows: Rows = (),
    ) -> int | None:
        """See app.ports.Messenger."""
        del text, reply_to, rows
        await self._sent(self._telegram.fate())
        return message_id or chat_id

    async def tell(
        self,
        chat_id: int,
        content: Content,
        reply_to: int | None,
        replace: int | None,
        hosts: tuple[str, ...],
    ) -> bool:
        """See app.ports.Messenger."""
        del reply_to, replace, hosts
        fate = self._telegram.fate()
        if fate in {"ok", "sent_unanswered"}:
            now, answered = self._telegram.clock.now(), fate == "ok"
            place = self._places[chat_id]
            self._telegram.tales.append(
                Tale(chat_id, content.text, now, self._name, answered, place)
            )
        await self._sent(fate)
        return bool(content.items)

    async def _sent(self, fate: str) -> None:
        """Wait for the answer. What stops us before the send stops us in the turn already."""
        await asyncio.sleep(0.1)
        await self._gate()
        if fate == "flood":
            raise PeerBusyError(PEER, "too many requests", timedelta(seconds=37))
        if fate == "down":
            raise PeerDownError(PEER, "cannot be reached")
        if fate != "ok":
            raise PeerUnknownError(PEER, "no answer")
