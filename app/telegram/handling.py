"""Handle the updates that were taken in: one at a time in each lane, in the order of their ids.

Whoever holds a lane's lease handles its first open update, then the next. One that fails holds
its lane up until it is tried again, and is given up after a few tries: it is kept, counted and
alerted, and its sender gets an apology. What a crash interrupts is handled again, so whatever
counts is done under a key made of the update's id.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import structlog

from app.clock import Clock
from app.errors import PeerBusyError, PeerDownError, PeerError, StoreFaultError, UnavailableError
from app.observability.metrics import Metrics
from app.ports import Alerts, Updates
from app.telegram.errors import ChatClosedError, NoSuchChatError
from processors import backoff
from processors.errors import RefusedBodyError
from processors.protocols.telegram import CHECKOUTS
from schemas.base import InstanceName
from schemas.timing import Timing
from schemas.update import Update

FAULTS_MOST: Final = 4
"""Tries after which an update is given up that fails by itself."""
AT_ONCE: Final = 32
"""Lanes that one process works on at a time, those of checkouts beside them."""
LOOKED_FOR: Final = 200
"""Lanes that one look for what is due brings at most."""
RELEASE_SECONDS: Final = 2.0
"""Longest that stopping waits for the database to hear that a lane is free."""

_BLAMELESS: Final = (UnavailableError, PeerBusyError, PeerDownError)
"""What is no update's fault: the database or Telegram is away, or asks us to wait."""
_NOBODY: Final = (ChatClosedError, NoSuchChatError)
"""There is nobody any more whom the answer would reach."""
_APOLOGIES: Final = frozenset({"message", "callback_query"})
"""Kinds whose sender waits for an answer."""

Consume = Callable[[Update], Awaitable[None]]
"""Handles one update; raises RefusedBodyError for one that cannot be read."""
Apologise = Callable[[int], Awaitable[None]]
"""Tells a chat that something went wrong."""


