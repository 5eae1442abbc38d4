"""Take up debts: claim one, do it once, write what came of it. For records of any kind.

A debt is tried only under a claim, and never with less of it left than the try may take.
What a try found out is committed together with the acknowledgement, in one compare-and-set
that also checks that the claim still holds.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Generic, NamedTuple

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
from app.ports import Alerts, OwingT
from app.usecases.circuits import Circuits
from app.usecases.records import DecideOf, RecordsOf
from app.usecases.taking import Taking
from processors import debts
from schemas.base import InstanceName, RunId
from schemas.debt import CHAT, MANY_TRIES, OUTWARD, Debt, DebtKind
from schemas.timing import Timing


class Line(NamedTuple):
    """Kinds of debt that wait in one line, and how many are done at once in one process."""

    kinds: frozenset[DebtKind]
    hands: int


BACKLOG: Final = 128
"""Debts that may be claimed and wait in one line."""
PAUSE: Final = 0.3
"""Seconds before another try while the database does not answer."""
CONTENDED: Final = 20
"""Rounds of lost races after which a write is given up."""
TELEGRAM: Final = "telegram"
"""The peer that debts to chats depend on."""

UNSTOPPED: Final = frozenset({DebtKind.CANCEL, DebtKind.END})
"""Kinds whose tries are few and counted however long the engine is away: an end that is not
confirmed in time stands unconfirmed, and a cancel becomes ours to say. Only a wait that the
engine itself names is kept, and counts no try."""

HandlerOf = Callable[[OwingT, Debt], Awaitable[DecideOf[OwingT] | None]]
"""Do one debt of a record as last read; return what it changes, or None where the claim was
lost or the debt is to stay as it is. It may raise any PeerError."""


class Work(NamedTuple):
    """One debt to be done under a claim of ours."""

    record_id: str
    key: str
    n: int
    run: RunId | None


_Queue = asyncio.Queue[Work | None]


class Hands(Generic[OwingT]):
    """This process's hands for records of one kind: what it has claimed, some at a time.

    Args:
        records: Whose debts.
        handlers: What does each kind of debt.
        lines: Kinds that wait in one line, and how many are done at once.
        called: What a record of this kind is called in the log.

    Attributes:
        taken: How many claims were taken up since the start.
        done: How many debts of each kind were done.
        failures: How many tries failed.
    """

    _unwatched: ClassVar[frozenset[DebtKind]] = CHAT
    """Kinds whose peer is not watched call by call: that one was done says that it works."""
    _blaming: ClassVar[frozenset[DebtKind]] = CHAT
    """Kinds whose failures are noted here, since nobody else notes them for their peer."""

    _as_left: ClassVar[frozenset[DebtKind]] = frozenset()
    """Kinds that are tried on the record as the write that claimed them has left it: what has
    changed since does them no harm, and what they write is written on the record as it is."""

    def __init__(
        self,
        records: RecordsOf[OwingT],
        handlers: Mapping[DebtKind, HandlerOf[OwingT]],
        *,
        lines: Sequence[Line],
        called: str,
        taking: Taking,
        circuits: Circuits,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        self.records: Final = records
        self._clock = records.clock
        self._handlers = handlers
        self._called = called
        self._taking = taking
        self._circuits = circuits
        self._timing = timing
        self._metrics = metrics
        self._alerts = alerts
        self._log = structlog.get_logger()
        self._queues: dict[Line, _Queue] = {line: asyncio.Queue() for line in lines}
        self._under_way: set[Work] = set()
        self._left = dict[Work, OwingT]()
        # How many debts of each record are claimed and not done yet, and how many of them somebody
        # waits for: a state is shown when its chat has its turn, and a newer one will do as well.
        self._held = Counter[str]()
        self._awaited = Counter[str]()
        self._moved = asyncio.Event()
        self.done: Final = Counter[DebtKind]()
        self.taken = self.failures = 0

    async def any_due(self) -> bool:
        """Return whether anything is due that this process, or the bot's sender, could take up.

        Raises:
            StoreDownError: The database does not answer.
        """
        kinds = self._taking.kinds()
        return bool(kinds) and await self.records.kept.any_due(self._clock.now(), kinds | CHAT)

    async def take_up(self, line: Line) -> Sequence[OwingT]:
        """Return the records that owe something of a line which can be claimed now.

        Raises:
            StoreDownError: The database does not answer.
        """
        kinds = line.kinds & self._taking.kinds()
        idle = self.idle(kinds) if kinds else 0
        return await self.records.kept.due(self._clock.now(), kinds, idle) if idle else ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that debts wait in."""
        return tuple(self._queues)

    async def release(self, instance: InstanceName) -> int:
        """Give back every claim of a process that is gone; return how many records had any."""
        until = self._clock.now() + self._timing.lease
        found = await self.records.kept.claimed(instance, until)
        for record in found:
            await self.records.change(record.id, _released(instance))
        return len(found)

    def take(self, before: OwingT | None, after: OwingT) -> None:
        """Take up the debts that a write left claimed by this process."""
        known = {(debt.key, debt.n) for debt in before.owed} if before else set[object]()
        for debt in after.owed:
            if debt.by == self._taking.name and (debt.key, debt.n) not in known:
                work = Work(after.id, debt.key, debt.n, self._run_of(after))
                self.taken += 1
                self._held[work.record_id] += 1
                self._awaited[work.record_id] += work.key != DebtKind.SHOW
                if debt.kind in self._as_left:
                    self._left[work] = after
                self._queue(debt.kind).put_nowait(work)

    def idle(self, kinds: frozenset[DebtKind]) -> int:
        """Return how many more debts of these kinds, all of one line, can be taken up."""
        return max(0, BACKLOG - max(self._queue(kind).qsize() for kind in kinds))

    def busy(self, family: Collection[str] | None = None) -> bool:
        """Return whether anything is claimed and not done yet, of these records or of all.

        Of some records, only what somebody may wait for: not that a state is shown.
        """
        if family is None:
            return bool(self._held)
        return any(self._awaited[each] for each in family)

    async def quiet(self, family: Collection[str] | None = None) -> None:
        """Return once nothing is claimed and not done yet, of some records or of all, as `busy`."""
        while self.busy(family):
            await self._move()

    async def room(self, kinds: frozenset[DebtKind]) -> None:
        """Return once more debts of these kinds, all of one line, can be taken up."""
        while not self.idle(kinds):
            await self._move()

    async def give_back(self) -> int:
        """Give back what is claimed and was not begun; return how many debts that were.

        Raises:
            StoreDownError: The database does not answer: the claims run out by themselves.
        """
        left = self._emptied()
        now = self._clock.now()
        for work in left:
            await self.records.change(work.record_id, _postponed(work, now, None))
        return len(left)

    async def run(self) -> None:
        """Do what is taken up, until `close`; then what is under way is finished."""
        async with asyncio.TaskGroup() as hands:
            for line, queue in self._queues.items():
                for _ in range(line.hands):
                    hands.create_task(self._hand(queue))

    def close(self) -> None:
        """Take up nothing more; what is queued goes back with the release of all claims."""
        self._emptied()
        for line, queue in self._queues.items():
            for _ in range(line.hands):
                queue.put_nowait(None)

    async def claim(self, record_id: str, kinds: frozenset[DebtKind]) -> None:
        """Claim what a record owes of these kinds, if this process may; it comes by `take`."""

        def claimed(record: OwingT, now: datetime) -> OwingT:
            taker, owed = self._taking.taker(now), record.owed
            for debt in debts.due(owed, now, kinds & taker.kinds):
                if debt.by is not None:
                    self._metrics.debt_lost(debt.kind)
                owed = debts.claim(owed, debt.key, taker)
            return debts.put(record, owed) if owed != record.owed else record

        await self.records.change(record_id, claimed)

    def _emptied(self) -> list[Work]:
        """Take everything out of the lines that was not begun, and return it."""
        left = list[Work]()
        for queue in self._queues.values():
            while not queue.empty():
                work = queue.get_nowait()
                if work is not None:
                    left.append(work)
                    self._over(work)
        return left

    def _over(self, work: Work) -> None:
        """Note that something claimed is not ours to do any more."""
        self._left.pop(work, None)
        self._held[work.record_id] -= 1
        self._awaited[work.record_id] -= work.key != DebtKind.SHOW
        if not self._held[work.record_id]:
            del self._held[work.record_id], self._awaited[work.record_id]
        self._moved.set()

    async def _move(self) -> None:
        """Wait until something is not ours to do any more."""
        self._moved.clear()
        await self._moved.wait()

    def _queue(self, kind: DebtKind) -> _Queue:
        return next(queue for line, queue in self._queues.items() if kind in line.kinds)

    async def _hand(self, queue: _Queue) -> None:
        while (work := await queue.get()) is not None:
            if work in self._under_way:
                self._over(work)
                continue
            self._under_way.add(work)
            try:
                with about(work.record_id, work.run, kind=self._called):
                    await self._guarded(work)
            finally:
                self._under_way.discard(work)
                self._over(work)

    async def _guarded(self, work: Work) -> None:
        """Do a debt; a fault of its own does not stop the others."""
        try:
            await self._do(work)
        except Exception as error:  # noqa: BLE001 - the task runner: one debt's fault must not stop the others
            self._log.exception("a debt could not be done", debt=work.key)
            self._metrics.debt_failed(work.key)
            self.failures += 1
            await self._give_back(work, type(error).__name__)

    async def _give_back(self, work: Work, why: str) -> None:
        try:
            after = await self._write(work, self._counted(work, why))
            debt = debts.find(after.owed, work.key) if after else None
            if debt is not None and debt.kind not in OUTWARD and debt.attempts >= MANY_TRIES:
                self._alerts.alert(f"{debt.kind}_stuck", f"{work.record_id}: {why}")
        except Exception:  # noqa: BLE001 - as above; once its claim has run out it is anybody's
            self._log.exception("a debt that failed could not be given back", debt=work.key)
            self._alerts.alert("debt_broken", f"{work.record_id}: {work.key}, {why}")

    async def _do(self, work: Work) -> None:
        """Try one debt once, and write what came of it however long the database takes."""
        while True:
            try:
                work, seen = await self._lasting(work, await self._seen(work))
                decide = await self._try(work, seen)
                break
            except StoreDownError:
                # Handlers read and write only before they act, so the whole try is repeated.
                await asyncio.sleep(PAUSE)
        if decide is not None:
            await self._write(work, decide, self._written_on(work, seen))

    async def _write(
        self, work: Work, decide: DecideOf[OwingT], seen: OwingT | None = None
    ) -> OwingT | None:
        """Write what a try found out; a record that cannot be written waits for its claim's end.

        Returns:
            The record as it then is; None where it was not written, or is not there.
        """
        for _ in range(CONTENDED):
            try:
                return await self._written(work, decide, seen)
            except ContendedError:
                await asyncio.sleep(PAUSE)
        self._alerts.alert("contended", f"{work.record_id}: {work.key} cannot be written")
        return None

    async def _written(
        self, work: Work, decide: DecideOf[OwingT], seen: OwingT | None
    ) -> OwingT | None:
        while True:
            try:
                after = await self.records.change(work.record_id, decide, seen)
            except StoreDownError:
                await asyncio.sleep(PAUSE)
            else:
                self._mourn(work, after)
                return after

    def _mourn(self, work: Work, after: OwingT | None) -> None:
        """Have somebody know of a debt that this try was the last of."""
        debt = debts.find(after.owed, work.key) if after else None
        if debt is not None and debt.dead_at is not None and debt.n == work.n:
            why = debt.last_error or "given up"
            self._alerts.alert("debt_dead", f"{work.record_id}: {work.key}, {why}")

    async def _seen(self, work: Work) -> OwingT | None:
        """Return the record that a debt is of."""
        left = self._left.pop(work, None)
        return await self.records.kept.get(work.record_id) if left is None else left

    def _written_on(self, work: Work, seen: OwingT | None) -> OwingT | None:
        """Return the record that what came of a try is decided on; None: it is read again.

        Most handlers write before they act, so that what they were given is out of date.
        """
        del work, seen
        return None

    async def _lasting(self, work: Work, record: OwingT | None) -> tuple[Work, OwingT | None]:
        """Claim a debt anew that has waited so long that a try might outlast its claim.

        It is gone on with at once: sent back to the end of a line as long as its claim lasts, it
        would be as late the next time, and never be done.
        """
        debt = debts.find(record.owed, work.key) if record else None
        if record is None or debt is None or not debts.held(record.owed, work.key, work.n):
            return work, record
        if debt.next_at - self._clock.now() >= self._limit(debt.kind):
            return work, record
        renew, still = self._taking.renewed(work.key, work.n), True

        def renewed(record: OwingT, now: datetime) -> OwingT:
            nonlocal still
            still = debts.held(record.owed, work.key, work.n)
            return renew(record, now)

        after = await self.records.change(work.record_id, renewed, record, handed=False)
        fresh = debts.find(after.owed, work.key) if after and still else None
        return (work._replace(n=fresh.n) if fresh else work), after

    async def _try(self, work: Work, record: OwingT | None) -> DecideOf[OwingT] | None:
        debt = debts.find(record.owed, work.key) if record else None
        if record is None or debt is None or not debts.held(record.owed, work.key, work.n):
            return None
        peer = self._peer_of(record, debt)
        later = None if self._pressing(record, debt) else self._circuits.closed_until(peer)
        if later is not None:
            return _postponed(work, later, "the peer is down")
        try:
            decide = await self._handlers[debt.kind](record, debt)
        except PeerError as error:
            return self._after(record, work, self._failed(work, debt, peer, error))
        if debt.kind in self._unwatched:
            self._circuits.worked(peer)
        self._metrics.debt_done(debt.kind)
        self.done[debt.kind] += 1
        return decide

    def _peer_of(self, record: OwingT, debt: Debt) -> str:
        """Return whom a debt depends on: while that one is down, it waits."""
        del record
        return TELEGRAM if debt.kind in CHAT else self._called

    def _run_of(self, record: OwingT) -> RunId | None:
        """Return the run to name in the log, if there is one."""
        del record
        return None

    def _pressing(self, record: OwingT, debt: Debt) -> bool:
        """Return whether a debt is tried though its peer is down."""
        del record
        return debt.kind in UNSTOPPED

    def _after(self, record: OwingT, work: Work, failed: DecideOf[OwingT]) -> DecideOf[OwingT]:
        """Return what else a failed try means to the record."""
        del record, work
        return failed

    def _limit(self, kind: DebtKind) -> timedelta:
        """Return the longest that one try of a debt takes."""
        return self._timing.send_limit if kind in CHAT else self._timing.call_limit

    def _failed(self, work: Work, debt: Debt, peer: str, error: PeerError) -> DecideOf[OwingT]:
        """Decide what a failed try means: whose fault it was, and when it is tried again."""
        wait = error.retry_after if isinstance(error, PeerBusyError) else None
        # A chat's turn is no news: while one drains, each of its debts comes here again and again.
        tell = self._log.debug if wait is not None and debt.kind in CHAT else self._log.info
        tell("a debt failed", debt=debt.key, reason=error.reason, error=str(error))
        self._metrics.debt_failed(debt.kind)
        self.failures += 1
        if wait is not None:
            return _postponed(work, self._clock.now() + wait, str(error))
        at = self._blameless(work, peer, error)
        if at is not None and debt.kind not in UNSTOPPED:
            return _postponed(work, at, str(error))
        if isinstance(error, PeerRefusedError) and debt.kind in OUTWARD:
            return lambda record, now: debts.put(
                record, debts.bury(record.owed, work.key, work.n, error=str(error), now=now)
            )
        if debt.kind not in OUTWARD and debt.attempts + 1 >= MANY_TRIES:
            self._alerts.alert(f"{debt.kind}_stuck", f"{work.record_id}: {error}")
        return self._counted(work, str(error))

    def _blameless(self, work: Work, peer: str, error: PeerError) -> datetime | None:
        """Return when to try again where the try failed through no fault of the debt's own."""
        if isinstance(error, PeerDownError):
            return self._circuits.failed(peer, str(error))
        if isinstance(error, PeerBusyError | PeerUnknownError):
            if work.key not in self._blaming:
                # The engine is watched: what it did is noted already.
                return self._circuits.closed_until(peer)
            return self._circuits.struggled(peer, (work.record_id, work.key), str(error))
        self._circuits.worked(peer)
        return None

    def _counted(self, work: Work, error: str) -> DecideOf[OwingT]:
        jitter = self._clock.jitter()

        def counted(record: OwingT, now: datetime) -> OwingT:
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


def _postponed(work: Work, at: datetime, why: str | None) -> Callable[[OwingT, datetime], OwingT]:
    return lambda record, _: debts.put(
        record, debts.postpone(record.owed, work.key, work.n, at, why)
    )


def _released(instance: InstanceName) -> Callable[[OwingT, datetime], OwingT]:
    return lambda record, now: debts.put(record, debts.release(record.owed, instance, now))
