"""What people have seen of the bot, event by event, and waiting for the next."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from sandbox.telegram import keyboards
from sandbox.telegram.display import Display
from sandbox.telegram.media import Media
from sandbox.telegram.messages import Json, Message

LONGEST_WAIT: Final = 60.0
_LENGTH: Final = 50_000

Kind = Literal["message", "edit", "delete", "answer", "checkout", "action"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing seen in a chat.

    Attributes:
        n: Its number; one more than that of the event before, whatever the chat.
        kind: `message`, `edit` or `delete` of a message; `answer` to a tap, `checkout` for the
            bot's word to a payment, `action` for what the bot says it is doing.
        at: When, in seconds since 1970.
        message: The message as it stood then, or nothing.
        words: What else there is to tell.
    """

    n: int
    chat_id: int
    kind: Kind
    at: float
    message: Message | None = None
    words: Json = field(default_factory=dict[str, object])

    def told(self) -> Json:
        """Return it as the control calls tell it."""
        shown: Json = {"n": self.n, "chat_id": self.chat_id, "kind": self.kind, "at": self.at}
        if self.message is not None:
            shown["message"] = told(self.message)
        return shown | self.words


class Seen:
    """The events, of which the oldest are forgotten; each is shown on the terminal, too."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._events = deque[Event](maxlen=_LENGTH)
        self._last = 0
        self._more = asyncio.Event()

    @property
    def last(self) -> int:
        """The number of the latest event, 0 before the first."""
        return self._last

    def sent(self, message: Message) -> None:
        """Note a new message."""
        self._display.sent(message)
        self._note("message", message.chat_id, message)

    def edited(self, message: Message) -> None:
        """Note a message as it stands after an edit."""
        self._display.edited(message)
        self._note("edit", message.chat_id, message)

    def deleted(self, message: Message) -> None:
        """Note that a message is gone."""
        self._display.deleted(message)
        self._note("delete", message.chat_id, message)

    def happened(self, kind: Kind, chat_id: int, **words: object) -> None:
        """Note what is no message."""
        self._note(kind, chat_id, None, words)

    async def after(self, n: int, chat_id: int | None, wait: float) -> list[Json]:
        """Return the events after number `n`, waiting up to `wait` seconds for the first.

        Args:
            n: Where to go on; 0 for the beginning.
            chat_id: The chat; None for all.
            wait: In seconds, 60 at most.
        """
        try:
            async with asyncio.timeout(min(wait, LONGEST_WAIT)):
                while not (found := list(self._since(n, chat_id))):
                    await self._more.wait()
        except TimeoutError:
            # One that came in the very moment in which the time was up is not to be missed.
            found = list(self._since(n, chat_id))
        return [event.told() for event in reversed(found)]

    def clear(self) -> None:
        """Forget every event; the numbers go on."""
        self._events.clear()

    def _since(self, n: int, chat_id: int | None) -> Iterator[Event]:
        for event in reversed(self._events):
            if event.n <= n:
                return
            if chat_id in {None, event.chat_id}:
                yield event

    def _note(
        self, kind: Kind, chat_id: int, message: Message | None, words: Json | None = None
    ) -> None:
        self._last += 1
        self._events.append(
            Event(
                n=self._last,
                chat_id=chat_id,
                kind=kind,
                at=time.time(),
                message=message,
                words=words or {},
            )
        )
        self._more.set()
        self._more = asyncio.Event()


def told(message: Message) -> Json:
    """Return a message as the control calls tell it."""
    media = message.media
    invoice = message.invoice
    return {
        "message_id": message.message_id,
        "chat_id": message.chat_id,
        "from": "bot" if message.author is None else message.author["id"],
        "kind": message.kind,
        "text" if message.media is None else "caption": message.text.plain,
        "raw": message.raw,
        "parse_mode": message.parse_mode or None,
        "entities": list(message.text.entities),
        "media": [] if media is None else [_told_media(media)],
        "invoice": None if invoice is None else invoice.shown() | {"payload": invoice.payload},
        "charge_id": message.charge_id or None,
        "service": message.service,
        "reply_to": message.reply_to,
        "edits": message.edits,
        "reply_markup": message.reply_markup,
        "buttons": keyboards.buttons(message.reply_markup),
        "media_group_id": message.media_group_id,
        "date": message.date,
    }


def _told_media(media: Media) -> Json:
    return {
        "kind": media.kind,
        "by": media.by,
        "size": media.size,
        "sha256": media.sha256,
        "url": media.url,
        "file_id": media.file_id,
        "filename": media.filename,
        "content_type": media.content_type,
    }
