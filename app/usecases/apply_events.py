"""Apply events: fold what was heard of each run, one compare-and-set per generation.

Any order and any repetition give the same record, so no ownership is needed: whoever finds
an unapplied batch applies it. A batch is marked once the last of its events is applied; a
crash before that only means that they are applied again.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Final

import structlog

from app.clock import Clock
from app.errors import StoreDownError
from app.observability.logs import about
from app.observability.metrics import Metrics
from app.ports import Alerts, Inbox, Write
from app.usecases.contradictions import Contradictions
from app.usecases.records import Records
from app.usecases.strange_words import StrangeWords
from app.usecases.taking import Taking
from app.usecases.waiting_events import WaitingEvent, WaitingEvents, is_minor
from processors import runs
from processors.runs import Heard, Verdict
from schemas.base import GenerationId, RunId
from schemas.generation import Generation
from schemas.run import Batch, RunEvent
from schemas.timing import Timing

TURN: Final = 64
"""Generations written at once."""
BREATH: Final = 16
"""Generations decided before whoever else waits for the loop has a turn of it."""
MARKS: Final = 64
"""Batches marked at once."""
ROOM: Final = 2_000
"""Events that may wait to be applied before the next commit waits."""
BUSY: Final = ROOM // 8
"""Events that wait above which a run's progress is written half as often: each write then has
twice as many events, and costs nearly the same."""
PRESSED: Final = ROOM * 9 // 10
"""Events that wait above which progress is not spaced out any more."""
ORPHAN: Final = "orphan"
QUARANTINED: Final = "quarantined"
"""Verdicts on events without a record, and on those that could not be applied to theirs."""
PAUSE: Final = 0.2
"""Seconds before another try while the database does not answer."""


class Applier:
    """Everything accepted and not applied, by generation.

    Attributes:
        applied: How many events were applied since the start.
    """

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
        self._strange = StrangeWords("webhook")
        self._contradictions = Contradictions()
        self._pending = WaitingEvents()
        # Those of the pending that may be written now. Used as an ordered set, as is the next.
        self._ripe: dict[GenerationId, None] = {}
        # When those were written whose progress is not to be written again yet.
        self._spaced: dict[GenerationId, float] = {}
        self._refused: dict[GenerationId, int] = {}
        """Of records whose writes were lost just now: the versions that they were on."""
        self._left: dict[str, int] = {}
        self._applied: list[str] = []
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._moved = asyncio.Event()
        self.applied = 0

    def add(self, batch: Batch, events: Sequence[RunEvent]) -> None:
        """Take up a stored batch, its events translated; one that is known already is left."""
        if batch.id in self._left:
            return
        self._left[batch.id] = len(events)
        if not events:
            self._applied.append(batch.id)
        for event in events:
            self._pending.accept(batch.id, event)
            self._noted(event)
        self._stirred()

    def hear(self, event: RunEvent) -> None:
        """Take up an event that we fetched ourselves; it lies in no inbox."""
        self._pending.fetch(event)
        self._noted(event)
        self._stirred()

    @property
    def known(self) -> Collection[str]:
        """The batches that this process has taken up and not marked."""
        return self._left.keys()

    @property
    def waiting(self) -> int:
        """How many events wait, and take up memory."""
        return self._pending.number

    @property
    def has_room(self) -> bool:
        """Whether few enough events wait."""
        return self._room.is_set()

    async def room(self) -> None:
        """Return when few enough events wait."""
        await self._room.wait()

    def busy(self, family: Collection[str] | None = None) -> bool:
        """Return whether anything waits to be applied or marked, of these generations or of all."""
        if family is None:
            return bool(self._pending or self._applied)
        return bool(self._applied) or any(each in self._pending for each in family)

    async def quiet(self, family: Collection[str] | None = None) -> None:
        """Return once nothing waits to be applied or marked, of these generations or of all."""
        while self.busy(family):
            self._moved.clear()
            await self._moved.wait()

    async def run(self) -> None:
        """Apply what is there until `close`, and then what is left."""
        down = False
        while not (self._closing and not self._pending and not self._applied):
            try:
                await self._turn()
            except StoreDownError as error:
                if not down:
                    self._log.warning(
                        "events wait for the database", waiting=self.waiting, error=str(error)
                    )
                down = True
                await asyncio.sleep(PAUSE)
            else:
                down = False

    def close(self) -> None:
        """Let `run` end once nothing waits."""
        self._closing = True
        self._wake.set()

    async def _turn(self) -> None:
        """Apply what is ready, mark what is done, and wait where there is nothing."""
        # Before looking, so that what comes while batches are marked is not slept over.
        self._wake.clear()
        ready = self._ready()
        if ready:
            await self._apply_whole(ready)
            self._moved.set()
        if self._applied and (len(self._applied) >= MARKS or not ready):
            await self._mark()
            self._moved.set()
        if not ready and not self._applied:
            await self._rest()

    async def _mark(self) -> None:
        """Mark the batches that are done with; one that a sweep finds before brings no news."""
        marks = tuple(self._applied)
        await self._inbox.mark_applied(marks)
        del self._applied[: len(marks)]
        for batch_id in marks:
            del self._left[batch_id]

    async def _rest(self) -> None:
        """Wait for events; where only spaced-out progress waits, no longer than its spacing."""
        limit = self._timing.progress_every.total_seconds() / 4 if self._pending else None
        try:
            async with asyncio.timeout(0 if self._closing else limit):
                await self._wake.wait()
        except TimeoutError:
            return

    def _noted(self, event: RunEvent) -> None:
        """Have an event that waits now written, at once unless it is spaced out."""
        if event.unknown_status is not None:
            self._strange.heard(event.engine, event.unknown_status)
        if event.generation_id not in self._spaced or not is_minor(event):
            self._ripe[event.generation_id] = None

    def _stirred(self) -> None:
        self._metrics.waiting_events(self.waiting)
        if self._pending.accepted > ROOM:
            self._room.clear()
        self._wake.set()

    def _ready(self) -> list[GenerationId]:
        """Return the generations to be written now, the longest waiting first."""
        self._ripen()
        # Where room runs short, nothing waits for its time.
        pressed = self._closing or self._pending.accepted > PRESSED
        return list(islice(self._pending if pressed else self._ripe, TURN))

    def _ripen(self) -> None:
        """Let those be written again whose last write is long enough ago."""
        spacing = self._timing.progress_every.total_seconds() * (
            2 if self._pending.accepted > BUSY else 1
        )
        since = asyncio.get_running_loop().time() - spacing
        while self._spaced:
            generation_id, written = next(iter(self._spaced.items()))
            if written > since:
                return
            del self._spaced[generation_id]
            if generation_id in self._pending:
                self._ripe[generation_id] = None

    async def _apply_whole(self, ids: Sequence[GenerationId]) -> None:
        """Apply all at once; where that fails, one by one, so that only the odd one is left out.

        What is left out stays in the inbox, not marked: it must not hold up the events of
        everybody else, and is tried again after the next start.
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
            with about(ids[0], _run_of(self._pending.of(ids[0]))):
                self._log.exception("events could not be applied")
            self._alerts.alert("quarantined", f"events of {ids[0]} could not be applied")
            self._finish({ids[0]: self._pending.of(ids[0])}, {}, QUARANTINED)

    async def _apply(self, ids: Sequence[GenerationId]) -> None:
        """Fold and write; what lost its race stays for the next turn."""
        known, found = await self._found(ids)
        taken = {each: self._pending.of(each) for each in ids}
        now = self._clock.now()
        taker = self._taking.taker(now)
        writes, heard = list[Write[Generation]](), dict[GenerationId, Heard]()
        for generation_id, generation in found.items():
            events = self._believed(generation, [each.event for each in taken[generation_id]])
            told = runs.hear(generation, events, now=now, timing=self._timing, taker=taker)
            if told.generation is not generation:
                writes.append(Write(generation, told.generation))
            elif generation_id in known:
                # No news to a record that may be out of date: it is read, and heard again.
                self._records.forget(generation_id)
                del taken[generation_id]
            heard[generation_id] = told
            self._contradictions.look(generation, told.generation, events)
            if len(heard) % BREATH == 0:
                await asyncio.sleep(0)
        lost = await self._records.change_all(writes)
        self._refused = {
            each.before.id: each.before.version for each in writes if each.before.id in lost
        }
        moment = asyncio.get_running_loop().time()
        for write in writes:
            self._spaced.pop(write.before.id, None)
            self._spaced[write.before.id] = moment
        self._finish({each: events for each, events in taken.items() if each not in lost}, heard)

    def _believed(self, generation: Generation, events: Sequence[RunEvent]) -> list[RunEvent]:
        """Return events as they are to be heard.

        A write that was lost to nobody, for the record is as it was, named a run that serves
        another: a run has one name, and whoever wrote it first has it. So that is looked into.
        """
        if self._refused.get(generation.id) != generation.version:
            return list(events)
        return [each._replace(vouched=False) for each in events]

    async def _found(
        self, ids: Sequence[GenerationId]
    ) -> tuple[frozenset[GenerationId], Mapping[GenerationId, Generation]]:
        """Return the records, and which of them are remembered instead of read."""
        known = {each: record for each in ids if (record := self._records.remembered(each))}
        unknown = [each for each in ids if each not in known]
        found = {**known, **(await self._records.many(unknown))} if unknown else known
        return frozenset(known), found

    def _finish(
        self,
        done: Mapping[GenerationId, Sequence[WaitingEvent]],
        heard: Mapping[GenerationId, Heard],
        otherwise: str = ORPHAN,
    ) -> None:
        """Take off what was applied and count it: by its verdict, or as `otherwise` without one."""
        now, counted = self._clock.now(), Counter[tuple[str, str]]()
        for generation_id, waiting in done.items():
            told = heard.get(generation_id)
            self._take_off(generation_id, waiting, applied=otherwise != QUARANTINED)
            for index, each in enumerate(waiting):
                counted[each.event.engine, told.verdicts[index] if told else otherwise] += 1
            oldest = min(each.event.received_at for each in waiting)
            self._metrics.applied_lag((now - oldest).total_seconds())
            if otherwise == ORPHAN:
                self._warn(generation_id, told, waiting)
        for (engine, verdict), number in counted.items():
            self._metrics.verdict(engine, verdict, number)
        self.applied += counted.total()
        self._metrics.waiting_events(self.waiting)
        if self._pending.accepted <= ROOM:
            self._room.set()

    def _take_off(
        self, generation_id: GenerationId, waiting: Sequence[WaitingEvent], *, applied: bool
    ) -> None:
        """Forget what was done with; what came meanwhile, or in its place, goes on waiting.

        A batch with events that were not `applied` is never marked.
        """
        rest = self._pending.take_off(generation_id, waiting)
        self._ripe.pop(generation_id, None)
        spaced = generation_id in self._spaced and all(is_minor(each.event) for each in rest)
        if rest and not spaced:
            self._ripe[generation_id] = None
        for each in waiting if applied else ():
            if each.batch_id is None:
                continue
            self._left[each.batch_id] -= 1
            if self._left[each.batch_id] == 0:
                self._applied.append(each.batch_id)

    def _warn(
        self, generation_id: GenerationId, told: Heard | None, waiting: Sequence[WaitingEvent]
    ) -> None:
        if told is None:
            with about(generation_id, _run_of(waiting)):
                self._log.warning("event for a generation that is gone")
        elif Verdict.FOREIGN_RUN in told.verdicts:
            foreign = waiting[told.verdicts.index(Verdict.FOREIGN_RUN)].event.run_id
            with about(generation_id, told.generation.metadata.run_id):
                self._log.warning("event of a run that is not ours", foreign=foreign)


def _run_of(waiting: Sequence[WaitingEvent]) -> RunId | None:
    """Return the run that events are of, as they say themselves."""
    return next((run for each in waiting if (run := each.event.run_id) is not None), None)
