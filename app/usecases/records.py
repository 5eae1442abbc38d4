"""Change a record: read, decide, compare-and-set, and decide again where somebody was first."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from app.clock import Clock
from app.errors import ContendedError, UnreadableError
from app.observability.journal import Journal
from app.ports import Debtors, Generations, OwingT, Waker, Write
from processors import debts
from schemas.base import GenerationId
from schemas.debt import Debt, Owing
from schemas.generation import Generation

_Given_contra = TypeVar("_Given_contra", bound=Owing, contravariant=True)

MAX_TRIES: Final = 10
"""Ten lost races in a row on one record mean that something is wrong."""
REMEMBERED: Final = 2_000
"""Open records that are remembered as this process last saw them, at some 10 kB each."""

DecideOf = Callable[[OwingT, datetime], OwingT]
"""A pure decision: the record as it is and the time in, the record as it should be out."""
Decide = DecideOf[Generation]
"""A decision about a generation."""


class Heir(Protocol[_Given_contra]):
    """Who takes up the debts that a written change left claimed by this process."""

    def take(self, before: _Given_contra | None, after: _Given_contra) -> None:
        """Take up what `after` owes and `before` did not."""
        ...


class Announcer(Protocol[OwingT]):
    """Who lets others hear of what is written."""

    async def ready(self, now: datetime) -> None:
        """Be up to date with who listens.

        Raises:
            StoreDownError: The database does not answer.
        """
        ...

    def announced(self, before: OwingT, after: OwingT, now: datetime) -> OwingT:
        """Return what is to be written, what others hear of owed with it."""
        ...


class RecordsOf(Generic[OwingT]):
    """The records of one kind, and everything that follows a written change of one.

    Args:
        kept: Where they are.
        clock: The time, and ids.
        noted: Told of every change; of a new record, with nothing before it.
    """

    def __init__(
        self,
        kept: Debtors[OwingT],
        clock: Clock,
        noted: Callable[[OwingT | None, OwingT], None],
    ) -> None:
        self.kept: Final = kept
        self.clock: Final = clock
        self._noted = noted
        self._heir: Heir[OwingT] | None = None
        self._announcer: Announcer[OwingT] | None = None
        self._watchers = list[Callable[[OwingT | None, OwingT], None]]()

    def inherit(self, heir: Heir[OwingT]) -> None:
        """Hand debts that are born claimed to `heir`, from now on."""
        self._heir = heir

    def announced_by(self, announcer: Announcer[OwingT]) -> None:
        """Have what others hear of owed in the write that makes it happen, from now on."""
        self._announcer = announcer

    def watched_by(self, watcher: Callable[[OwingT | None, OwingT], None]) -> None:
        """Have `watcher` told of every change, from now on; of a new record, with None before."""
        self._watchers.append(watcher)

    def leave_to(self, waker: Waker) -> None:
        """Wake others, from now on, where a write leaves something due that nobody has claimed."""

        def left(before: OwingT | None, after: OwingT) -> None:
            if debts.offered(before.owed if before else (), after.owed, self.clock.now()):
                waker.wake()

        self.watched_by(left)

    async def change(
        self,
        record_id: str,
        decide: DecideOf[OwingT],
        seen: OwingT | None = None,
        *,
        handed: bool = True,
    ) -> OwingT | None:
        """Commit what `decide` makes of a record.

        Args:
            record_id: Whose record.
            decide: What to make of it; asked again where somebody was first.
            seen: The record as it was a moment ago: it is not read again where it still is so.
            handed: Whether what it then owes to this process is handed on; else the caller does it.

        Returns:
            The record as it now is, changed or not; None if there is none.

        Raises:
            ContendedError: Others kept winning the write.
            StoreDownError: The database does not answer; what was written is not known.
        """
        for _ in range(MAX_TRIES):
            before = seen or await self.kept.get(record_id)
            if before is None:
                return None
            now = self.clock.now()
            after = decide(before, now)
            if after != before:
                [write] = await self._ready([Write(before, after)], now)
                if not await self.kept.write([write]):
                    self._follow(write, handed=handed)
                    return write.after
            elif seen is None:
                return before
            # That nothing is to be written proves nothing of a record that may be out of date.
            seen = None
        raise ContendedError(record_id)

    async def change_all(self, writes: Sequence[Write[OwingT]]) -> frozenset[str]:
        """Commit changes decided elsewhere; return the ids whose record had moved on.

        Raises:
            StoreDownError: The database does not answer; what was written is not known.
        """
        if not writes:
            return frozenset()
        now = self.clock.now()
        ready = await self._ready(writes, now)
        lost = await self.kept.write(ready)
        for write in ready:
            if write.before.id in lost:
                self._lost(write.before)
            else:
                self._won(write.after)
                self._follow(write)
        return lost

    async def add(self, record: OwingT, *, handed: bool = True) -> bool:
        """Store a new record; return whether all of it that is unique was free.

        Args:
            record: What to store.
            handed: Whether what it owes to this process is handed on; else the caller does it.

        Raises:
            StoreDownError: The database does not answer; whether it was stored is not known.
        """
        stored = await self.kept.insert(record)
        if stored:
            self._stored(record, handed=handed)
        return stored

    async def add_all(self, records: Sequence[OwingT]) -> None:
        """Store new records, those that are not there yet; what they owe to us is handed on.

        Raises:
            StoreDownError: The database does not answer; which were stored is not known.
        """
        known = await self.kept.insert_all(records)
        for each in records:
            if each.id not in known:
                self._stored(each, handed=True)

    def hand(self, before: OwingT | None, after: OwingT) -> None:
        """Hand on what a record owes to this process, and `before` did not."""
        if self._heir is not None:
            self._heir.take(before, after)

    async def _ready(
        self, writes: Sequence[Write[OwingT]], now: datetime
    ) -> Sequence[Write[OwingT]]:
        """Return writes as they are made: stamped, and with what others hear of owed."""
        ready: list[Write[OwingT]] = [stamped(before, after, now) for before, after in writes]
        announcer = self._announcer
        if announcer is None:
            return ready
        await announcer.ready(now)
        return [Write(before, announcer.announced(before, after, now)) for before, after in ready]

    def _stored(self, record: OwingT, *, handed: bool) -> None:
        self._noted(None, record)
        for watcher in self._watchers:
            watcher(None, record)
        if handed:
            self.hand(None, record)

    def _lost(self, before: OwingT) -> None:
        """A write of many, on this, was lost to somebody, or they wrote on it since."""

    def _won(self, record: OwingT) -> None:
        """A write of many was made."""

    def _follow(self, write: Write[OwingT], *, handed: bool = True) -> None:
        self._noted(write.before, write.after)
        for watcher in self._watchers:
            watcher(write.before, write.after)
        if handed:
            self.hand(write.before, write.after)


class Records(RecordsOf[Generation]):
    """The generations, those among them remembered that are under way."""

    def __init__(self, generations: Generations, clock: Clock, journal: Journal) -> None:
        super().__init__(generations, clock, journal.changed)
        self.generations: Final = generations
        self._remembered: OrderedDict[str, Generation] = OrderedDict()
        # Those whose write counts as lost and may have been made, as they were before it.
        self._doubtful: dict[str, Generation] = {}

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """Return those of these records that exist, by id; the open ones are remembered.

        A write of many counts as lost where somebody has written on it at once. If it was made,
        what it left claimed by this process is handed on now; nobody else would take it up before
        the claim runs out.
        """
        found = await self.generations.many(ids)
        for generation_id, record in found.items():
            if not record.ended:
                self._remember(generation_id, record)
        for generation_id in self._doubtful.keys() & set(ids):
            before, record = (
                self._doubtful.pop(generation_id),
                found.get(GenerationId(generation_id)),
            )
            if record is not None:
                self.hand(before, record)
        return found

    async def readable(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """Return those of these records that exist, as `Generations.many` does, by id.

        One that this version cannot read is left out: it holds up none of the others.
        """
        with suppress(UnreadableError):
            return await self.generations.many(ids)
        found = dict[GenerationId, Generation]()
        for each in ids:
            with suppress(UnreadableError):
                found |= await self.generations.many([each])
        return found

    async def whole(self, record: Generation) -> Generation:
        """Return a record with its inputs, which one that was remembered may lack; see `remember`.

        Raises:
            StoreDownError: The database does not answer.
        """
        if record.request_payload.inputs:
            return record
        stored = await self.generations.get(record.id)
        return record if stored is None else record.change(request_payload=stored.request_payload)

    def remembered(self, generation_id: str) -> Generation | None:
        """Return an open record as this process last saw it, or None; nothing is read.

        It may be out of date: a write decided on it is taken only if it was not, and that it
        leaves nothing to be written proves nothing.
        """
        return self._remembered.get(generation_id)

    def remember(self, record: Generation) -> None:
        """Remember an open record, without its inputs: only who submits it needs them."""
        if not record.ended:
            payload = record.request_payload.change(inputs={})
            self._remember(record.id, record.change(request_payload=payload))

    def forget(self, generation_id: str) -> None:
        """Have a record read the next time."""
        self._remembered.pop(generation_id, None)

    def _lost(self, before: Generation) -> None:
        self._doubtful.setdefault(before.id, before)
        self.forget(before.id)

    def _won(self, record: Generation) -> None:
        self._remember(record.id, record)

    def _remember(self, generation_id: str, record: Generation) -> None:
        self._remembered[generation_id] = record
        self._remembered.move_to_end(generation_id)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _follow(self, write: Write[Generation], *, handed: bool = True) -> None:
        if write.after.ended:
            self.forget(write.after.id)
        elif write.after.id in self._remembered:
            self._remember(write.after.id, write.after)
        super()._follow(write, handed=handed)


def stamped(before: OwingT, after: OwingT, now: datetime) -> Write[OwingT]:
    """Return the write that replaces `before`, its version raised and its time set."""
    return Write(before, after.change(version=before.version + 1, updated_at=now))


def acknowledged(debt: Debt) -> Callable[[OwingT, datetime], OwingT]:
    """Decide that a claimed debt is done, and nothing else."""
    return lambda record, _: debts.put(record, debts.acknowledge(record.owed, debt.key, debt.n))
