"""Audit the ledger: recompute everybody's entries, and compare them with the records.

Entries and records are read a page at a time, however many there are; what is remembered is
what is found.
"""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from app.clock import Clock
from app.errors import UnreadableError
from app.ports import Generations, Jobs, Ledger
from processors import ledger
from processors.ledger import Auditor, EndedRun, Flaw, Mismatch, OpenLine
from schemas.base import UserId
from schemas.ledger import Entry
from schemas.timing import Timing

AT_ONCE: Final = 500
"""Generations whose close is looked for at once."""


class Findings(NamedTuple):
    """What the ledger comes to.

    Attributes:
        entries: How many there are.
        people: Of how many people.
        total: What all of them have.
        held: Lines of holds that are open and belong to a job under way, or to a grace.
        flaws: What is wrong with the entries by themselves.
        mismatches: Where they and the records differ.
        odd: Entries and records that cannot be read.
    """

    entries: int
    people: int
    total: Decimal
    held: tuple[OpenLine, ...]
    flaws: tuple[Flaw, ...]
    mismatches: tuple[Mismatch, ...]
    odd: tuple[UnreadableError, ...]


class AuditLedger:
    """Audits the ledger.

    Args:
        kept: The ledger.
        jobs: What is held for.
        generations: What was made.
        clock: The time.
        timing: How long after an end credits may be held.
    """

    def __init__(
        self, kept: Ledger, jobs: Jobs, generations: Generations, clock: Clock, timing: Timing
    ) -> None:
        self._ledger = kept
        self._jobs = jobs
        self._generations = generations
        self._clock = clock
        self._timing = timing

    async def __call__(self) -> Findings:
        """Read everything and say what it comes to.

        Raises:
            StoreDownError: The database does not answer.
        """
        sums, odd = _Sums(), list[UnreadableError]()
        async for entry in self._ledger.entries(odd=odd.append):
            sums.read(entry)
        sums.close()
        wrong = [each async for each in self._for_nobody(sums.lines, odd)]
        wrong += [each async for each in self._never_closed()]
        astray = {(each.key, each.generation) for each in wrong}
        held = (each for each in sums.lines if (each.hold.key, each.generation) not in astray)
        return Findings(
            sums.entries,
            sums.people,
            sums.total,
            tuple(held),
            tuple(sums.flaws),
            tuple(wrong),
            tuple(odd),
        )

    async def _for_nobody(
        self, lines: Sequence[OpenLine], odd: list[UnreadableError]
    ) -> AsyncIterator[Mismatch]:
        """Yield the lines that are open and should not be."""
        for line in lines:
            try:
                job = await self._jobs.get(line.hold.key.removeprefix(ledger.hold_key("")))
                generation = await self._generations.get(line.generation)
            except UnreadableError as error:
                odd.append(error)
                continue
            now = self._clock.now()
            found = ledger.held_for_nobody(line, job, generation, now, self._timing)
            # It may have been closed since the entry was read.
            if found is not None and not await self._ledger.closed([line.generation]):
                yield found

    async def _never_closed(self) -> AsyncIterator[Mismatch]:
        """Yield the ends of jobs' generations that have no close, though it is time."""
        until = self._clock.now() - ledger.patience(self._timing)
        some = list[EndedRun]()
        async for each in self._generations.ended_of_jobs():
            if each.at < until:
                some.append(each)
            if len(some) == AT_ONCE:
                for found in await self._without_close(some):
                    yield found
                some.clear()
        for found in await self._without_close(some):
            yield found

    async def _without_close(self, some: Sequence[EndedRun]) -> Sequence[Mismatch]:
        closed = await self._ledger.closed([each.generation for each in some])
        return [ledger.close_missing(each) for each in some if each.generation not in closed]


class _Sums:
    """What the entries come to, person by person."""

    def __init__(self) -> None:
        self.entries = self.people = 0
        self.total = ledger.balance(None)
        self.flaws = list[Flaw]()
        self.lines = list[OpenLine]()
        self._auditor = Auditor()
        self._user: UserId | None = None

    def read(self, entry: Entry) -> None:
        """Take the next entry: person by person, by number."""
        if entry.user != self._user:
            self.close()
            self._user, self._auditor = entry.user, Auditor()
            self.people += 1
        self.entries += 1
        self._auditor.read(entry)

    def close(self) -> None:
        """Add up the person whose last entry was read."""
        audit = self._auditor.audit()
        self.total += audit.balance
        self.flaws += audit.flaws
        self.lines += audit.open
        self._auditor = Auditor()
