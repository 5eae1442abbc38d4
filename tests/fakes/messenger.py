"""A messenger that remembers what it was told to send."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

from processors.notifications import Content
from processors.notifications.buttons import Rows
from tests.fakes.gates import Gate, ajar


class Told(NamedTuple):
    """An end that went out."""

    chat_id: int
    content: Content
    reply_to: int | None
    replace: int | None


class Shown(NamedTuple):
    """A status message that went out."""

    chat_id: int
    message_id: int | None
    text: str
    rows: Rows = ()


class FakeMessenger:
    """See app.ports.Messenger.

    Attributes:
        duty: Whether this process is the bot's sender.
        waiting: Passed while a chat's turn is waited for.
        gate: Passed before a message goes out, and before its answer comes.
        told: Ends that went out.
        links_only: Whether files are refused, so that people are sent links.
        shown: Status messages that went out.
    """

    def __init__(self, gate: Gate = ajar, waiting: Gate = ajar) -> None:
        self.duty = True
        self.gate = gate
        self.waiting = waiting
        self.links_only = False
        self.told: list[Told] = []
        self.shown: list[Shown] = []

    def on_duty(self) -> bool:
        """See app.ports.Messenger."""
        return self.duty

    @asynccontextmanager
    async def turn(
        self, chat_id: int, *, editing: bool, end: str | None = None
    ) -> AsyncGenerator[None]:
        """See app.ports.Messenger."""
        del chat_id, editing, end
        await self.waiting()
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
        del reply_to
        await self.gate()
        self.shown.append(Shown(chat_id, message_id, text, rows))
        await self.gate()
        return message_id or 100

    async def tell(
        self,
        chat_id: int,
        content: Content,
        reply_to: int | None,
        replace: int | None,
        hosts: tuple[str, ...],
    ) -> bool:
        """See app.ports.Messenger."""
        del hosts
        await self.gate()
        self.told.append(Told(chat_id, content, reply_to, replace))
        await self.gate()
        return bool(content.items) and not self.links_only
