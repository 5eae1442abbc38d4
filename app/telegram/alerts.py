"""Alerts for the administrator: logged, counted, and told to a chat.

Each process tells its own alerts, whoever is the bot's sender: trouble is worth a message that
keeps no turn, and the quiet time keeps them few.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final, NamedTuple, NoReturn

from app import clock
from app.errors import AppError
from app.ports import Messenger
from processors.notifications.markup import TEXT_LIMIT, Piece, render

QUIET: Final = timedelta(minutes=10)
"""The chat is told of the same trouble at most once in this time; the rest is counted to it."""
MOST_WAITING: Final = 50
"""Alerts that wait to be told; further ones are only logged and counted."""
TRIES: Final = 3
TRY_AGAIN: Final = timedelta(seconds=5)


class _Alert(NamedTuple):
    slug: str
    message: str
    more: int
    """Of the same trouble that the chat has not been told of before this one."""


class AdminAlerts:
    """An `app.ports.Alerts` that never raises and never waits."""

    def __init__(
        self,
        chat_id: int | None,
        *,
        log: Callable[[str, str], None],
        count: Callable[[str], None],
        quiet: timedelta = QUIET,
        try_again: timedelta = TRY_AGAIN,
    ) -> None:
        """Take alerts from now on; `run` tells them to the chat.

        Args:
            chat_id: The administrator's chat, or None when there is none.
            log: Takes the slug and the message.
            count: Takes the slug.
            quiet: The chat is told of the same trouble at most once in this time.
            try_again: Wait before an alert that could not be sent is tried again.
        """
        self._chat_id = chat_id
        self._log = log
        self._count = count
        self._quiet = quiet.total_seconds()
        self._try_again = try_again.total_seconds()
        self._told_at: dict[str, float] = {}
        self._untold = Counter[str]()
        self._waiting = asyncio.Queue[_Alert](MOST_WAITING)

    def alert(self, slug: str, message: str) -> None:
        """Log it, count it, and have the chat told if it has not just been.

        What it is not told of is counted, and the number told with the next of the same slug.
        """
        self._log(slug, message)
        self._count(slug)
        if self._chat_id is None:
            return
        now = clock.monotonic()
        told_at = self._told_at.get(slug)
        if self._waiting.full() or (told_at is not None and now - told_at < self._quiet):
            self._untold[slug] += 1
            return
        self._waiting.put_nowait(_Alert(slug, message, self._untold.pop(slug, 0)))
        self._told_at[slug] = now

    async def run(self, messenger: Messenger) -> NoReturn:
        """Tell the chat, one alert after the other, for ever."""
        while True:
            alert = await self._waiting.get()
            for _ in range(TRIES):
                if await self._told(messenger, alert):
                    break
                await asyncio.sleep(self._try_again)

    async def _told(self, messenger: Messenger, alert: _Alert) -> bool:
        """Tell one alert; return whether that went well. A log line remains in any case."""
        chat_id = self._chat_id or 0
        more = f"\nand {alert.more} more before; see the log" if alert.more else ""
        pieces = [Piece(f"⚠️ {alert.slug}", "b"), Piece(f"\n{alert.message}"), Piece(more)]
        text = render(pieces, TEXT_LIMIT)
        try:
            async with AsyncExitStack() as stack:
                # Each process tells its own trouble, rarely; only the sender keeps turns.
                if messenger.on_duty():
                    await stack.enter_async_context(messenger.turn(chat_id, editing=False))
                await messenger.show(chat_id, None, text.html, None)
        except AppError:
            return False
        return True
