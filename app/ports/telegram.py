"""Telegram as the use cases see it, and what comes from there."""

from collections.abc import (
    Mapping,
)
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from processors.notifications import Content
from processors.notifications.buttons import Rows
from schemas.base import InstanceName
from schemas.update import Update


class Updates(Protocol):
    """Telegram's updates as they came. Every method may raise StoreDownError.

    Those of one lane are handled one at a time, in the order of their ids: whoever holds a lane
    is given its first open update, and nobody else is given any of it.
    """

    async def insert(self, update: Update) -> bool:
        """Store an update on a majority's disks; return whether its id is a new one."""
        ...

    async def keep_malformed(self, raw: bytes, at: datetime) -> None:
        """Keep what should have been an update; the same bytes once."""
        ...

    async def due(self, by: InstanceName, now: datetime, limit: int) -> tuple[str, ...]:
        """Return lanes whose first open update is due and that nobody but `by` holds.

        The lane with the smallest id comes first.
        """
        ...

    async def claim(
        self, lane: str, by: InstanceName, now: datetime, until: datetime
    ) -> Update | None:
        """Take a lane, or hold it on, and return its first open update, one try more on it.

        Returns:
            None where another holds the lane, or where its first open update is not due.
        """
        ...

    async def done(self, update: Update, now: datetime) -> bool:
        """Mark a claimed update as handled; return whether the claim still stood."""
        ...

    async def failed(
        self,
        update: Update,
        error: str,
        now: datetime,
        due_at: datetime | None,
        *,
        blameless: bool = False,
    ) -> bool:
        """Have a claimed update handled again at `due_at`, or never; return whether it stood.

        A try counts as its fault from the claim on, until it turns out to be `blameless`.
        """
        ...

    async def release(self, lane: str, by: InstanceName) -> None:
        """Let others have a lane, if `by` holds it."""
        ...


class Conversation(NamedTuple):
    """Where somebody stands in a conversation with the bot."""

    state: str | None
    data: Mapping[str, JsonValue]


class Conversations(Protocol):
    """What the bot has to remember between two messages, by chat and person, for some days.

    Every method may raise StoreDownError.
    """

    async def get(self, chat_id: int, user_id: int) -> Conversation:
        """Return where somebody stands; at the beginning, where nothing is remembered."""
        ...

    async def set_state(self, chat_id: int, user_id: int, state: str | None, now: datetime) -> None:
        """Remember a state, the data left as they are; None is the beginning."""
        ...

    async def set_data(
        self, chat_id: int, user_id: int, data: Mapping[str, JsonValue], now: datetime
    ) -> None:
        """Remember data in place of those there are, the state left as it is."""
        ...

    async def clear(self, chat_id: int, user_id: int) -> None:
        """Forget everything about this conversation."""
        ...


class Messenger(Protocol):
    """The bot's one sender, as the use cases see it. Every sending may raise a PeerError."""

    def on_duty(self) -> bool:
        """Return whether this process holds the sender's lease."""
        ...

    def turn(
        self, chat_id: int, *, editing: bool, end: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Wait for this chat's turn: order, rate limits and pauses are kept here.

        Where it is for an `end`, one that is refused its turn, or fails within it, comes
        before the ends that came later.

        Entering raises PeerBusyError with a wait where the chat's turn is too far off.
        """
        ...

    async def show(
        self,
        chat_id: int,
        message_id: int | None,
        text: str,
        reply_to: int | None,
        rows: Rows = (),
    ) -> int | None:
        """Send or edit a status message; return its id, or None when it is gone.

        Its buttons are `rows` from then on, whatever they were.
        """
        ...

    async def tell(
        self,
        chat_id: int,
        content: Content,
        reply_to: int | None,
        replace: int | None,
        hosts: tuple[str, ...],
    ) -> bool:
        """Send an end, as rich as Telegram takes it; return whether any file got there itself.

        Not where there was a link at most.

        Args:
            chat_id: Where to.
            content: What, in the person's language, within Telegram's limits.
            reply_to: The person's message, or None.
            replace: Our status message, to be turned into the result; None sends a new one.
            hosts: Host patterns from which media may be fetched for an upload.
        """
        ...
