"""Sweep: whoever finds a batch that was not applied, or a debt whose time has come, takes it up.

This is what makes a crash harmless, and an event or a debt of a process that is gone is taken
up by any other. The fast path needs none of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from app.clock import Clock
from app.errors import StoreDownError
from app.observability.metrics import Metrics
from app.ports import Alerts, Inbox
from app.usecases.apply_events import Applier
from app.usecases.hands import Hands, Line
from app.usecases.records import Decide, Records
from app.usecases.taking import Taking
from app.usecases.unattended import Unattended
from processors import debts, runs
from processors.errors import RefusedBodyError
from schemas.base import EngineName, GenerationId, InstanceName
from schemas.generation import Generation
from schemas.run import Batch, Delivery, RunEvent
from schemas.timing import Timing

BATCHES: Final = 20
"""Stale batches taken up at once."""
LINGER: Final = timedelta(milliseconds=20)
"""Who is woken waits as long before the sweep: what else there is to do is often just coming."""
PACE: Final = timedelta(milliseconds=50)
"""After an outage the open runs are asked one after another, this far apart."""

T = TypeVar("T")
Receivers = Mapping[EngineName, Callable[[Delivery], RunEvent]]
"""How each engine's raw bodies are translated."""


class Sweep:
    """Each second: stale batches and due debts; beside it all open runs, when that is wanted."""

    def __init__(
        self,
        inbox: Inbox,
        records: Records,
        *,
        applier: Applier,
        hands: Sequence[Hands[Any]],
        receivers: Receivers,
        taking: Taking,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        self._inbox = inbox
        self._records = records
        self._clock: Clock = records.clock
        self._applier = applier
        self._hands = tuple(hands)
        self._receivers = receivers
        self._taking = taking
        self._timing = timing
        self._metrics = metrics
        self._alerts = alerts
        self._unattended = [Unattended(each.records, taking) for each in self._hands]
        self._log = structlog.get_logger()
        self._all_asked = asyncio.Event()
        self._wanted = asyncio.Event()
        self._closing = False

    async def run(self) -> None:
        """Sweep until `close`; a database that does not answer is swept later."""
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self.keep_asking())
            while not self._closing:
                self._wanted.clear()
                try:
                    await self.once()
                except StoreDownError as error:
                    self._log.warning("could not sweep", error=str(error))
                await self._pause()
            asking.cancel()

    def close(self) -> None:
        """Let `run` end."""
        self._closing = True
        self._wanted.set()

    def look(self) -> None:
        """Have it swept now, and not only in a second; many in a moment are one."""
        self._wanted.set()

    def ask_all(self) -> None:
        """Have every open run asked, soon and paced: events may have been refused."""
        self._all_asked.set()

    async def once(self) -> None:
        """Sweep once; whatever cannot be swept does not keep the rest from it.

        Raises:
            StoreDownError: The database does not answer.
        """
        await self._apart("batches", self._take_up_batches())
        for hands, unattended in zip(self._hands, self._unattended, strict=True):
            await self._apart("debts", self._sweep_debts(hands, unattended))

    async def keep_asking(self) -> None:
        """Ask all open runs whenever `ask_all` says so, until cancelled; `run` does it too."""
        while True:
            await self._all_asked.wait()
            self._all_asked.clear()
            await self._ask_open_runs()

    async def _sweep_debts(self, hands: Hands[Any], unattended: Unattended[Any]) -> None:
        """Take up what is due; where nothing is, that is found out by a single question."""
        due = await hands.any_due()
        await self._apart("chats", unattended.tend(due=due))
        for line in hands.lines if due else ():
            await self._apart("debts", self._take_up_debts(hands, line))

    async def _take_up_debts(self, hands: Hands[Any], line: Line) -> None:
        for record in await hands.take_up(line):
            await self._apart(record.id, hands.claim(record.id, line.kinds))

    async def release(self, instance: InstanceName) -> int:
        """Give back every claim of a process that is gone; return how many records had any."""
        return sum([await hands.release(instance) for hands in self._hands])

    async def _take_up_batches(self) -> None:
        before = self._clock.now() - self._timing.inbox_stale
        for batch in await self._inbox.stale(before, BATCHES, tuple(self._applier.known)):
            try:
                self._applier.add(*self._translated(batch))
            except Exception as error:  # noqa: BLE001 - the task runner: one batch must not stop the others
                self._broken(batch.id, error)

    def _translated(self, batch: Batch) -> tuple[Batch, list[RunEvent]]:
        """Translate a batch anew; what no longer translates was written by another version."""
        events = list[RunEvent]()
        for delivery in batch.events:
            receive = self._receivers.get(delivery.engine)
            try:
                if receive is not None:
                    events.append(receive(delivery))
            except RefusedBodyError as error:
                self._metrics.refused(error.reason)
                self._log.warning("a stored event makes no sense", error=str(error))
        return batch, events

    async def _ask_open_runs(self) -> None:
        open_ids = await self._insisted(self._open_ids)
        self._log.warning(
            "events may have been missed: all open runs are asked", open=len(open_ids)
        )
        at = self._clock.now()
        for generation_id in open_ids:
            at = max(at + PACE, self._clock.now())
            await self._insisted(partial(self._asked, generation_id, at))

    async def _open_ids(self) -> list[GenerationId]:
        return [each async for each in self._records.generations.open_ids()]

    async def _asked(self, generation_id: GenerationId, at: datetime) -> None:
        await self._apart(generation_id, self._records.change(generation_id, _asked_by(at)))

    async def _insisted(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do something however long the database takes."""
        while True:
            try:
                return await do()
            except StoreDownError as error:
                self._log.warning("not all open runs are asked yet", error=str(error))
            except Exception as error:  # noqa: BLE001 - the task runner: events may have been missed all the same
                self._broken("open runs", error)
            await asyncio.sleep(self._timing.sweep_every.total_seconds())

    async def _apart(self, what: str, do: Awaitable[object]) -> None:
        """Do one part of a sweep; a fault of its own does not keep the others from being done.

        Raises:
            StoreDownError: The database does not answer.
        """
        try:
            await do
        except StoreDownError:
            raise
        except Exception as error:  # noqa: BLE001 - the task runner: what is left is found by the next sweep
            self._broken(what, error)

    def _broken(self, what: str, error: Exception) -> None:
        self._log.exception("could not be swept", what=what)
        self._alerts.alert("sweep_broken", f"{what}: {type(error).__name__}")

    async def _pause(self) -> None:
        """Wait until it is time to sweep, or somebody wants it sooner."""
        try:
            async with asyncio.timeout(self._timing.sweep_every.total_seconds()):
                await self._wanted.wait()
        except TimeoutError:
            return
        if not self._closing:
            await asyncio.sleep(LINGER.total_seconds())


def _asked_by(at: datetime) -> Decide:
    """Bring the next ask forward to `at`."""

    def asked(record: Generation, now: datetime) -> Generation:
        del now
        if debts.find(record.owed, runs.ASK) is None or record.ended:
            return record
        return runs.looked_into(record, at)

    return asked
