"""Discharge debts: do what a record owes, then take it off in the write that says so.

A debt is tried only under a claim, and never with less of it left than the try may take.
What a try found out is committed together with the acknowledgement, in one compare-and-set
that also checks that the claim still holds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog
from structlog.contextvars import bound_contextvars

from app.errors import (
    ContendedError,
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerRefusedError,
    PeerUnknownError,
    StoreDownError,
)
from app.observability.metrics import Metrics
from app.ports import Alerts
from app.usecases.circuits import Circuits
from app.usecases.records import Decide, Records
from app.usecases.taking import Taking
from processors import debts, runs
from schemas.base import GenerationId
from schemas.debt import CHAT, OUTWARD, Debt, DebtKind
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.timing import Timing

HANDS: Final = 32
"""Debts to engines under way at once in one process."""
CHAT_HANDS: Final = 64
"""Debts to chats under way at once: each may wait for its chat's turn."""
BACKLOG: Final = 128
"""Debts that may be claimed and wait for a hand."""
PAUSE: Final = 0.3
"""Seconds before another try while the database does not answer."""
UNSTOPPED: Final = frozenset({DebtKind.CANCEL, DebtKind.END})
"""Kinds whose tries are few and always counted: an end that is not confirmed in time stands
unconfirmed, and a cancel becomes ours to say, however long the engine is away."""
CONTENDED: Final = 20
"""Rounds of lost races after which a write is given up."""
STUCK: Final = 6
"""Failed tries of an inward debt after which somebody should know."""

Handler = Callable[[Generation, Debt], Awaitable[Decide | None]]
"""Do one debt of a record as last read; return what it changes, or None where the claim was
lost or the debt is to stay as it is. It may raise any PeerError."""


class Work(NamedTuple):
    """One debt to be done under a claim of ours."""

    generation_id: GenerationId
    key: str
    n: int


_Queue = asyncio.Queue[Work | None]


