"""Change a record: read, decide, compare-and-set, and decide again where somebody was first."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from app.clock import Clock
from app.errors import ContendedError
from app.observability.journal import Journal
from app.ports import Generations, Write
from processors import debts
from schemas.base import GenerationId
from schemas.debt import Debt
from schemas.generation import Generation

MAX_TRIES: Final = 10
"""Ten lost races in a row on one record mean that something is wrong."""
REMEMBERED: Final = 2_000
"""Open records that are remembered as this process last saw them, at some 10 kB each."""

Decide = Callable[[Generation, datetime], Generation]
"""A pure decision: the record as it is and the time in, the record as it should be out."""


class Heir(Protocol):
    """Who takes up the debts that a written change left claimed by this process."""

    def take(self, before: Generation | None, after: Generation) -> None:
        """Take up what `after` owes and `before` did not."""
        ...


class Records:
    """The generations, and everything that follows a written change of one."""

    def __init__(self, generations: Generations, clock: Clock, journal: Journal) -> None:
        self.generations: Final = generations
        self.clock: Final = clock
        self._journal = journal
        self._heir: Heir | None = None
        self._remembered: OrderedDict[GenerationId, Generation] = OrderedDict()

    def inherit(self, heir: Heir) -> None:
        """Hand debts that are born claimed to `heir`, from now on."""
        self._heir = heir

    async def change(
        self, generation_id: GenerationId, decide: Decide, seen: Generation | None = None
    ) -> Generation | None:
        """Commit what `decide` makes of a record.

        Args:
            generation_id: Whose record.
            decide: What to make of it; asked again where somebody was first.
            seen: The record as it was a moment ago: it is not read again where it still is so.

        Returns:
            The record as it now is, changed or not; None if there is none.

        Raises:
            ContendedError: Others kept winning the write.
            StoreDownError: The database does not answer; what was written is not known.
        """
        for _ in range(MAX_TRIES):
            before = seen or await self.generations.get(generation_id)
            if before is None:
                return None
            now = self.clock.now()
            after = decide(before, now)
            if after != before:
                write = stamped(before, after, now)
                if not await self.generations.write([write]):
                    self._follow(write)
                    return write.after
            elif seen is None:
                return before
            # That nothing is to be written proves nothing of a record that may be out of date.
            seen = None
        raise ContendedError(generation_id)

    async def change_all(self, writes: Sequence[Write]) -> frozenset[GenerationId]:
        """Commit changes decided elsewhere; return the ids whose record had moved on.

        Raises:
            StoreDownError: The database does not answer; what was written is not known.
        """
        if not writes:
            return frozenset()
        now = self.clock.now()
        ready = [stamped(before, after, now) for before, after in writes]
        lost = await self.generations.write(ready)
        for write in ready:
            if write.before.id in lost:
                self.forget(write.before.id)
            else:
                self._remember(write.after.id, write.after)
                self._follow(write)
        return lost

    async def add(self, generation: Generation) -> bool:
        """Store a new record; return whether its id and key were free.

        Raises:
            StoreDownError: The database does not answer; whether it was stored is not known.
        """
        stored = await self.generations.insert(generation)
        if stored:
            self._journal.changed(None, generation)
            if self._heir is not None:
                self._heir.take(None, generation)
        return stored

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """Return those of these records that exist, by id; the open ones are remembered."""
        found = await self.generations.many(ids)
        for generation_id, record in found.items():
            if not record.ended:
                self._remember(generation_id, record)
        return found

    def remembered(self, generation_id: GenerationId) -> Generation | None:
        """Return an open record as this process last saw it, or None; nothing is read.

        It may be out of date: a write decided on it is taken only if it was not, and that it
        leaves nothing to be written proves nothing.
        """
        return self._remembered.get(generation_id)

    def forget(self, generation_id: GenerationId) -> None:
        """Have a record read the next time."""
        self._remembered.pop(generation_id, None)

    def _remember(self, generation_id: GenerationId, record: Generation) -> None:
        self._remembered[generation_id] = record
        self._remembered.move_to_end(generation_id)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _follow(self, write: Write) -> None:
        if write.after.ended:
            self.forget(write.after.id)
        elif write.after.id in self._remembered:
            self._remember(write.after.id, write.after)
        self._journal.changed(write.before, write.after)
        if self._heir is not None:
            self._heir.take(write.before, write.after)


def stamped(before: Generation, after: Generation, now: datetime) -> Write:
    """Return the write that replaces `before`, its version raised and its time set."""
    return Write(before, after.change(version=before.version + 1, updated_at=now))


def acknowledged(debt: Debt) -> Decide:
    """Decide that a claimed debt is done, and nothing else."""
    return lambda record, _: debts.put(record, debts.acknowledge(record.owed, debt.key, debt.n))
