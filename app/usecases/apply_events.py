"""Apply events: fold what was heard of each run, one compare-and-set per generation.

Any order and any repetition give the same record, so no ownership is needed: whoever finds
an unapplied batch applies it. A batch is marked once the last of its events is applied; a
crash before that only means that they are applied again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

import structlog

from app.clock import Clock, monotonic
from app.errors import StoreDownError
from app.observability.metrics import Metrics
from app.ports import Alerts, Inbox, Write
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors import runs
from processors.runs import Verdict
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.run import Batch, RunEvent, RunStatus
from schemas.timing import Timing

TURN: Final = 256
"""Generations written at once."""
ROOM: Final = 2_000
"""Events that may wait to be applied before the next commit waits."""
REMEMBERED: Final = 20_000
"""Generations whose last write is remembered, to space out changes of progress."""
PAUSE: Final = 0.2
"""Seconds before another try while the database does not answer."""


class _Pending(NamedTuple):
    batch_id: str
    event: RunEvent


class Applier:
    """Everything accepted and not applied, by generation."""

    def __init__(
        self,
        inbox: Inbox,
        records: Records,
        taking: Taking,
        *,
        clock: Clock,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        self._inbox = inbox
        self._records = records
        self._taking = taking
        self._clock = clock
        self._timing = timing
        self._metrics = metrics
        self._alerts = alerts
        self._log = structlog.get_logger()
        self._pending: OrderedDict[GenerationId, list[_Pending]] = OrderedDict()
        self._left: dict[str, int] = {}
        self._applied: list[str] = []
        self._count = 0
        self._written: OrderedDict[GenerationId, float] = OrderedDict()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False

    def add(self, batch: Batch, events: Sequence[RunEvent]) -> None:
        """Take up a stored batch, its events translated; one that is known already is left."""
        if batch.id in self._left:
            return
        if not events:
            self._applied.append(batch.id)
        else:
            self._left[batch.id] = len(events)
        for event in events:
            self._pending.setdefault(event.generation_id, []).append(_Pending(batch.id, event))
        self._count += len(events)
        self._metrics.waiting_events(self._count)
        if self._count > ROOM:
            self._room.clear()
        self._wake.set()

    async def room(self) -> None:
        """Return when few enough events wait."""
        await self._room.wait()

    async def run(self) -> None:
        """Apply what is there until `close`, and then what is left."""
        while not (self._closing and not self._pending and not self._applied):
            try:
                await self._turn()
            except StoreDownError:
                await asyncio.sleep(PAUSE)

    def close(self) -> None:
        """Let `run` end once nothing waits."""
        self._closing = True
        self._wake.set()

    async def _turn(self) -> None:
        """Apply what is ready, mark what is done, and wait where there is nothing."""
        ready = self._ready()
        if ready:
            await self._apply_whole(ready)
        if self._applied and (len(self._applied) >= TURN or not self._pending):
            marks, self._applied = self._applied, []
            try:
                await self._inbox.mark_applied(marks)
            except StoreDownError:
                self._applied += marks
                raise
        if not ready and not self._applied:
            await self._rest()

    async def _rest(self) -> None:
        """Wait for events; where only spaced-out progress waits, no longer than its spacing."""
        self._wake.clear()
        limit = self._timing.progress_every.total_seconds() / 4 if self._pending else None
        try:
            async with asyncio.timeout(0 if self._closing else limit):
                await self._wake.wait()
        except TimeoutError:
            return

    def _ready(self) -> list[GenerationId]:
        """Return the generations to be written now, the longest waiting first."""
        now = monotonic()
        spacing = self._timing.progress_every.total_seconds()
        ready = list[GenerationId]()
        for generation_id, waiting in self._pending.items():
            last = self._written.get(generation_id)
            rested = last is None or now - last >= spacing or self._closing
            if rested or not all(_minor(each.event) for each in waiting):
                ready.append(generation_id)
                if len(ready) == TURN:
                    break
        return ready

    async def _apply_whole(self, ids: Sequence[GenerationId]) -> None:
        """Apply all at once; where that fails, one by one, so that only the odd one is left out.

        What is left out stays in the inbox, to be seen and replayed; it must not hold up the
        events of everybody else.
        """
        try:
            await self._apply(ids)
        except StoreDownError:
            raise
        except Exception:  # noqa: BLE001 - the task runner: one record's fault must not stop the others
            if len(ids) > 1:
                for each in ids:
                    await self._apply_whole([each])
                return
            self._log.exception("events could not be applied", generation=ids[0])
            self._alerts.alert("quarantined", f"events of {ids[0]} could not be applied")
            self._done(ids[0], tuple(self._pending[ids[0]]), None, "quarantined")

    async def _apply(self, ids: Sequence[GenerationId]) -> None:
        """Fold and write; what lost its race stays for the next turn."""
        found = await self._records.many(ids)
        taken = {each: tuple(self._pending[each]) for each in ids}
        writes, verdicts = list[Write](), dict[GenerationId, tuple[Verdict, ...]]()
        for generation_id, waiting in taken.items():
            generation = found.get(generation_id)
            if generation is not None:
                heard = self._heard(generation, waiting)
                verdicts[generation_id] = heard.verdicts
                if heard.generation is not generation:
                    writes.append(Write(generation, heard.generation))
        lost = await self._records.change_all(writes)
        moment = monotonic()
        for write in writes:
            self._remember(write.before.id, moment)
        for generation_id, waiting in taken.items():
            if generation_id not in lost:
                self._done(generation_id, waiting, verdicts.get(generation_id))

    def _heard(self, generation: Generation, waiting: Sequence[_Pending]) -> runs.Heard:
        now = self._clock.now()
        return runs.hear(
            generation,
            [each.event for each in waiting],
            now=now,
            timing=self._timing,
            taker=self._taking.taker(now),
        )

    def _done(
        self,
        generation_id: GenerationId,
        waiting: Sequence[_Pending],
        verdicts: tuple[Verdict, ...] | None,
        otherwise: str = "orphan",
    ) -> None:
        rest = self._pending.pop(generation_id)[len(waiting) :]
        if rest:
            self._pending[generation_id] = rest
        now = self._clock.now()
        for index, (batch_id, event) in enumerate(waiting):
            verdict = verdicts[index].value if verdicts else otherwise
            self._metrics.verdict(event.engine, verdict)
            self._metrics.applied_lag((now - event.received_at).total_seconds())
            self._left[batch_id] -= 1
            if self._left[batch_id] == 0:
                del self._left[batch_id]
                self._applied.append(batch_id)
        self._count -= len(waiting)
        self._metrics.waiting_events(self._count)
        if self._count <= ROOM:
            self._room.set()
        if otherwise == "orphan":
            self._warn(generation_id, verdicts)

    def _warn(self, generation_id: GenerationId, verdicts: tuple[Verdict, ...] | None) -> None:
        if verdicts is None:
            self._log.warning("event for a generation that is gone", generation=generation_id)
        elif Verdict.FOREIGN_RUN in verdicts:
            self._log.warning("event of a run that is not ours", generation=generation_id)

    def _remember(self, generation_id: GenerationId, moment: float) -> None:
        self._written[generation_id] = moment
        self._written.move_to_end(generation_id)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)


def _minor(event: RunEvent) -> bool:
    """Return whether an event tells of nothing but progress."""
    return event.status is RunStatus.RUNNING and event.live_status is not None and not event.outputs