class Discharger:
    """This process's hands: everything it has claimed, done a few dozen at a time."""

    def __init__(
        self,
        records: Records,
        handlers: Mapping[DebtKind, Handler],
        *,
        taking: Taking,
        circuits: Circuits,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        self._records = records
        self._clock = records.clock
        self._handlers = handlers
        self._taking = taking
        self._circuits = circuits
        self._timing = timing
        self._metrics = metrics
        self._alerts = alerts
        self._log = structlog.get_logger()
        self._inward: _Queue = asyncio.Queue()
        self._chats: _Queue = asyncio.Queue()
        # A status message may wait seconds for its chat; an end must find a hand meanwhile.
        self._shows: _Queue = asyncio.Queue()
        self._under_way: set[Work] = set()

    def take(self, before: Generation | None, after: Generation) -> None:
        """Take up the debts that a write left claimed by this process."""
        known = {(debt.key, debt.n) for debt in before.owed} if before else set[object]()
        for debt in after.owed:
            if debt.by == self._taking.name and (debt.key, debt.n) not in known:
                self._queue(debt.kind).put_nowait(Work(after.id, debt.key, debt.n))

    def idle(self, kinds: frozenset[DebtKind]) -> int:
        """Return how many more debts of these kinds, all to chats or none, can be taken up."""
        return max(0, BACKLOG - max(self._queue(kind).qsize() for kind in kinds))

    async def run(self) -> None:
        """Do what is taken up, until `close`; then what is under way is finished."""
        async with asyncio.TaskGroup() as hands:
            for queue, count in self._shifts():
                for _ in range(count):
                    hands.create_task(self._hand(queue))

    def close(self) -> None:
        """Take up nothing more; what is queued goes back with the release of all claims."""
        for queue, count in self._shifts():
            while not queue.empty():
                queue.get_nowait()
            for _ in range(count):
                queue.put_nowait(None)

    async def claim(self, generation: Generation) -> None:
        """Claim what a record owes and this process may do; the claimed come by `take`."""

        def claimed(record: Generation, now: datetime) -> Generation:
            taker, owed = self._taking.taker(now), record.owed
            for debt in debts.due(owed, now, taker.kinds):
                if debt.by is not None:
                    self._metrics.debt_lost(debt.kind)
                owed = debts.claim(owed, debt.key, taker)
            return debts.put(record, owed) if owed != record.owed else record

        await self._records.change(generation.id, claimed)

    def _shifts(self) -> tuple[tuple[_Queue, int], ...]:
        return (self._inward, HANDS), (self._chats, CHAT_HANDS), (self._shows, CHAT_HANDS)

    def _queue(self, kind: DebtKind) -> _Queue:
        if kind is DebtKind.SHOW:
            return self._shows
        return self._chats if kind in CHAT else self._inward

    async def _hand(self, queue: _Queue) -> None:
        while (work := await queue.get()) is not None:
            if work in self._under_way:
                continue
            self._under_way.add(work)
            try:
                with bound_contextvars(generation=work.generation_id):
                    await self._do(work)
            except Exception as error:  # noqa: BLE001 - the task runner: one debt's fault must not stop the others
                self._log.exception("a debt could not be done", debt=work.key)
                self._metrics.debt_failed(work.key)
                await self._write(work, self._counted(work, type(error).__name__))
            finally:
                self._under_way.discard(work)

    async def _do(self, work: Work) -> None:
        """Try one debt once, and write what came of it however long the database takes."""
        while True:
            try:
                decide = await self._try(work)
                break
            except StoreDownError:
                # Handlers read and write only before they act, so the whole try is repeated.
                await asyncio.sleep(PAUSE)
        if decide is not None:
            await self._write(work, decide)

    async def _write(self, work: Work, decide: Decide) -> None:
        """Write what a try found out; a record that cannot be written waits for its claim's end."""
        for _ in range(CONTENDED):
            try:
                await self._written(work, decide)
            except ContendedError:
                await asyncio.sleep(PAUSE)
            else:
                return
        self._alerts.alert("contended", f"{work.generation_id}: {work.key} cannot be written")

    async def _written(self, work: Work, decide: Decide) -> None:
        while True:
            try:
                await self._records.change(work.generation_id, decide)
            except StoreDownError:
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _try(self, work: Work) -> Decide | None:
        generation = await self._records.generations.get(work.generation_id)
        debt = debts.find(generation.owed, work.key) if generation else None
        if generation is None or debt is None or not debts.held(generation.owed, *work[1:]):
            return None
        peer = "telegram" if debt.kind in CHAT else str(generation.engine)
        later = None if debt.kind in UNSTOPPED else self._circuits.closed_until(peer)
        if later is not None:
            return _postponed(work, later, "the peer is down")
        if debt.next_at - self._clock.now() < self._limit(debt.kind):
            # The renewed claim comes back by `take`, with its whole lease to spend.
            return self._renewed(work)
        try:
            decide = await self._handlers[debt.kind](generation, debt)
        except PeerError as error:
            failed = self._failed(work, debt, peer, error)
            # Found never sent, and surely not taken now: it may be sent again.
            sent_first = generation.status is RunStatus.PENDING and work.key == runs.SUBMIT
            return _unsent(failed, work) if sent_first else failed
        if debt.kind in CHAT:
            self._circuits.worked(peer)
        self._metrics.debt_done(debt.kind)
        return decide

    def _limit(self, kind: DebtKind) -> timedelta:
        if kind is DebtKind.SUBMIT:
            return self._timing.submit_limit
        return self._timing.send_limit if kind in CHAT else self._timing.call_limit

    def _renewed(self, work: Work) -> Decide:
        def renewed(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, work.key, work.n):
                return record
            taker = self._taking.taker(now)
            return debts.put(record, debts.claim(record.owed, work.key, taker))

        return renewed

    def _failed(self, work: Work, debt: Debt, peer: str, error: PeerError) -> Decide:
        """Decide what a failed try means: whose fault it was, and when it is tried again."""
        self._log.info("a debt failed", debt=debt.key, reason=error.reason, error=str(error))
        self._metrics.debt_failed(debt.kind)
        at = self._blameless(work, peer, error)
        if at is not None and debt.kind not in UNSTOPPED:
            return _postponed(work, at, str(error))
        if isinstance(error, PeerRefusedError) and debt.kind in OUTWARD:
            return lambda record, now: debts.put(
                record, debts.bury(record.owed, work.key, work.n, error=str(error), now=now)
            )
        if debt.kind not in OUTWARD and debt.attempts + 1 >= STUCK:
            self._alerts.alert(f"{debt.kind}_stuck", f"{work.generation_id}: {error}")
        return self._counted(work, str(error))

    def _blameless(self, work: Work, peer: str, error: PeerError) -> datetime | None:
        """Return when to try again where the try failed through no fault of the debt's own."""
        if isinstance(error, PeerDownError):
            return self._circuits.failed(peer, str(error))
        if isinstance(error, PeerBusyError) and error.retry_after is not None:
            return self._clock.now() + error.retry_after
        if isinstance(error, PeerBusyError | PeerUnknownError):
            return self._circuits.struggled(peer, (work.generation_id, work.key), str(error))
        self._circuits.worked(peer)
        return None

    def _counted(self, work: Work, error: str) -> Decide:
        jitter = self._clock.jitter()

        def counted(record: Generation, now: datetime) -> Generation:
            owed = debts.fail(
                record.owed,
                work.key,
                work.n,
                error=error,
                now=now,
                jitter=jitter,
                timing=self._timing,
            )
            return debts.put(record, owed)

        return counted


def _postponed(work: Work, at: datetime, why: str) -> Decide:
    return lambda record, _: debts.put(
        record, debts.postpone(record.owed, work.key, work.n, at, why)
    )


def _unsent(failed: Decide, work: Work) -> Decide:
    """A submit that surely did not arrive can be sent again, if nobody has sent it since."""

    def unsent(record: Generation, now: datetime) -> Generation:
        after = failed(record, now)
        return runs.unsent(after, now) if debts.held(record.owed, work.key, work.n) else after

    return unsent
