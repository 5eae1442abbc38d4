"""processors.ledger: each movement follows from the last, or is refused by name."""

from decimal import Decimal

import pytest

from processors import ledger
from processors.errors import (
    AmountError,
    InsufficientCreditsError,
    KeyTakenError,
    NoLineError,
    NoPaymentError,
)
from processors.ledger import Act
from schemas.base import GenerationId, PaymentId, UserId
from schemas.ledger import MOST, Entry, EntryId, EntryKind
from tests.builders import ID, NOON, USER, an_entry

OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")
ACT = Act(EntryId("entry"), USER, "us", NOON, "because")
JOB = "job"

BAD = [
    pytest.param("-1", "is below zero", id="negative"),
    pytest.param("-0.000001", "is below zero", id="hardly negative"),
    pytest.param("NaN", "is not a number", id="NaN"),
    pytest.param("sNaN", "is not a number", id="signalling NaN"),
    pytest.param("Infinity", "is not a number", id="infinite"),
    pytest.param("1000000000.000001", "is over 1000000000", id="huge"),
    pytest.param("1E+999999", "is over 1000000000", id="enormous"),
    pytest.param("0.0000001", "has more than 6 decimal places", id="fine"),
    pytest.param("1E-999999", "has more than 6 decimal places", id="infinitesimal"),
]


def after(amount: str) -> Entry:
    """The last entry of somebody who has so much."""
    return an_entry(7, balance=Decimal(amount))


def held(**lines: str) -> Entry:
    """A hold, made by somebody who had ten credits."""
    wanted = {GenerationId(name): Decimal(amount) for name, amount in lines.items()}
    return ledger.hold(after("10"), ACT, JOB, wanted)


def closed(captured: str) -> Entry:
    """The close of a line of 3 credits, by somebody who has 7 left."""
    return ledger.close(after("7"), ACT, held(a="3"), GenerationId("a"), Decimal(captured))


def test_the_first_grant_opens_a_ledger() -> None:
    """Number 1, the balance its amount, and who gave it why."""
    entry = ledger.grant(None, ACT, "welcome:x", Decimal("2.5"))

    assert (entry.seq, entry.kind, entry.key) == (1, EntryKind.GRANT, "welcome:x")
    assert (str(entry.amount), str(entry.balance)) == ("2.500000", "2.500000")
    assert (entry.user, entry.by, entry.at, entry.reason) == (USER, "us", NOON, "because")


def test_an_entry_follows_the_last() -> None:
    """By number and by balance."""
    entry = ledger.grant(after("1.5"), ACT, "k", Decimal(2))

    assert (entry.seq, entry.balance) == (8, Decimal("3.5"))


@pytest.mark.parametrize(("amount", "problem"), [("0", "must be above zero"), *BAD])
def test_what_is_no_amount_is_not_granted(amount: str, problem: str) -> None:
    """The error names the field and what is wrong with it."""
    with pytest.raises(AmountError, match=problem) as caught:
        ledger.grant(None, ACT, "k", Decimal(amount))
    assert caught.value.field == "amount"


def test_a_balance_has_room_for_what_is_held() -> None:
    """No grant brings it over a thousandth of what can be written down."""
    full = after(str(MOST - 1))

    assert ledger.grant(full, ACT, "k", Decimal(1)).balance == MOST
    with pytest.raises(AmountError, match="would bring the balance over"):
        ledger.grant(full, ACT, "k", Decimal("1.000001"))


def test_a_hold_takes_all_its_lines() -> None:
    """At once; a free one among them holds nothing."""
    entry = held(a="3", b="6.5", c="0")

    assert (entry.amount, entry.balance) == (Decimal("-9.5"), Decimal("0.5"))
    assert entry.lines == {"a": Decimal(3), "b": Decimal("6.5"), "c": 0}
    assert (entry.key, entry.overdraft) == ("hold:job", None)


@pytest.mark.parametrize("has", ["0", "9.999999", "-2"])
def test_a_hold_that_is_not_covered_is_refused_whole(has: str) -> None:
    """The error says what is missing, to the last digit."""
    with pytest.raises(InsufficientCreditsError) as caught:
        ledger.hold(after(has), ACT, JOB, {ID: Decimal(4), OTHER: Decimal(6)})
    assert caught.value.missing == 10 - Decimal(has)
    assert caught.value.balance == Decimal(has)


