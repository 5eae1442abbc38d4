"""Sweep: whoever finds a batch that was not applied, or a debt whose time has come, takes it up.

This is what makes a crash harmless, and an event or a debt of a process that is gone is taken
up by any other. The fast path needs none of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.clock import Clock
from app.errors import StoreDownError, UnavailableError
from app.observability.metrics import Metrics
from app.ports import Inbox
from app.usecases.apply_events import Applier
from app.usecases.discharge import Discharger
from app.usecases.records import Decide, Records
from app.usecases.taking import Taking
from processors import debts, runs
from processors.errors import RefusedBodyError
from schemas.base import EngineName, InstanceName
from schemas.debt import CHAT, Debt, DebtKind
from schemas.generation import Generation
from schemas.run import Batch, Delivery, RunEvent
from schemas.timing import Timing

BATCHES: Final = 20
"""Stale batches taken up at once."""
PACE: Final = timedelta(milliseconds=50)
"""After an outage the open runs are asked one after another, this far apart."""

Receivers = Mapping[EngineName, Callable[[Delivery], RunEvent]]
"""How each engine's raw bodies are translated."""


class Sweep:
    """Each second: stale batches and due debts."""

    def __init__(
        self,
        inbox: Inbox,
        records: Records,
        *,
        applier: Applier,
        discharger: Discharger,
        receivers: Receivers,
        taking: Taking,
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self._inbox = inbox
        self._records = records
        self._clock: Clock = records.clock
        self._applier = applier
        self._discharger = discharger
        self._receivers = receivers
        self._taking = taking
        self._timing = timing
        self._metrics = metrics
        self._log = structlog.get_logger()
        self._all_asked = asyncio.Event()
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Sweep until `close`; a database that does not answer is swept later."""
        while not self._closing.is_set():
            try:
                await self.once()
            except UnavailableError as error:
                self._log.warning("could not sweep", error=str(error))
            await self._pause()

    def close(self) -> None:
        """Let `run` end."""
        self._closing.set()

    def ask_all(self) -> None:
        """Have every open run asked, soon and paced: events may have been refused."""
        self._all_asked.set()

    async def once(self) -> None:
        """Sweep once."""
        if self._all_asked.is_set():
            self._all_asked.clear()
            try:
                await self._ask_open_runs()
            except StoreDownError:
                self._all_asked.set()
                raise
        await self._take_up_batches()
        for kinds in (self._taking.kinds() - CHAT, self._taking.kinds() & CHAT):
            await self._take_up_debts(kinds)

    async def _take_up_debts(self, kinds: frozenset[DebtKind]) -> None:
        idle = self._discharger.idle(kinds) if kinds else 0
        if not idle:
            return
        for generation in await self._records.generations.due(self._clock.now(), kinds, idle):
            await self._discharger.claim(generation)

    async def release(self, instance: InstanceName) -> int:
        """Give back every claim of a process that is gone; return how many records had any."""
        until = self._clock.now() + self._timing.lease
        found = await self._records.generations.claimed(instance, until)
        for generation in found:
            await self._records.change(
                generation.id,
                lambda record, now: debts.put(record, debts.release(record.owed, instance, now)),
            )
        return len(found)

    async def _take_up_batches(self) -> None:
        before = self._clock.now() - self._timing.inbox_stale
        for batch in await self._inbox.stale(before, BATCHES):
            self._applier.add(*self._translated(batch))

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
        at, count = self._clock.now(), 0
        async for generation_id in self._records.generations.open_ids():
            at += PACE
            count += 1
            await self._records.change(generation_id, _asked_by(at))
        self._log.warning("events may have been missed: every open run is asked", open=count)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._timing.sweep_every.total_seconds()):
                await self._closing.wait()
        except TimeoutError:
            return


def _asked_by(at: datetime) -> Decide:
    """Bring the next ask forward to `at`."""

    def asked(record: Generation, now: datetime) -> Generation:
        del now
        ask = debts.find(record.owed, runs.ASK)
        if ask is None or record.ended or ask.next_at <= at:
            return record
        sooner = Debt(key=runs.ASK, kind=DebtKind.ASK, about=ask.about, next_at=at)
        return debts.put(record, debts.owe(record.owed, sooner))

    return asked
