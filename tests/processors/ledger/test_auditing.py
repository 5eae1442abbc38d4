"""processors.ledger.check: nothing that a ledger says of itself is believed."""

from decimal import Decimal
from typing import Any

import pytest

from processors import ledger
from processors.ledger import Act
from schemas.base import GenerationId, PaymentId
from schemas.ledger import Entry, EntryId, EntryKind
from tests.builders import NOON, USER, an_entry

A, B = GenerationId("a"), GenerationId("b")
PAYMENT = PaymentId("payment")
ACT = Act(EntryId("entry"), USER, "us", NOON)


def a_life() -> list[Entry]:
    """A grant of 10, a hold of 3 and 2, the first closed at 1 and refunded, the other open."""
    entries = [ledger.grant(None, ACT, "welcome:x", Decimal(10))]
    entries.append(ledger.hold(entries[-1], ACT, "job", {A: Decimal(3), B: Decimal(2)}))
    entries.append(ledger.close(entries[-1], ACT, entries[1], A, Decimal(1)))
    entries.append(ledger.refund(entries[-1], ACT, entries[2], A))
    return entries


def flaws(entries: list[Entry]) -> list[tuple[int, str]]:
    """What is wrong, by number and by word."""
    return [(each.entry.seq, each.problem) for each in ledger.check(entries).flaws]


def changed(place: int, **fields: Any) -> list[Entry]:  # noqa: ANN401 - any field of an entry
    """The life with one entry tampered with."""
    entries = a_life()
    entries[place] = entries[place].change(**fields)
    return entries


def test_a_good_ledger_has_no_flaws() -> None:
    """Its sum is its balance, and what is still held is named."""
    entries = a_life()
    audit = ledger.check(entries)

    assert audit.flaws == ()
    assert audit.balance == entries[-1].balance == 8
    assert audit.open == ((entries[1], B, Decimal(2)),)


def test_nobody_has_nothing() -> None:
    """An empty ledger is a good one."""
    assert ledger.check([]) == (0, (), ())


@pytest.mark.parametrize(
    ("place", "fields", "found"),
    [
        (0, {"balance": Decimal(11)}, [(1, "balance"), (2, "balance")]),
        (0, {"amount": Decimal(-10), "balance": Decimal(-10)}, [(1, "amount"), (2, "balance")]),
        (0, {"seq": 2}, [(2, "seq"), (2, "seq")]),
        (1, {"lines": {A: Decimal(3)}}, [(2, "amount")]),
        (1, {"lines": {A: Decimal(6), B: Decimal(-1)}}, [(2, "amount"), (3, "amount")]),
        (1, {"lines": None}, [(2, "amount"), (3, "line"), (4, "amount")]),
        (2, {"key": "close:b"}, [(3, "key")]),
        (2, {"captured": Decimal(4)}, [(3, "amount")]),
        (2, {"captured": None}, [(3, "amount"), (4, "amount")]),
        (2, {"captured": Decimal(4), "returned": Decimal(-1)}, [(3, "amount")]),
        (2, {"generation": None}, [(3, "key"), (3, "line"), (4, "amount")]),
        (3, {"amount": Decimal(2), "balance": Decimal(9)}, [(4, "amount")]),
        (3, {"amount": Decimal(0), "balance": Decimal(7)}, [(4, "amount")]),
        (3, {"key": "refund:b"}, [(4, "key")]),
    ],
)
def test_whoever_tampers_is_found_out(
    place: int, fields: dict[str, Any], found: list[tuple[int, str]]
) -> None:
    """By the entry where it shows."""
    assert flaws(changed(place, **fields)) == found


def test_a_missing_entry_is_a_gap() -> None:
    """What follows it cannot be compared, and is not."""
    entries = a_life()
    grant = ledger.grant(entries[-1], ACT, "k", Decimal(1))

    assert flaws([*entries[:3], grant]) == [(5, "seq")]


def test_a_line_is_closed_once() -> None:
    """Whatever key it has."""
    entries = a_life()
    again = ledger.close(entries[-1], ACT, entries[1], A, Decimal(3))

    assert flaws([*entries, again]) == [(5, "line")]


def test_a_generation_is_refunded_once_and_held_once() -> None:
    """Neither a second refund nor a second line is right."""
    entries = a_life()
    refunded = ledger.refund(entries[-1], ACT, entries[2], A)
    held = ledger.hold(refunded, ACT, "other", {A: Decimal(1)})

    assert flaws([*entries, refunded, held]) == [(5, "line"), (6, "line")]


def test_a_hold_below_zero_wants_leave() -> None:
    """A part of what is allowed is enough."""
    lines = {A: Decimal(12)}
    grant = an_entry()
    hold = ledger.hold(grant, ACT, "job", lines, overdraft=Decimal(3))

    assert flaws([grant, hold]) == []
    assert flaws([grant, hold.change(overdraft=Decimal(1))]) == [(2, "overdrawn")]
    assert flaws([grant, hold.change(overdraft=None)]) == [(2, "overdrawn")]


def a_payback() -> list[Entry]:
    """10 credits are bought, 4 of them held, and all 10 taken back."""
    paid = ledger.payment(None, ACT, "c", Decimal(10), record=PAYMENT, rate=Decimal(1))
    held = ledger.hold(paid, ACT, "job", {A: Decimal(4)})
    return [paid, held, ledger.payback(held, ACT, paid, "c")]


def test_what_was_bought_may_be_taken_back() -> None:
    """Once, and though it was spent: the leave is in the entry."""
    entries = a_payback()
    audit = ledger.check(entries)

    assert (audit.flaws, audit.balance) == ((), -4)


@pytest.mark.parametrize(
    ("place", "fields", "found"),
    [
        (0, {"amount": Decimal(-10), "balance": Decimal(-10)}, [(1, "amount"), (2, "balance")]),
        (0, {"key": "grant:c"}, [(1, "key"), (3, "amount")]),
        (2, {"key": "refund:c"}, [(3, "key"), (3, "amount")]),
        (2, {"key": "payback:x"}, [(3, "amount")]),
        (2, {"amount": Decimal(-9), "balance": Decimal(-3)}, [(3, "amount")]),
        (2, {"overdraft": Decimal(1)}, [(3, "overdrawn")]),
        (2, {"overdraft": None}, [(3, "overdrawn")]),
    ],
)
def test_whoever_tampers_with_payments_is_found_out(
    place: int, fields: dict[str, Any], found: list[tuple[int, str]]
) -> None:
    """What came in, and what was taken back."""
    entries = a_payback()
    entries[place] = entries[place].change(**fields)

    assert [each for each in flaws(entries) if each != (2, "overdrawn")][: len(found)] == found


def test_a_charge_brings_once_and_takes_once() -> None:
    """Neither a second payment nor a second payback is right."""
    entries = a_payback()
    paid = ledger.payment(entries[-1], ACT, "c", Decimal(10), record=PAYMENT, rate=Decimal(1))
    back = ledger.payback(paid, ACT, entries[0], "c")

    assert flaws([*entries, paid, back]) == [(4, "line"), (5, "line")]


def test_a_newer_kind_counts_by_its_amount() -> None:
    """What a newer version wrote is added up, and judged by nobody here."""
    paid = an_entry(kind=EntryKind("interest"), key="interest:1")
    grant = ledger.grant(paid, ACT, "k", Decimal(1))
    audit = ledger.check([paid, grant])

    assert (audit.balance, audit.flaws) == (11, ())
