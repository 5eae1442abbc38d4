"""Recompute a person's ledger, entry by entry: nothing that it says of itself is believed."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from processors.ledger.deciding import balance, close_key, payback_key, payment_key, refund_key
from schemas.base import GenerationId, plain
from schemas.ledger import Entry, EntryKind


class Flaw(NamedTuple):
    """Something that no entry made here can be.

    Attributes:
        entry: Where it shows.
        problem: ``seq``, ``balance``, ``overdrawn``, ``amount``, ``line`` or ``key``.
        said: What is wrong, in words.
    """

    entry: Entry
    problem: str
    said: str


class OpenLine(NamedTuple):
    """Credits that are set aside and not settled yet: no flaw by itself."""

    hold: Entry
    generation: GenerationId
    amount: Decimal


class Audit(NamedTuple):
    """What a ledger comes to.

    Attributes:
        balance: The sum of all amounts.
        open: Lines of holds that no entry has closed, the oldest first.
        flaws: In the order of the entries. None of them: every balance is the sum of all
            amounts until then, and every line was closed at most once.
    """

    balance: Decimal
    open: tuple[OpenLine, ...]
    flaws: tuple[Flaw, ...]


def check(entries: Iterable[Entry]) -> Audit:
    """Recompute the ledger of one person.

    Args:
        entries: All of them, by `seq`. A kind of a newer version counts by its amount alone.
    """
    auditor = Auditor()
    for entry in entries:
        auditor.read(entry)
    return auditor.audit()


_SPENDING: Final = frozenset({EntryKind.HOLD, EntryKind.PAYBACK})
_Found = Iterator[tuple[str, str]]
"""Problems, each with its words."""


class Auditor:
    """Recomputes the ledger of one person as its entries are read, and keeps none of them."""

    def __init__(self) -> None:
        self._sum = balance(None)
        self._lines = dict[GenerationId, OpenLine]()
        self._flaws = list[Flaw]()
        self._last: Entry | None = None
        self._held = set[GenerationId]()
        self._captured = dict[GenerationId, Decimal]()
        self._refunded = set[GenerationId]()
        self._paid = dict[str, Decimal]()
        self._paid_back = set[str]()

    def read(self, entry: Entry) -> None:
        """Take the next entry, by `seq`."""
        self._flaws += [Flaw(entry, problem, said) for problem, said in self._found(entry)]

    def audit(self) -> Audit:
        """Return what the entries read so far come to."""
        return Audit(self._sum, tuple(self._lines.values()), tuple(self._flaws))

    def _found(self, entry: Entry) -> _Found:
        """Yield what is wrong with the next entry."""
        self._sum += entry.amount
        yield from self._chained(entry)
        match entry.kind:
            case EntryKind.GRANT:
                yield from _check(entry.amount > 0, "amount", "a grant must be above zero")
            case EntryKind.HOLD:
                yield from self._hold(entry)
            case EntryKind.CLOSE:
                yield from self._close(entry)
            case EntryKind.REFUND:
                yield from self._refund(entry)
            case EntryKind.PAYMENT:
                yield from self._payment(entry)
            case EntryKind.PAYBACK:
                yield from self._payback(entry)
            case _:
                pass
        self._last = entry

    def _chained(self, entry: Entry) -> _Found:
        """Compare with the entry before; where that is missing there is nothing to compare."""
        due = 1 if self._last is None else self._last.seq + 1
        if entry.seq != due:
            yield "seq", f"number {entry.seq} comes where {due} must"
        else:
            right = balance(self._last) + entry.amount
            words = f"the balance is {plain(entry.balance)} and must be {plain(right)}"
            yield from _check(entry.balance == right, "balance", words)
        if entry.kind in _SPENDING and entry.amount:
            allowed = entry.balance >= -(entry.overdraft or 0)
            words = f"the {entry.kind.value} leaves {plain(entry.balance)}, which nobody allowed"
            yield from _check(allowed, "overdrawn", words)

    def _hold(self, entry: Entry) -> _Found:
        lines = entry.lines or {}
        right = -sum(lines.values(), balance(None))
        good = bool(lines) and entry.amount == right and min(lines.values()) >= 0
        yield from _check(good, "amount", "the amount is not that of the lines")
        for generation, amount in lines.items():
            if generation in self._held:
                yield "line", f"generation {generation} has a line already"
                continue
            self._held.add(generation)
            self._lines[generation] = OpenLine(entry, generation, amount)

    def _close(self, entry: Entry) -> _Found:
        generation = entry.generation or GenerationId("")
        captured, returned = entry.captured or Decimal(0), entry.returned or Decimal(0)
        yield from _check(entry.key == close_key(generation), "key", "the key is not of a close")
        line = self._lines.pop(generation, None)
        if line is None:
            word = "was closed already" if generation in self._held else "was never held"
            yield "line", f"the line of generation {generation} {word}"
            return
        good = captured + returned == line.amount and min(captured, returned) >= 0
        words = f"captured and returned are not the {plain(line.amount)} that were held"
        yield from _check(good and entry.amount == returned, "amount", words)
        self._captured[generation] = captured

    def _refund(self, entry: Entry) -> _Found:
        generation = entry.generation or GenerationId("")
        yield from _check(entry.key == refund_key(generation), "key", "the key is not of a refund")
        if generation in self._refunded:
            yield "line", f"generation {generation} was refunded already"
        self._refunded.add(generation)
        captured = self._captured.get(generation, Decimal(0))
        words = f"of generation {generation} only {plain(captured)} were captured"
        yield from _check(0 < entry.amount <= captured, "amount", words)

    def _payment(self, entry: Entry) -> _Found:
        charge = entry.key.removeprefix(payment_key(""))
        yield from _check(entry.key == payment_key(charge), "key", "the key is not of a payment")
        yield from _check(entry.amount > 0, "amount", "a payment must be above zero")
        if charge in self._paid:
            yield "line", f"charge {charge} was credited already"
        self._paid[charge] = entry.amount

    def _payback(self, entry: Entry) -> _Found:
        charge = entry.key.removeprefix(payback_key(""))
        yield from _check(entry.key == payback_key(charge), "key", "the key is not of a payback")
        if charge in self._paid_back:
            yield "line", f"charge {charge} was taken back already"
        self._paid_back.add(charge)
        paid = self._paid.get(charge, Decimal(0))
        words = f"charge {charge} had brought {plain(paid)}"
        yield from _check(0 < -entry.amount == paid, "amount", words)


def _check(good: bool, problem: str, said: str) -> _Found:  # noqa: FBT001 - what is asserted
    if not good:
        yield problem, said
