"""Take Telegram's updates in: 200 only when a majority has one on disk.

A repeat, and what is no update at all, is answered 200 as well: Telegram would repeat it for a
day, and hold back what comes after it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

import structlog

from app.clock import Clock
from app.errors import OverloadedError, StoreDownError, UnavailableError
from app.observability.metrics import Metrics
from app.ports import Updates
from processors.errors import RefusedBodyError
from processors.protocols import telegram
from schemas.timing import Timing
from schemas.update import Update

T = TypeVar("T")

ROOM: Final = 128
"""Updates that may wait in memory at a time; Telegram brings at most 40 at once."""
PAUSE: Final = 0.2
"""Seconds between two tries to write."""
CHECKOUT_SECONDS: Final = 0.2
"""Longest that a question before a payment waits to be stored: its answer is due in ten seconds,
and it is of no use to anybody after that."""

Wake = Callable[[Update], None]
"""Told of each update that is on disk; called again for one that is repeated."""
AtOnce = Callable[[Update], bool]
"""Handles an update that is not on disk; returns whether it does."""


class TakeUpdates:
    """The way in for updates, whether Telegram brings them or we fetch them."""

    def __init__(
        self,
        updates: Updates,
        *,
        wake: Wake,
        at_once: AtOnce,
        clock: Clock,
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self._updates = updates
        self._wake = wake
        self._at_once = at_once
        self._clock = clock
        self._limit = timing.update_limit.total_seconds()
        self._metrics = metrics
        self._waiting = 0
        self._log = structlog.get_logger()

    async def take(self, raw: bytes) -> None:
        """Store an update, if it is new, and have it handled.

        Raises:
            UnavailableError: It could not be written within its limit.
        """
        now = self._clock.now()
        try:
            update = telegram.receive(raw, now)
        except RefusedBodyError as error:
            await self._patiently(partial(self._updates.keep_malformed, raw, now))
            self._metrics.telegram_update("none", "malformed")
            self._log.warning("no update", reason=error.reason, field=error.field)
            return
        store = partial(self._updates.insert, update)
        if update.lane.startswith(telegram.CHECKOUTS):
            new = await self._soon(store)
            if new is None and self._at_once(update):
                self._metrics.telegram_update(update.kind, "unstored")
                return
            new = await self._patiently(store) if new is None else new
        else:
            new = await self._patiently(store)
        self._metrics.telegram_update(update.kind, "taken" if new else "repeated")
        # A repeat may be one whose first writing was never confirmed to us.
        self._wake(update)

    async def _soon(self, store: Callable[[], Awaitable[bool]]) -> bool | None:
        """Store a checkout; return whether it is new, None where that takes too long."""
        try:
            async with asyncio.timeout(CHECKOUT_SECONDS):
                return await store()
        except (TimeoutError, UnavailableError):
            return None

    async def _patiently(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write, trying again while the database does not answer.

        Raises:
            StoreDownError: It did not within the limit.
            OverloadedError: Too many wait already.
        """
        if self._waiting >= ROOM:
            raise OverloadedError("too many updates wait to be written")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limit):
                while True:
                    try:
                        return await write()
                    except StoreDownError:
                        await asyncio.sleep(PAUSE)
        except TimeoutError:
            raise StoreDownError("the database does not take updates") from None
        finally:
            self._waiting -= 1
