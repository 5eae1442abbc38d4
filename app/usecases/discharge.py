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

from app.errors import (
    ContendedError,
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerRefusedError,
    PeerUnknownError,
    StoreDownError,
)
from app.observability.logs import about
from app.observability.metrics import Metrics
from app.ports import Alerts
from app.usecases.circuits import Circuits
from app.usecases.records import Decide, Records
from app.usecases.taking import INWARD, Taking
from processors import debts, runs
from schemas.base import GenerationId, RunId
from schemas.debt import CHAT, OUTWARD, Debt, DebtKind
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.timing import Timing


class Line(NamedTuple):
    """Kinds of debt that wait in one line, and how many are done at once in one process."""

    kinds: frozenset[DebtKind]
    hands: int


LINES: Final = (
    # A submit may take its minute; an end must find a hand meanwhile.
    Line(frozenset({DebtKind.SUBMIT}), 32),
    Line(INWARD - {DebtKind.SUBMIT, DebtKind.KEEP}, 32),
    # A copy takes a while, and up to 10 MB of memory.
    Line(frozenset({DebtKind.KEEP}), 8),
    # A status message may wait seconds for its chat; here, too, an end must find a hand.
    Line(frozenset({DebtKind.NOTIFY}), 64),
    Line(frozenset({DebtKind.SHOW}), 64),
)
BACKLOG: Final = 128
"""Debts that may be claimed and wait in one line."""
PAUSE: Final = 0.3
"""Seconds before another try while the database does not answer."""
UNSTOPPED: Final = frozenset({DebtKind.CANCEL, DebtKind.END})
"""Kinds whose tries are few and counted however long the engine is away: an end that is not
confirmed in time stands unconfirmed, and a cancel becomes ours to say. Only a wait that the
engine itself names is kept, and counts no try."""
UNWATCHED: Final = CHAT | {DebtKind.KEEP}
"""Kinds whose peer is not watched call by call: that one was done says that it works."""
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
    run: RunId | None


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
        self._queues: dict[Line, _Queue] = {line: asyncio.Queue() for line in LINES}
        self._under_way: set[Work] = set()

    def take(self, before: Generation | None, after: Generation) -> None:
        """Take up the debts that a write left claimed by this process."""
        known = {(debt.key, debt.n) for debt in before.owed} if before else set[object]()
        for debt in after.owed:
            if debt.by == self._taking.name and (debt.key, debt.n) not in known:
                work = Work(after.id, debt.key, debt.n, after.metadata.run_id)
                self._queue(debt.kind).put_nowait(work)

    def idle(self, kinds: frozenset[DebtKind]) -> int:
        """Return how many more debts of these kinds, all of one line, can be taken up."""
        return max(0, BACKLOG - max(self._queue(kind).qsize() for kind in kinds))

    async def run(self) -> None:
        """Do what is taken up, until `close`; then what is under way is finished."""
        async with asyncio.TaskGroup() as hands:
            for line, queue in self._queues.items():
                for _ in range(line.hands):
                    hands.create_task(self._hand(queue))

    def close(self) -> None:
        """Take up nothing more; what is queued goes back with the release of all claims."""
        for line, queue in self._queues.items():
            while not queue.empty():
                queue.get_nowait()
            for _ in range(line.hands):
                queue.put_nowait(None)

    async def claim(self, generation: Generation, kinds: frozenset[DebtKind]) -> None:
        """Claim what a record owes of these kinds, if this process may; it comes by `take`."""

        def claimed(record: Generation, now: datetime) -> Generation:
            taker, owed = self._taking.taker(now), record.owed
            for debt in debts.due(owed, now, kinds & taker.kinds):
                if debt.by is not None:
                    self._metrics.debt_lost(debt.kind)
                owed = debts.claim(owed, debt.key, taker)
            return debts.put(record, owed) if owed != record.owed else record

        await self._records.change(generation.id, claimed)

    def _queue(self, kind: DebtKind) -> _Queue:
        return next(queue for line, queue in self._queues.items() if kind in line.kinds)

    async def _hand(self, queue: _Queue) -> None:
        while (work := await queue.get()) is not None:
            if work in self._under_way:
                continue
            self._under_way.add(work)
            try:
                with about(work.generation_id, work.run):
                    await self._guarded(work)
            finally:
                self._under_way.discard(work)

    async def _guarded(self, work: Work) -> None:
        """Do a debt; a fault of its own does not stop the others."""
        try:
            await self._do(work)
        except Exception as error:  # noqa: BLE001 - the task runner: one debt's fault must not stop the others
            self._log.exception("a debt could not be done", debt=work.key)
            self._metrics.debt_failed(work.key)
            await self._give_back(work, type(error).__name__)

    async def _give_back(self, work: Work, why: str) -> None:
        try:
            await self._write(work, self._counted(work, why))
        except Exception:  # noqa: BLE001 - as above; once its claim has run out it is anybody's
            self._log.exception("a debt that failed could not be given back", debt=work.key)
            self._alerts.alert("debt_broken", f"{work.generation_id}: {work.key}, {why}")

    async def _do(self, work: Work) -> None:
        """Try one debt once, and write what came of it however long the database takes."""
        while True:
            try:
                seen = await self._seen(work)
                decide = await self._try(work, seen)
                break
            except StoreDownError:
                # Handlers read and write only before they act, so the whole try is repeated.
                await asyncio.sleep(PAUSE)
        if decide is not None:
            # Other handlers may have written meanwhile, before they acted.
            await self._write(work, decide, seen if work.key == runs.END else None)

    async def _write(self, work: Work, decide: Decide, seen: Generation | None = None) -> None:
        """Write what a try found out; a record that cannot be written waits for its claim's end."""
        for _ in range(CONTENDED):
            try:
                await self._written(work, decide, seen)
            except ContendedError:
                await asyncio.sleep(PAUSE)
            else:
                return
        self._alerts.alert("contended", f"{work.generation_id}: {work.key} cannot be written")

    async def _written(self, work: Work, decide: Decide, seen: Generation | None) -> None:
        while True:
            try:
                after = await self._records.change(work.generation_id, decide, seen)
            except StoreDownError:
                await asyncio.sleep(PAUSE)
            else:
                self._mourn(work, after)
                return

    def _mourn(self, work: Work, after: Generation | None) -> None:
        """Have somebody know of a debt that this try was the last of."""
        debt = debts.find(after.owed, work.key) if after else None
        if debt is not None and debt.dead_at is not None and debt.n == work.n:
            why = debt.last_error or "given up"
            self._alerts.alert("debt_dead", f"{work.generation_id}: {work.key}, {why}")

    async def _seen(self, work: Work) -> Generation | None:
        """Return the record that a debt is of.

        Asking the engine about an end does no harm if it was written meanwhile. So that record
        need not be read, as others are before anything is sent.
        """
        known = self._records.remembered(work.generation_id) if work.key == runs.END else None
        if known is not None and debts.held(known.owed, work.key, work.n):
            return known
        return await self._records.generations.get(work.generation_id)

    async def _try(self, work: Work, generation: Generation | None) -> Decide | None:
        debt = debts.find(generation.owed, work.key) if generation else None
        if generation is None or debt is None or not debts.held(generation.owed, work.key, work.n):
            return None
        peer = peer_of(generation, debt)
        later = None if self._pressing(generation, debt) else self._circuits.closed_until(peer)
        if later is not None:
            return _postponed(work, later, "the peer is down")
        if debt.next_at - self._clock.now() < self._limit(debt.kind):
            # The renewed claim comes back by `take`, with its whole lease to spend.
            return self._taking.renewed(work.key, work.n)
        try:
            decide = await self._handlers[debt.kind](generation, debt)
        except PeerError as error:
            failed = self._failed(work, debt, peer, error)
            # Found never sent, and surely not taken now: it may be sent again.
            sent_first = generation.status is RunStatus.PENDING and work.key == runs.SUBMIT
            return _unsent(failed, work) if sent_first else failed
        if debt.kind in UNWATCHED:
            self._circuits.worked(peer)
        self._metrics.debt_done(debt.kind)
        return decide

    def _pressing(self, generation: Generation, debt: Debt) -> bool:
        """Return whether a debt is tried though its peer is down: its time limit is past.

        Then it is its handler's to say so, answer or none; a submit, a run or an order must not
        wait in silence for as long as a peer is away.
        """
        if debt.kind in UNSTOPPED:
            return True
        if debt.kind not in {DebtKind.SUBMIT, DebtKind.ASK}:
            return False
        now, sent = self._clock.now(), generation.status is RunStatus.SUBMITTING
        sought = sent and now >= runs.sought_until(generation, self._timing)
        return sought or runs.overdue(generation, now, self._timing)

    def _limit(self, kind: DebtKind) -> timedelta:
        if kind is DebtKind.SUBMIT:
            return self._timing.submit_limit
        if kind is DebtKind.KEEP:
            return self._timing.keep_limit
        return self._timing.send_limit if kind in CHAT else self._timing.call_limit

    def _failed(self, work: Work, debt: Debt, peer: str, error: PeerError) -> Decide:
        """Decide what a failed try means: whose fault it was, and when it is tried again."""
        self._log.info("a debt failed", debt=debt.key, reason=error.reason, error=str(error))
        self._metrics.debt_failed(debt.kind)
        if isinstance(error, PeerBusyError) and error.retry_after is not None:
            return _postponed(work, self._clock.now() + error.retry_after, str(error))
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
        if isinstance(error, PeerBusyError | PeerUnknownError):
            if work.key not in CHAT:
                # The engine is watched: what it did is noted already.
                return self._circuits.closed_until(peer)
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


def peer_of(generation: Generation, debt: Debt) -> str:
    """Return whom a debt depends on: while that one is down, it waits."""
    if debt.kind is DebtKind.KEEP:
        return "storage"
    return "telegram" if debt.kind in CHAT else str(generation.engine)


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
