"""processors.payments: what was paid is never dropped, and counts once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import debts, payments
from processors.errors import NotPaidError
from processors.payments import Outcome
from schemas.base import PaymentId
from schemas.debt import DebtKind
from schemas.ledger import MOST
from schemas.payment import Charge, Checkout, Payment, PaymentStatus, Refusal, Stray
from schemas.user import User
from tests.builders import (
    CHAT,
    HERE,
    NOON,
    PAYMENT,
    USER,
    a_charge,
    a_payment,
    a_taker,
    a_user,
    later,
)

OTHER = PaymentId("0198c0ffee0198c0ffee0198c0ffee78")
HOUR = timedelta(hours=1)
LEAVING = a_user(forget_wanted_at=NOON)
FORGOTTEN = a_user(telegram_id=None, first_name=None, forgotten_at=NOON)


def asked(**fields: Any) -> Checkout:  # noqa: ANN401 - any field of the question
    """What a person is about to pay on `a_payment`."""
    known: dict[str, Any] = {"invoice": PAYMENT, "amount": 50, "currency": "XTR"}
    return Checkout(**(known | fields))


def taken(
    charge: Charge, invoice: Payment | None = None, user: User | None = None, *, gone: bool = False
) -> Outcome:
    """What a charge on an invoice comes to, half a minute past noon."""
    whose = None if gone else user or a_user()
    return payments.paid(invoice, whose, charge, provider="telegram", new_id=OTHER, now=later(30))


def a_paid() -> Payment:
    """A payment that was paid, its credit owed."""
    return taken(a_charge(), a_payment()).after


def a_stray() -> Payment:
    """What was paid on an invoice that nobody knows."""
    return taken(a_charge()).after


def owed(payment: Payment) -> list[str]:
    """What a payment owes."""
    return [debt.key for debt in payment.owed]


@pytest.mark.parametrize(
    ("stars", "rate", "bought"), [(50, "2", "100"), (3, "0.000001", "0.000003"), (1, "1.3", "1.3")]
)
def test_stars_buy_by_the_rate(stars: int, rate: str, bought: str) -> None:
    """Exactly, and the rate is written down."""
    made = payments.made(
        PAYMENT, USER, stars, provider="x", rate=Decimal(rate), now=NOON, lasts=HOUR, key="k"
    )

    assert str(made.rate) == f"{Decimal(rate):.6f}"
    assert (made.credits, made.rate, made.amount) == (Decimal(bought), Decimal(rate), stars)
    assert (made.status, made.expires_at) == (PaymentStatus.CREATED, NOON + HOUR)
    assert (made.idempotency_key, made.owed) == ("k", ())


@pytest.mark.parametrize(
    ("stars", "rate"), [(0, "1"), (-1, "1"), (10_001, "1"), (10_000, str(MOST)), (1, "0.0000001")]
)
def test_some_amounts_cannot_be_sold_for(stars: int, rate: str) -> None:
    """None, too many, or what buys nothing or too much."""
    with pytest.raises(ValueError, match="Stars cannot be bought for"):
        payments.made(PAYMENT, USER, stars, provider="x", rate=Decimal(rate), now=NOON, lasts=HOUR)


@pytest.mark.parametrize(
    ("payment", "user", "question", "expected"),
    [
        pytest.param(a_payment(), a_user(), asked(), None, id="good"),
        pytest.param(None, None, asked(), Refusal.UNKNOWN, id="not ours"),
        pytest.param(a_payment(), a_user(), asked(amount=1), Refusal.UNKNOWN, id="other amount"),
        pytest.param(a_payment(), a_user(), asked(currency="USD"), Refusal.UNKNOWN, id="currency"),
        pytest.param(a_paid(), a_user(), asked(), Refusal.PAID, id="paid"),
        pytest.param(a_payment(expires_at=NOON), a_user(), asked(), Refusal.EXPIRED, id="expired"),
        pytest.param(a_payment(), None, asked(), Refusal.GONE, id="gone"),
        pytest.param(a_payment(), a_user(blocked=True), asked(), Refusal.GONE, id="blocked"),
        pytest.param(a_payment(), LEAVING, asked(), Refusal.GONE, id="being forgotten"),
        pytest.param(a_payment(), FORGOTTEN, asked(), Refusal.GONE, id="forgotten"),
    ],
)
def test_only_what_is_ours_unpaid_and_unexpired_may_be_paid(
    payment: Payment | None, user: User | None, question: Checkout, expected: Refusal | None
) -> None:
    """At its price, and by whoever likes to: it may be a gift."""
    assert payments.refuse(payment, user, question, NOON) is expected


def test_a_charge_is_credited_to_whom_the_invoice_was_for() -> None:
    """Whoever paid; where the money goes back to is written down."""
    before, after = taken(a_charge(payer=1), a_payment())

    assert before == a_payment()
    assert (after.status, after.user, after.credits) == (PaymentStatus.PAID, USER, 100)
    assert (after.charge_id, after.payer, after.paid_at) == ("stx-1", 1, later(10))
    assert owed(after) == [payments.CREDIT]
    assert after.due_at == later(30)


def test_what_is_paid_late_is_credited() -> None:
    """It was let through in time, or Telegram was slow: the money is there."""
    late = a_payment(expires_at=NOON)

    assert taken(a_charge(), late).after.status is PaymentStatus.PAID


def test_an_invoice_that_is_paid_twice_credits_twice() -> None:
    """Two people may both have been let through: each charge has its record."""
    before, after = taken(a_charge(id="stx-2"), a_paid())

    assert before is None
    assert (after.id, after.invoice, after.user, after.credits) == (OTHER, PAYMENT, USER, 100)
    assert owed(after) == [payments.CREDIT]


@pytest.mark.parametrize(
    ("outcome", "stray", "user", "new"),
    [
        pytest.param(taken(a_charge()), Stray.UNKNOWN_INVOICE, None, True, id="unknown"),
        pytest.param(
            taken(a_charge(amount=1), a_payment()), Stray.OTHER_AMOUNT, USER, True, id="amount"
        ),
        pytest.param(
            taken(a_charge(), a_payment(), gone=True), Stray.USER_GONE, USER, False, id="gone"
        ),
        *(
            pytest.param(
                taken(a_charge(), a_payment(), whose), Stray.USER_GONE, USER, False, id=name
            )
            for name, whose in (
                ("blocked", a_user(blocked=True)),
                ("being forgotten", LEAVING),
                ("forgotten", FORGOTTEN),
            )
        ),
    ],
)
def test_what_fits_nobody_is_kept(
    outcome: Outcome, stray: Stray, user: str | None, *, new: bool
) -> None:
    """With who paid how much; it credits nobody, and somebody has to be told."""
    after = outcome.after

    assert (after.status, after.stray, after.user) == (PaymentStatus.STRAY, stray, user)
    assert (after.charge_id, after.payer, after.credits) == ("stx-1", CHAT, 0)
    assert owed(after) == [payments.ALERT]
    assert (outcome.before is None) is new


def test_a_refund_is_owed_first_and_the_credits_after() -> None:
    """So the person never loses both; wanting it twice wants it once."""
    wanted = payments.refund_wanted(a_paid(), by="cli:ada", reason="mistake", now=later(60))
    back = payments.given_back(wanted, by="telegram", now=later(61))

    assert (wanted.status, wanted.refund_by) == (PaymentStatus.REFUNDING, "cli:ada")
    assert owed(wanted) == [payments.CREDIT, payments.REFUND]
    assert payments.refund_wanted(wanted, by="x", reason="y", now=later(62)) == wanted
    assert (back.status, back.refunded_at) == (PaymentStatus.REFUNDED, later(61))
    assert (back.refund_by, back.refund_reason) == ("cli:ada", "mistake")
    assert owed(back) == [payments.CREDIT, payments.PAYBACK]
    assert payments.refund_wanted(back, by="x", reason="y", now=later(62)) == back
    assert payments.given_back(back, by="x", now=later(62)) == back


def test_a_refund_that_telegram_made_is_booked() -> None:
    """Without anybody here having asked for it."""
    back = payments.given_back(a_paid(), by="telegram", now=later(60))

    assert (back.status, back.refund_by) == (PaymentStatus.REFUNDED, "telegram")
    assert owed(back) == [payments.CREDIT, payments.PAYBACK]


def test_what_is_owed_is_claimed_by_who_decides() -> None:
    """So that nobody else takes it up before its claim has run out."""
    taker = a_taker(*DebtKind)
    paid = payments.paid(
        a_payment(), a_user(), a_charge(), provider="t", new_id=OTHER, now=NOON, taker=taker
    ).after
    wanted = payments.refund_wanted(paid, by="x", reason="y", now=NOON, taker=taker)
    back = payments.given_back(wanted, by="t", now=NOON, taker=taker)

    assert {debt.by for each in (paid, wanted, back) for debt in each.owed} == {HERE}
    assert paid.due_at == taker.until


@pytest.mark.parametrize("payment", [a_paid(), a_stray()], ids=["paid", "stray"])
def test_a_refund_that_is_refused_leaves_all_as_it_was(payment: Payment) -> None:
    """But for the reason; it may be wanted again."""
    wanted = payments.refund_wanted(payment, by="x", reason="y", now=NOON)
    after = payments.refund_refused(wanted, "too late")

    assert (after.status, after.refund_refused) == (payment.status, "too late")
    assert owed(after) == owed(payment)
    assert payments.refund_refused(after, "again") == after
    again = payments.refund_wanted(after, by="x", reason="y", now=NOON)
    assert (again.refund_refused, again.status) == (None, PaymentStatus.REFUNDING)


def test_what_credited_nobody_takes_nothing_back() -> None:
    """The money goes back all the same."""
    wanted = payments.refund_wanted(a_stray(), by="x", reason="y", now=NOON)
    back = payments.given_back(wanted, by="x", now=NOON)

    assert owed(wanted) == [payments.ALERT, payments.REFUND]
    assert owed(back) == [payments.ALERT]
    assert (back.status, back.stray) == (PaymentStatus.REFUNDED, Stray.UNKNOWN_INVOICE)


def test_what_nobody_paid_cannot_go_back() -> None:
    """There is nothing to give."""
    with pytest.raises(NotPaidError):
        payments.refund_wanted(a_payment(), by="x", reason="y", now=NOON)


class Story:
    """One invoice, and everything that can be told about it, in any order and any number."""

    def __init__(self) -> None:
        self.records = {PAYMENT: a_payment()}
        self.credited = dict[str, Decimal]()
        self.back = set[str]()

    def charge(self, name: str) -> Payment:
        """Take a charge down; return its record."""
        known = [each for each in self.records.values() if each.charge_id == name]
        if known:
            return known[0]
        charge = a_charge(id=name, invoice=PAYMENT if name != "foreign" else "nobody's")
        invoice = self.records.get(PaymentId(charge.invoice))
        after = payments.paid(
            invoice, a_user(), charge, provider="t", new_id=PaymentId(name), now=NOON
        ).after
        return self.put(after)

    def put(self, payment: Payment) -> Payment:
        """Store a record."""
        self.records[payment.id] = payment
        return payment

    def tell(self, what: str, name: str) -> None:
        """Have something happen."""
        payment = self.charge(name)
        match what:
            case "refund":
                self.put(payments.refund_wanted(payment, by="x", reason="y", now=NOON))
            case "refunded":
                self.put(payments.given_back(payment, by="t", now=NOON))
            case "refused":
                self.put(payments.refund_refused(payment, "no"))
            case "settle":
                self.settle(payment)
            case _:
                pass

    def settle(self, payment: Payment) -> None:
        """Do all that a payment owes, as a ledger with unique keys does."""
        while payment.owed:
            debt = payment.owed[0]
            name = payment.charge_id or ""
            if debt.key == payments.CREDIT:
                self.credited.setdefault(name, payment.credits)
            elif debt.key == payments.REFUND:
                payment = payments.given_back(payment, by="t", now=NOON)
            elif debt.key == payments.PAYBACK:
                self.back.add(name)
            payment = debts.put(payment, debts.acknowledge(payment.owed, debt.key, debt.n))
        self.put(payment)


tellings = st.tuples(
    st.sampled_from(["paid", "refund", "refunded", "refused", "settle"]),
    st.sampled_from(["a", "b", "foreign"]),
)


@given(st.lists(tellings, max_size=20))
def test_every_charge_ends_credited_or_given_back_never_both(told: list[tuple[str, str]]) -> None:
    """Whatever is told in which order, once all that is owed is done."""
    story = Story()
    for what, name in told:
        story.tell(what, name)
    for payment in [each for each in story.records.values() if each.charge_id]:
        story.settle(payment)

    charges = [each for each in story.records.values() if each.charge_id]
    assert len({each.charge_id for each in charges}) == len(charges)
    assert {name for _, name in told} == {each.charge_id for each in charges}
    for each in charges:
        name = each.charge_id or ""
        assert (each.owed, each.due_at) == ((), debts.due_at(()))
        assert (name in story.credited) is (each.stray is None)
        refunded = each.status is PaymentStatus.REFUNDED
        assert (name in story.back) is (refunded and each.stray is None)
        assert refunded or each.status in {PaymentStatus.PAID, PaymentStatus.STRAY}
