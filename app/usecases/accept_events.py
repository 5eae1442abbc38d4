"""Accept events: a 200 is given only when a majority has the event on disk.

Group commit: the requests that wait at one moment become one document of the inbox and one
insert. A sender that tries again within two seconds and then never (ComfyDeploy) must not be
refused fast, so a write that cannot be made waits and is retried. One that tries again for a
minute, each try a little later (Replicate), is refused soon: it comes again.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog

from app.clock import Clock
from app.errors import OverloadedError, StoreDownError, UnavailableError
from app.observability.metrics import Metrics
from app.ports import Inbox
from app.usecases.apply_events import Applier
from schemas.base import EngineName
from schemas.run import Batch, Delivery, RunEvent
from schemas.timing import Timing

BATCH_EVENTS: Final = 256
BATCH_BYTES: Final = 4 * 1024 * 1024
ROOM_EVENTS: Final = 10_000
ROOM_BYTES: Final = 64 * 1024 * 1024
"""What may wait in memory at most, while the inbox cannot be written."""
PAUSE: Final = 0.2
"""Seconds between two tries to write."""
SIBLINGS: Final = 16
LINGER: Final = 0.0005
"""After a batch of so many events the next one waits so many seconds for more: whoever sends at
such a rate has the next at hand. PostgreSQL's commit_siblings and commit_delay."""


Done = Callable[[UnavailableError | None], None]
"""Called once: when an event is on disk, or with why it cannot be written."""


class _Waiting(NamedTuple):
    delivery: Delivery
    event: RunEvent
    done: Done


class Acceptor:
    """The way into the inbox: one insert in flight, for as many as wait."""

    def __init__(
        self,
        inbox: Inbox,
        applier: Applier,
        *,
        clock: Clock,
        timing: Timing,
        metrics: Metrics,
        on_return: Callable[[], None],
        patient: Collection[EngineName] = (),
    ) -> None:
        """Set up; engines that are `patient` try again for a while.

        `on_return` is called when what was refused can be asked for, or soon can be.

        After a refusal for want of room that is with the next write that works. A database that
        is away is told of at once, for it may come back and no event with it: whoever is called
        waits for it.
        """
        self._inbox = inbox
        self._applier = applier
        self._clock = clock
        self._timing = timing
        self._metrics = metrics
        self._on_return = on_return
        self._patient = frozenset(patient)
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._refused = False
        self._closing = False
        self._log = structlog.get_logger()

    async def accept(self, delivery: Delivery, event: RunEvent) -> None:
        """Return when the event is on disk.

        Raises:
            UnavailableError: It could not be written in time, or too much waits already;
                the sender may try again.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(delivery, event, partial(_settle, stored))
        await stored

    def put(self, delivery: Delivery, event: RunEvent, done: Done) -> None:
        """Put an event in line to be written.

        Raises:
            OverloadedError: Too much waits already; `done` is not called.
        """
        if len(self._waiting) >= ROOM_EVENTS or self._bytes >= ROOM_BYTES:
            self._refused = True
            raise OverloadedError("too many events wait to be written")
        self._waiting.append(_Waiting(delivery, event, done))
        self._bytes += len(delivery.raw)
        self._wake.set()

    async def run(self) -> None:
        """Write what waits until `close`, and then what is left."""
        while not (self._closing and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if self._applier.has_room or await self._found_room():
                    taken = self._take()
                    await self._commit(taken)
                    if len(taken) >= SIBLINGS:
                        await asyncio.sleep(LINGER)

    async def _found_room(self) -> bool:
        """Wait a little for room; refuse those who have waited too long."""
        try:
            async with asyncio.timeout(PAUSE):
                await self._applier.room()
        except TimeoutError:
            self._expire()
            return False
        return True

    def close(self) -> None:
        """Let `run` end once nothing waits."""
        self._closing = True
        self._wake.set()

    def _take(self) -> list[_Waiting]:
        taken, size = list[_Waiting](), 0
        while self._waiting and len(taken) < BATCH_EVENTS:
            length = len(self._waiting[0].delivery.raw)
            if taken and size + length > BATCH_BYTES:
                break
            taken.append(self._waiting.popleft())
            size += length
        self._bytes -= size
        return taken

    async def _commit(self, taken: Sequence[_Waiting]) -> None:
        """Write one batch, however long its senders can wait."""
        batch, waiting = self._batch(taken), list(taken)
        try:
            await self._insert(batch, waiting)
        except StoreDownError:
            return
        except Exception:  # noqa: BLE001 - the task runner: one batch's fault must not stop the others
            self._log.exception("a batch could not be stored", events=len(taken))
            self._answer(waiting, UnavailableError("the inbox refused the event"))
            return
        self._applier.add(batch, [each.event for each in taken])
        for engine, count in Counter(each.event.engine for each in taken).items():
            self._metrics.accepted(engine, count)
        self._answer(waiting, None)
        if self._refused:
            self._refused = False
            self._on_return()

    def _batch(self, taken: Sequence[_Waiting]) -> Batch:
        return Batch(
            id=self._clock.new_id(),
            at=taken[0].delivery.at,
            events=tuple(each.delivery for each in taken),
        )

    async def _insert(self, batch: Batch, waiting: list[_Waiting]) -> None:
        """Insert, trying again until nobody waits any longer; each is refused in its own time.

        The same id is used throughout, so a try whose answer was lost does no harm. Whoever was
        refused is taken out of `waiting`: everybody is answered once.
        """
        while True:
            try:
                return await self._inbox.insert(batch)
            except StoreDownError:
                self._expire()
                late, waiting[:] = self._parted(waiting)
                self._refuse(late)
                if not waiting:
                    raise
            await asyncio.sleep(PAUSE)

    def _expire(self) -> None:
        """Refuse those who have waited in line for as long as their sender can wait."""
        late, others = self._parted(self._waiting)
        # First this: whoever is answered may put the next event in line at once.
        self._waiting = deque(others)
        self._bytes -= sum(len(each.delivery.raw) for each in late)
        self._refuse(late)

    def _parted(self, waiting: Iterable[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
        """Return those who cannot wait any longer, and the others."""
        now = self._clock.now()
        late, others = list[_Waiting](), list[_Waiting]()
        for each in waiting:
            (late if each.delivery.at <= now - self._limit(each) else others).append(each)
        return late, others

    def _limit(self, waiting: _Waiting) -> timedelta:
        again = waiting.delivery.engine in self._patient
        return self._timing.accept_again if again else self._timing.accept_limit

    def _refuse(self, late: Sequence[_Waiting]) -> None:
        if late:
            self._answer(late, UnavailableError("the event cannot be written now"))
            self._on_return()

    def _answer(self, waiting: Sequence[_Waiting], error: UnavailableError | None) -> None:
        """Let each know; one who cannot be answered must not keep it from the others."""
        for each in waiting:
            try:
                each.done(error)
            except Exception:  # noqa: BLE001 - the task runner, as above
                self._log.exception("a sender could not be answered")


def _settle(stored: asyncio.Future[None], error: UnavailableError | None) -> None:
    """Let go who waits; whoever has gone meanwhile is told nothing."""
    if stored.done():
        return
    if error is None:
        stored.set_result(None)
    else:
        stored.set_exception(error)