def test_a_key_names_what_is_done_once() -> None:
    """A person's welcome, a job's hold, a generation's close and refund."""
    keys = {
        ledger.welcome_key(USER): "welcome",
        ledger.hold_key(JOB): "hold",
        ledger.close_key(ID): "close",
        ledger.refund_key(ID): "refund",
        ledger.payment_key("c"): "payment",
        ledger.payback_key("c"): "payback",
    }

    assert all(key.startswith(f"{kind}:") for key, kind in keys.items())
    assert len(keys) == 6


def test_somebody_without_a_ledger_has_nothing() -> None:
    """And can hold nothing but what is free."""
    with pytest.raises(InsufficientCreditsError):
        ledger.hold(None, ACT, JOB, {ID: Decimal("0.000001")})
    assert ledger.hold(None, ACT, JOB, {ID: Decimal(0)}).balance == 0


def test_a_balance_goes_below_zero_by_leave_alone() -> None:
    """As far as it was given; the entry says so."""
    lines = {ID: Decimal(12)}
    entry = ledger.hold(after("10"), ACT, JOB, lines, overdraft=Decimal(2))

    assert (entry.balance, entry.overdraft) == (Decimal(-2), Decimal(2))
    with pytest.raises(InsufficientCreditsError) as caught:
        ledger.hold(after("10"), ACT, JOB, lines, overdraft=Decimal("1.5"))
    assert caught.value.missing == Decimal("0.5")


@pytest.mark.parametrize(("amount", "problem"), BAD)
def test_what_is_no_amount_is_not_held(amount: str, problem: str) -> None:
    """The error names the line."""
    with pytest.raises(AmountError, match=problem) as caught:
        ledger.hold(after("10"), ACT, JOB, {OTHER: Decimal(1), ID: Decimal(amount)})
    assert caught.value.field == f"lines.{ID}"


def test_a_hold_has_lines() -> None:
    """One or more, and together no more than an amount may be."""
    with pytest.raises(AmountError, match="lines: must be one or more"):
        ledger.hold(after("10"), ACT, JOB, {})
    with pytest.raises(AmountError, match="lines: is over"):
        ledger.hold(after("10"), ACT, JOB, {ID: MOST, OTHER: MOST})


@pytest.mark.parametrize(
    ("captured", "balance"),
    [("3", "7"), ("0", "10"), ("1.25", "8.75")],
    ids=["all", "none", "part"],
)
def test_a_close_captures_a_part_and_returns_the_rest(captured: str, balance: str) -> None:
    """Together they are the line."""
    entry = closed(captured)

    assert (entry.captured, entry.returned) == (Decimal(captured), 3 - Decimal(captured))
    assert (entry.amount, entry.balance) == (entry.returned, Decimal(balance))
    assert (entry.key, entry.generation, entry.rate) == ("close:a", "a", None)


def test_a_close_says_which_rate_was_used() -> None:
    """It may be another one tomorrow."""
    line = {ID: Decimal(3)}
    hold = ledger.hold(after("10"), ACT, JOB, line)
    entry = ledger.close(hold, ACT, hold, ID, Decimal(1), rate=Decimal(100))

    assert entry.rate == 100


@pytest.mark.parametrize(
    ("captured", "problem"), [("3.000001", "is over the 3.000000 that are held"), *BAD]
)
def test_what_is_not_held_is_not_captured(captured: str, problem: str) -> None:
    """At most the line."""
    with pytest.raises(AmountError, match=problem) as caught:
        closed(captured)
    assert caught.value.field == "captured"


@pytest.mark.parametrize("hold", [None, an_entry(), held(b="3")], ids=["none", "no hold", "other"])
def test_what_has_no_line_cannot_be_closed(hold: Entry | None) -> None:
    """Nothing was held for it."""
    with pytest.raises(NoLineError) as caught:
        ledger.close(after("7"), ACT, hold, ID, Decimal(1))
    assert caught.value.generation == ID


