"""Any interleaving of movements, with crashes and lost answers, leaves a ledger that is right."""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from processors import ledger
from processors.errors import LedgerError
from processors.ledger import Act
from schemas.base import GenerationId, PaymentId
from schemas.ledger import Entry, EntryId, EntryKind
from tests.builders import NOON, USER

JOBS: Final = ("j1", "j2", "j3")


class Book:
    """One person's ledger as a database keeps it: unique by number and by key."""

    def __init__(self) -> None:
        self.entries = list[Entry]()

    def last(self) -> Entry | None:
        """Return the last entry."""
        return self.entries[-1] if self.entries else None

    def by_key(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return next((each for each in self.entries if each.key == key), None)

    def insert(self, entry: Entry) -> bool:
        """Add an entry if its number and its key are free."""
        taken = any(entry.seq == each.seq or entry.key == each.key for each in self.entries)
        if not taken:
            self.entries.append(entry)
        return not taken


Decide = Callable[[Book, Entry | None], Entry]


class Movement(NamedTuple):
    """Something that is to be done once, however often it is tried."""

    key: str
    decide: Decide


class Worker:
    """Somebody who does one movement, in steps that others' come between.

    They read the last entry, look for the key, and write what was decided on what was read.
    """

    def __init__(self, movement: Movement) -> None:
        self._movement = movement
        self._steps = self._begun()
        self._last: Entry | None = None
        self.done = False

    def step(self, book: Book, *, lost: bool) -> None:
        """Take the next step; a crash or a lost answer makes it begin again."""
        step = next(self._steps, None)
        over = step is not None and step(book)
        self.done = over and not lost
        if lost or over or step is None:
            self._steps = self._begun()

    def _begun(self) -> Iterator[Callable[[Book], bool]]:
        yield self._read
        yield self._known
        yield self._written

    def _read(self, book: Book) -> bool:
        self._last = book.last()
        return False

    def _known(self, book: Book) -> bool:
        return book.by_key(self._movement.key) is not None

    def _written(self, book: Book) -> bool:
        try:
            return book.insert(self._movement.decide(book, self._last))
        except LedgerError:
            # A key that is there was found before: this was never done.
            return True


def a_generation_of(job: str, number: int) -> GenerationId:
    """One of a job's generations."""
    return GenerationId(f"{job}-{number}")


amounts = st.integers(0, 8).map(lambda number: Decimal(number) / 2)
jobs = st.sampled_from(JOBS)
numbers = st.integers(0, 1)


@st.composite
def grants(draw: st.DrawFn) -> Movement:
    """A gift under one of few keys."""
    key, amount = f"grant:{draw(st.integers(0, 3))}", draw(amounts)

    def decide(_: Book, last: Entry | None) -> Entry:
        return ledger.grant(last, _act(key), key, amount)

    return Movement(key, decide)


@st.composite
def holds(draw: st.DrawFn) -> Movement:
    """A hold for one of few jobs."""
    job, lines = draw(jobs), draw(st.lists(amounts, min_size=1, max_size=2))
    wanted = {a_generation_of(job, number): amount for number, amount in enumerate(lines)}
    key = ledger.hold_key(job)

    def decide(_: Book, last: Entry | None) -> Entry:
        return ledger.hold(last, _act(key), job, wanted)

    return Movement(key, decide)


@st.composite
def closes(draw: st.DrawFn) -> Movement:
    """A close of one of few lines, which need not be there."""
    job, captured = draw(jobs), draw(amounts)
    generation = a_generation_of(job, draw(numbers))
    key = ledger.close_key(generation)

    def decide(book: Book, last: Entry | None) -> Entry:
        held = book.by_key(ledger.hold_key(job))
        return ledger.close(last, _act(key), held, generation, captured)

    return Movement(key, decide)


@st.composite
def refunds(draw: st.DrawFn) -> Movement:
    """A refund of one of few generations, which need not have been paid for."""
    generation = a_generation_of(draw(jobs), draw(numbers))
    amount = draw(st.none() | amounts)
    key = ledger.refund_key(generation)

    def decide(book: Book, last: Entry | None) -> Entry:
        closed = book.by_key(ledger.close_key(generation))
        return ledger.refund(last, _act(key), closed, generation, amount)

    return Movement(key, decide)


@st.composite
def payments(draw: st.DrawFn) -> Movement:
    """A purchase under one of few charges."""
    charge, amount = f"c{draw(st.integers(0, 2))}", draw(amounts)
    key = ledger.payment_key(charge)

    def decide(_: Book, last: Entry | None) -> Entry:
        record, rate = PaymentId(charge), Decimal(2)
        return ledger.payment(last, _act(key), charge, amount, record=record, rate=rate)

    return Movement(key, decide)


@st.composite
def paybacks(draw: st.DrawFn) -> Movement:
    """The end of one of few charges, which need not have been credited."""
    charge = f"c{draw(st.integers(0, 2))}"
    key = ledger.payback_key(charge)

    def decide(book: Book, last: Entry | None) -> Entry:
        return ledger.payback(last, _act(key), book.by_key(ledger.payment_key(charge)), charge)

    return Movement(key, decide)


def _act(key: str) -> Act:
    return Act(EntryId(key), USER, "us", NOON)


movements = st.lists(
    grants() | holds() | closes() | refunds() | payments() | paybacks(), min_size=1, max_size=12
)
schedules = st.lists(st.tuples(st.integers(0, 11), st.booleans()), max_size=60)


@given(movements, schedules)
def test_money_is_right_whatever_happens(
    wanted: list[Movement], schedule: list[tuple[int, bool]]
) -> None:
    """Balance = sum, never below zero without leave, each line closed once, each key done once."""
    book, workers = Book(), [Worker(each) for each in wanted]
    for number, lost in schedule:
        worker = workers[number % len(workers)]
        if not worker.done:
            worker.step(book, lost=lost)
    for worker in workers:
        while not worker.done:
            worker.step(book, lost=False)

    audit = ledger.check(book.entries)
    closed = Counter(each.generation for each in book.entries if each.kind is EntryKind.CLOSE)
    held = {name for each in book.entries for name in each.lines or {}}
    assert audit.flaws == ()
    assert audit.balance == ledger.balance(book.last()) == sum(e.amount for e in book.entries)
    assert all(
        each.balance >= -(each.overdraft or 0)
        for each in book.entries
        if each.kind in {EntryKind.HOLD, EntryKind.PAYBACK} and each.amount
    )
    if not any(each.kind is EntryKind.PAYBACK for each in book.entries):
        assert all(each.balance >= 0 for each in book.entries)
    assert [each.seq for each in book.entries] == list(range(1, len(book.entries) + 1))
    assert all(number == 1 for number in closed.values())
    assert {each.generation for each in audit.open} == held - closed.keys()