class Handling:
    """Handles what is due; `run` keeps it going."""

    def __init__(
        self,
        updates: Updates,
        *,
        me: InstanceName,
        clock: Clock,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        self._updates = updates
        self._me = me
        self._clock = clock
        self._timing = timing
        self._metrics = metrics
        self._alerts = alerts
        self._busy = set[str]()
        self._woken = dict[str, None]()
        self._unstored = list[Update]()
        self._running = False
        self._wanted = asyncio.Event()
        self._sought = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._moved = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._closing = False
        self._log = structlog.get_logger()

    def wake(self, update: Update) -> None:
        """Handle an update at once that has just been stored, if nothing comes before it."""
        self._woken[update.lane] = None
        self._wanted.set()

    def look(self) -> None:
        """Look at once for what is due; many such wishes in a moment are one."""
        self._sought.set()

    def at_once(self, update: Update) -> bool:
        """Handle an update that could not be stored, once and as well as may be.

        For what is of no use later, such as the question before a payment.

        Returns:
            Whether it is handled: not by a process that handles nothing, or ends.
        """
        taken = self._running and not self._closing
        if taken:
            self._unstored.append(update)
            self._wanted.set()
        return taken

    async def run(self, consume: Consume, apologise: Apologise) -> NoReturn:
        """Handle what is due, for ever; when cancelled, the lanes are released."""
        self._running = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep())
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                while self._unstored:
                    group.create_task(self._try(self._unstored.pop(), consume))
                free = [each for each in self._woken if each not in self._busy]
                for lane in () if self._closing else free:
                    del self._woken[lane]
                    self._busy.add(lane)
                    self._idle.clear()
                    group.create_task(self._work(lane, consume, apologise))

    async def drain(self) -> None:
        """Begin nothing more, and wait for what is being handled."""
        self._closing = True
        await self._idle.wait()

    async def quiet(self) -> None:
        """Return once nothing is being handled, or was woken to be."""
        while self._woken or self._busy:
            self._moved.clear()
            await self._moved.wait()

    async def _sweep(self) -> NoReturn:
        """Look now and then for what is due and nobody works on."""
        while True:
            self._sought.clear()
            try:
                now = self._clock.now()
                for lane in await self._updates.due(self._me, now, LOOKED_FOR):
                    self._woken[lane] = None
                self._wanted.set()
            except UnavailableError as error:
                self._log.warning("updates are not looked for", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.sweep_every.total_seconds()):
                    await self._sought.wait()

    async def _try(self, update: Update, consume: Consume) -> None:
        """Handle an update that nobody keeps: what fails is not tried again."""
        try:
            async with asyncio.timeout(self._timing.handle_limit.total_seconds()):
                await consume(update)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the others go on
            self._metrics.telegram_update(update.kind, "failed")
            self._log.warning(
                "update failed, and is not kept", update=update.id, error=_said(error)
            )
        else:
            self._metrics.telegram_update(update.kind, "handled")

    async def _work(self, lane: str, consume: Consume, apologise: Apologise) -> None:
        """Handle what is due in a lane."""
        try:
            if lane.startswith(CHECKOUTS):
                # It has 10 seconds in all, and must not wait for anybody.
                await self._walk(lane, consume, apologise)
            else:
                async with self._room:
                    await self._walk(lane, consume, apologise)
        finally:
            self._busy.discard(lane)
            self._moved.set()
            if not self._busy:
                self._idle.set()
            # It may have been woken just when it was found empty.
            self._wanted.set()

    async def _walk(self, lane: str, consume: Consume, apologise: Apologise) -> None:
        try:
            while not self._closing:
                now = self._clock.now()
                claimed = await self._updates.claim(lane, self._me, now, now + self._timing.lease)
                if claimed is None:
                    return
                await self._handle(claimed, consume, apologise)
        except UnavailableError as error:
            self._log.warning("a lane is left for later", error=str(error))
        finally:
            with suppress(UnavailableError, TimeoutError):
                async with asyncio.timeout(RELEASE_SECONDS):
                    await self._updates.release(lane, self._me)

    async def _handle(self, update: Update, consume: Consume, apologise: Apologise) -> None:
        """Handle one update, and write down how that went."""
        if update.faults > FAULTS_MOST:
            await self._give_up(update, update.error or "its process ended", apologise)
            return
        try:
            async with asyncio.timeout(self._timing.handle_limit.total_seconds()):
                await consume(update)
        except _NOBODY:
            await self._end(update, "unreachable")
        except RefusedBodyError as error:
            self._metrics.telegram_update(update.kind, "malformed")
            self._log.warning("update malformed", update=update.id, field=error.field)
            await self._updates.failed(update, str(error), self._clock.now(), None)
        except StoreFaultError as error:
            # It holds what no database takes: no wait will change that.
            await self._failed(update, error, apologise)
        except _BLAMELESS as error:
            await self._put_off(update, error, apologise)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the next one goes on
            await self._failed(update, error, apologise)
        else:
            await self._end(update, "handled")

    async def _end(self, update: Update, result: str) -> None:
        now = self._clock.now()
        if await self._updates.done(update, now):
            self._metrics.telegram_update(update.kind, result)
            self._metrics.telegram_handled_lag((now - update.at).total_seconds())
        else:
            self._metrics.telegram_update(update.kind, "lost")

    async def _put_off(self, update: Update, error: Exception, apologise: Apologise) -> None:
        """Try again what somebody else is at fault for, as long as it may be of use."""
        now = self._clock.now()
        if now - update.at > self._timing.gives_up:
            await self._give_up(update, _said(error), apologise)
            return
        asked = error.retry_after if isinstance(error, PeerBusyError | UnavailableError) else None
        waits = self._timing.retry
        wait = max(backoff.wait(1, waits, self._clock.jitter()), asked or waits[0])
        await self._updates.failed(update, _said(error), now, now + wait, blameless=True)
        self._metrics.telegram_update(update.kind, "put_off")
        self._log.warning("update put off", update=update.id, error=_said(error))

    async def _failed(self, update: Update, error: Exception, apologise: Apologise) -> None:
        """Try again what failed by itself, or give it up."""
        said = _said(error)
        if update.faults >= FAULTS_MOST:
            await self._give_up(update, said, apologise)
            return
        now = self._clock.now()
        wait = backoff.wait(update.faults, self._timing.retry, self._clock.jitter())
        await self._updates.failed(update, said, now, now + wait)
        self._metrics.telegram_update(update.kind, "failed")
        self._log.warning("update failed", update=update.id, kind=update.kind, error=said)

    async def _give_up(self, update: Update, said: str, apologise: Apologise) -> None:
        if not await self._updates.failed(update, said, self._clock.now(), None):
            return
        self._metrics.telegram_update(update.kind, "dead")
        self._alerts.alert("update_dead", f"update {update.id} ({update.kind}) given up: {said}")
        if update.chat_id is not None and update.kind in _APOLOGIES:
            with suppress(PeerError, UnavailableError, TimeoutError):
                async with asyncio.timeout(self._timing.send_limit.total_seconds()):
                    await apologise(update.chat_id)


def _said(error: Exception) -> str:
    """Say what failed and where, without words of people's: an error may quote them."""
    if isinstance(error, PeerError | UnavailableError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