def test_one_persons_hold_is_not_anothers() -> None:
    """Nor is what was captured: nobody is given what somebody else paid."""
    stranger = ACT._replace(user=UserId("stranger"))

    with pytest.raises(NoLineError):
        ledger.close(None, stranger, held(a="3"), GenerationId("a"), Decimal(0))
    with pytest.raises(NoLineError):
        ledger.refund(None, stranger, closed("2"), GenerationId("a"))


@pytest.mark.parametrize(("amount", "given"), [(None, "2"), ("0.5", "0.5"), ("2", "2")])
def test_a_refund_gives_back_what_was_captured(amount: str | None, given: str) -> None:
    """All of it, or a part."""
    wanted = None if amount is None else Decimal(amount)
    entry = ledger.refund(after("1"), ACT, closed("2"), ID, wanted)

    assert (entry.amount, entry.balance) == (Decimal(given), 1 + Decimal(given))
    assert (entry.key, entry.kind) == (f"refund:{ID}", EntryKind.REFUND)


@pytest.mark.parametrize(
    ("amount", "problem"),
    [("2.000001", "is over the 2.000000 that were captured"), ("0", "above zero"), *BAD],
)
def test_no_refund_is_more_than_was_captured(amount: str, problem: str) -> None:
    """Nor is it nothing."""
    with pytest.raises(AmountError, match=problem):
        ledger.refund(after("1"), ACT, closed("2"), ID, Decimal(amount))


@pytest.mark.parametrize("close", [None, closed("0"), an_entry()], ids=["none", "free", "grant"])
def test_what_was_not_captured_is_not_refunded(close: Entry | None) -> None:
    """There is nothing to give back."""
    with pytest.raises(NoLineError):
        ledger.refund(after("1"), ACT, close, ID)


def bought(amount: str = "5", has: str = "0") -> Entry:
    """A payment of somebody who had so much."""
    return ledger.payment(
        after(has), ACT, "c", Decimal(amount), record=PaymentId("p"), rate=Decimal("0.5")
    )


def test_a_payment_credits_what_was_bought() -> None:
    """It names its record and the rate, and no balance is too high for it."""
    entry = bought(has=str(MOST))

    assert (entry.kind, entry.key, entry.payment) == (EntryKind.PAYMENT, "payment:c", "p")
    assert (entry.amount, entry.balance, entry.rate) == (5, MOST + 5, Decimal("0.5"))


@pytest.mark.parametrize(("amount", "problem"), [("0", "must be above zero"), *BAD])
def test_what_is_no_amount_is_not_bought(amount: str, problem: str) -> None:
    """As it is not granted."""
    with pytest.raises(AmountError, match=problem):
        bought(amount)


@pytest.mark.parametrize(
    ("has", "balance", "leave"), [("7", "2", None), ("5", "0", None), ("1", "-4", "4")]
)
def test_a_payback_takes_what_was_bought(has: str, balance: str, leave: str | None) -> None:
    """All of it, though it was spent; how far below zero that leads is written down."""
    entry = ledger.payback(after(has), ACT, bought(), "c")

    assert (entry.kind, entry.key, entry.payment) == (EntryKind.PAYBACK, "payback:c", "p")
    assert (entry.amount, entry.balance) == (-5, Decimal(balance))
    assert entry.overdraft == (None if leave is None else Decimal(leave))


@pytest.mark.parametrize(
    "paid",
    [None, an_entry(), bought().change(user=UserId("stranger"))],
    ids=["none", "grant", "other"],
)
def test_what_was_not_bought_is_not_taken_back(paid: Entry | None) -> None:
    """Nor what somebody else bought."""
    with pytest.raises(NoPaymentError) as caught:
        ledger.payback(after("9"), ACT, paid, "c")
    assert caught.value.charge == "c"


def test_what_was_done_is_accepted() -> None:
    """By whoever wanted just that; a key of somebody else's, or of another kind, is a fault."""
    known = an_entry()

    assert ledger.accept(known, USER, EntryKind.GRANT) is known
    with pytest.raises(KeyTakenError) as caught:
        ledger.accept(known, UserId("somebody"), EntryKind.GRANT)
    assert (caught.value.key, caught.value.user) == (known.key, USER)
    with pytest.raises(KeyTakenError):
        ledger.accept(known, USER, EntryKind.HOLD)
