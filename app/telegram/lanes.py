"""One lane a chat: order and rate limits of what the bot sends.

What waits here waits in memory, so a wait that is long is refused instead: the debt behind it is
put off in the database and survives a restart.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from app import clock
from app.errors import PeerBusyError, PeerRefusedError
from app.telegram.errors import busy
from app.telegram.places import Places
from processors.notifications import pacing
from processors.notifications.pacing import Pace, Sent

PATIENCE: Final = timedelta(seconds=20)
"""Longest wait for a turn that is waited out in memory."""
MOST_WAITING: Final = 8
"""Turns of one chat that may wait at a time, so that one chat cannot hold every worker up."""
MANY_PAUSED: Final = 5
"""When Telegram has told this many chats to wait, it means the bot."""
LONGEST_PAUSE_OF_ALL: Final = timedelta(seconds=5)
LANES_KEPT: Final = 1000
"""Lanes above which idle ones are looked for and dropped."""


@dataclass(slots=True)
class _Lane:
    """What is known of one chat; times are seconds of `clock.monotonic`."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    sent: Sent = ()
    edit_from: float = 0.0
    paused_until: float = 0.0
    places: Places = field(default_factory=Places)


class Lanes:
    """The lanes of all chats, and the limit that they share."""

    def __init__(self, pace: Pace, edit_every: timedelta, patience: timedelta = PATIENCE) -> None:
        """Open all lanes.

        Args:
            pace: The limits to keep.
            edit_every: At most one edit in this time, per chat.
            patience: Longest wait for a turn.
        """
        self._pace = pace
        self._edit_every = edit_every.total_seconds()
        self._patience = patience.total_seconds()
        self._lanes: dict[int, _Lane] = {}
        self._sent: Sent = ()
        self._paused_until = 0.0
        self._tidy_at = LANES_KEPT
        self._closing = asyncio.Event()

    def __len__(self) -> int:
        """Return how many chats are remembered."""
        return len(self._lanes)

    @asynccontextmanager
    async def turn(
        self, chat_id: int, *, editing: bool, end: str | None = None
    ) -> AsyncGenerator[None]:
        """Hold a chat's lane for one call; those that send get it in the order they came.

        An edit waits for its time beside the lane, so it never keeps an end waiting. An `end`
        that goes away unsent keeps its place: those that came later let it go first.

        Raises:
            PeerBusyError: The turn is too far off, or the lanes are closed; it names the wait.
        """
        lane = self._lane(chat_id)
        with _placed(lane, end), _counted(lane):
            opened = self._edit(lane, chat_id) if editing else self._send(lane, chat_id, end)
            async with opened:
                yield

    def close(self) -> None:
        """Let nobody wait for a turn any more; turns under way are finished."""
        self._closing.set()

    def charge(self, chat_id: int, n: int) -> None:
        """Count `n` messages more than the turn did, sent at once."""
        lane, now = self._lane(chat_id), clock.monotonic()
        lane.sent = pacing.book(lane.sent, now, self._pace.chat(chat_id), n)
        self._sent = pacing.book(self._sent, now, self._pace.overall, n)

    async def more(self, chat_id: int, n: int) -> None:
        """Wait, within a turn, until `n` more messages may go.

        Raises:
            PeerBusyError: That is too far off; it names the wait.
        """
        lane = self._lane(chat_id)
        await asyncio.sleep(self._wait(lane, chat_id, n, editing=False))
        await self._book(lane, chat_id, n, editing=False)

    def pause(self, chat_id: int, wait: timedelta) -> None:
        """Send nothing to a chat for a while: Telegram said so."""
        now = clock.monotonic()
        self._lane(chat_id).paused_until = now + wait.total_seconds()
        paused = sum(lane.paused_until > now for lane in self._lanes.values())
        if paused >= MANY_PAUSED:
            self._paused_until = now + min(wait, LONGEST_PAUSE_OF_ALL).total_seconds()

    @asynccontextmanager
    async def _send(self, lane: _Lane, chat_id: int, end: str | None) -> AsyncGenerator[None]:
        async with self._locked(lane):
            later = lane.places.ahead(end, clock.monotonic()) if end is not None else None
            if later is not None:
                raise busy("an earlier end comes first", later)
            await self._rest(self._wait(lane, chat_id, 1, editing=False))
            await self._book(lane, chat_id, 1, editing=False)
            yield

    @asynccontextmanager
    async def _edit(self, lane: _Lane, chat_id: int) -> AsyncGenerator[None]:
        while True:
            await self._rest(self._wait(lane, chat_id, 1, editing=True))
            async with self._locked(lane):
                # Whoever held the lane meanwhile may have used the time up.
                if self._wait(lane, chat_id, 1, editing=True) > 0:
                    continue
                await self._book(lane, chat_id, 1, editing=True)
                lane.edit_from = clock.monotonic() + self._edit_every
                yield
                return

    @asynccontextmanager
    async def _locked(self, lane: _Lane) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._patience):
                await lane.lock.acquire()
        except TimeoutError:
            raise busy("the chat is being sent to", timedelta(seconds=lane.waiting)) from None
        try:
            yield
        finally:
            lane.lock.release()

    async def _rest(self, seconds: float) -> None:
        """Wait for a turn.

        Raises:
            PeerBusyError: The lanes are closed.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
        raise busy("the service stops", timedelta())

    def _wait(self, lane: _Lane, chat_id: int, n: int, *, editing: bool) -> float:
        """Return the seconds until a chat may be sent to.

        Raises:
            PeerBusyError: They are too many.
        """
        now = clock.monotonic()
        rate = self._pace.chat(chat_id)
        at = max(
            pacing.earliest(lane.sent, now, pacing.for_edits(rate) if editing else rate, n),
            lane.paused_until,
            self._paused_until,
            lane.edit_from if editing else 0.0,
        )
        return self._bearable(at - now)

    async def _book(self, lane: _Lane, chat_id: int, n: int, *, editing: bool) -> None:
        """Take a place in the limit that all chats share, and wait for it."""
        now = clock.monotonic()
        rate = self._pace.overall
        at = pacing.earliest(self._sent, now, pacing.for_edits(rate) if editing else rate, n)
        wait = self._bearable(at - now)
        self._sent = pacing.book(self._sent, at, rate, n)
        lane.sent = pacing.book(lane.sent, at, self._pace.chat(chat_id), n)
        await asyncio.sleep(wait)

    def _bearable(self, wait: float) -> float:
        if wait > self._patience:
            raise busy("its turn is too far off", timedelta(seconds=wait))
        return max(wait, 0.0)

    def _lane(self, chat_id: int) -> _Lane:
        lane = self._lanes.get(chat_id)
        if lane is None:
            self._tidy()
            lane = self._lanes[chat_id] = _Lane()
        return lane

    def _tidy(self) -> None:
        """Drop idle lanes when there are many, seldom enough to cost nothing."""
        if len(self._lanes) < self._tidy_at:
            return
        now = clock.monotonic()
        self._lanes = {
            chat_id: lane
            for chat_id, lane in self._lanes.items()
            if lane.waiting or not self._idle(chat_id, lane, now)
        }
        self._tidy_at = max(LANES_KEPT, 2 * len(self._lanes))

    def _idle(self, chat_id: int, lane: _Lane, now: float) -> bool:
        last = max(lane.sent, default=0.0) + self._pace.chat(chat_id).seconds
        return now > max(last, lane.paused_until, lane.edit_from, lane.places.until)


@contextmanager
def _counted(lane: _Lane) -> Generator[None]:
    """Count who waits for a lane, or has it.

    Raises:
        PeerBusyError: There are too many.
    """
    if lane.waiting >= MOST_WAITING:
        raise busy("too many wait for this chat", timedelta(seconds=lane.waiting))
    lane.waiting += 1
    try:
        yield
    finally:
        lane.waiting -= 1


@contextmanager
def _placed(lane: _Lane, end: str | None) -> Generator[None]:
    """Keep an end's place where it goes away unsent, and is to come back."""
    if end is None:
        yield
        return
    try:
        yield
    except PeerRefusedError:
        lane.places.give_up(end)
        raise
    except Exception as error:
        wait = error.retry_after if isinstance(error, PeerBusyError) else None
        lane.places.keep(end, clock.monotonic(), wait)
        raise
    lane.places.give_up(end)
