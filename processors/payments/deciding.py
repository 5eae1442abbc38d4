"""Decide what becomes of a payment; see the package."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from processors import debts
from processors.debts import Taker
from processors.errors import NotPaidError
from schemas.base import PaymentId, UserId
from schemas.debt import Debt, DebtKind
from schemas.ledger import GRAIN, MOST
from schemas.payment import STARS_MOST, Charge, Checkout, Payment, PaymentStatus, Refusal, Stray
from schemas.user import User

CREDIT: Final = DebtKind.CREDIT.value
REFUND: Final = DebtKind.REFUND.value
PAYBACK: Final = DebtKind.PAYBACK.value
ALERT: Final = DebtKind.ALERT.value
"""Keys of what a payment may owe."""


class Outcome(NamedTuple):
    """What a charge comes to.

    Attributes:
        before: The record to be replaced, or None: `after` is a new one.
        after: The charge's own record.
    """

    before: Payment | None
    after: Payment


def credits_for(stars: int, rate: Decimal) -> Decimal:
    """Return what so many Stars buy: exact, as a rate has at most 6 places."""
    return (stars * rate).quantize(GRAIN)


def made(
    payment_id: PaymentId,
    user: UserId,
    stars: int,
    *,
    provider: str,
    rate: Decimal,
    now: datetime,
    lasts: timedelta,
    key: str | None = None,
    digest: str | None = None,
) -> Payment:
    """Make a payment that nobody has paid yet.

    Args:
        payment_id: Its id, which its invoice carries.
        user: Whose credits.
        stars: What it costs, 1 to `STARS_MOST`.
        provider: Who takes the money.
        rate: Credits for one Star.
        now: When.
        lasts: How long it may be paid.
        key: The caller's key, or None.
        digest: Of what came with the key.

    Raises:
        ValueError: It is no such number of Stars, or more credits than can be moved.
    """
    bought = credits_for(stars, rate)
    if not 1 <= stars <= STARS_MOST or not 0 < bought <= MOST:
        raise ValueError(f"{stars} Stars cannot be bought for")
    return Payment(
        id=payment_id,
        user=user,
        provider=provider,
        amount=stars,
        credits=bought,
        # Shown at once as it will be read back.
        rate=rate.quantize(GRAIN),
        expires_at=now + lasts,
        created_at=now,
        updated_at=now,
        idempotency_key=key,
        idempotency_digest=digest,
    )


def refuse(
    payment: Payment | None, user: User | None, asked: Checkout, now: datetime
) -> Refusal | None:
    """Return why an invoice may not be paid, or None where it may: by whoever likes to.

    Args:
        payment: The one that the invoice names, if there is one.
        user: Whose credits it would be.
        asked: What is about to be paid.
        now: When.
    """
    if payment is None or not _same(payment, asked):
        return Refusal.UNKNOWN
    if payment.status is not PaymentStatus.CREATED:
        return Refusal.PAID
    if payment.status_at(now) is PaymentStatus.EXPIRED:
        return Refusal.EXPIRED
    return None if user is not None and user.served else Refusal.GONE


def paid(
    invoice: Payment | None,
    user: User | None,
    charge: Charge,
    *,
    provider: str,
    new_id: PaymentId,
    now: datetime,
    taker: Taker | None = None,
) -> Outcome:
    """Take down a charge that no record has yet.

    It is too late to refuse anything: it was paid. What is late is credited all the same, and
    so is a second charge on an invoice that had been paid, to the same person. Whoever is not
    served any more could not spend it: that is for a person to decide.

    Args:
        invoice: The payment that the charge's invoice names, if there is one.
        user: Whose credits it would be, if they are there.
        charge: What was paid.
        provider: Whose word it is.
        new_id: The id of a record, should one have to be made.
        now: When.
        taker: Claims what is owed for it, if it may.
    """
    stray = _stray(invoice, user, charge)
    if invoice is not None and invoice.status is PaymentStatus.CREATED and _same(invoice, charge):
        before, record = invoice, invoice
    else:
        before, record = None, _sibling(invoice, charge, provider, new_id, now)
    after = record.change(
        status=PaymentStatus.PAID if stray is None else PaymentStatus.STRAY,
        stray=stray,
        charge_id=charge.id,
        payer=charge.payer,
        paid_at=charge.at,
        credits=record.credits if stray is None else Decimal(0),
    )
    kind = DebtKind.ALERT if stray else DebtKind.CREDIT
    return Outcome(before, _owing(after, kind, now, taker))


def refund_wanted(
    payment: Payment, *, by: str, reason: str, now: datetime, taker: Taker | None = None
) -> Payment:
    """Owe the money back to who paid; one that goes back, or has gone, stays as it is.

    Raises:
        NotPaidError: There is nothing to give back.
    """
    if payment.status in {PaymentStatus.REFUNDING, PaymentStatus.REFUNDED}:
        return payment
    if payment.charge_id is None:
        raise NotPaidError
    wanted = payment.change(
        status=PaymentStatus.REFUNDING, refund_by=by, refund_reason=reason, refund_refused=None
    )
    return _owing(wanted, DebtKind.REFUND, now, taker)


def given_back(payment: Payment, *, by: str, now: datetime, taker: Taker | None = None) -> Payment:
    """Write down that the money is back with who paid: what it had bought is owed to us.

    Whoever is told so without having asked, or twice, may say so again.
    """
    if payment.status is PaymentStatus.REFUNDED:
        return payment
    after = payment.change(
        status=PaymentStatus.REFUNDED,
        refunded_at=now,
        refund_by=payment.refund_by or by,
        payer=payment.shown_payer,
    )
    after = debts.put(after, debts.forget(after.owed, {DebtKind.REFUND}))
    return after if after.stray else _owing(after, DebtKind.PAYBACK, now, taker)


def refund_refused(payment: Payment, why: str) -> Payment:
    """Leave the payment as it was before, since the provider will not give the money back."""
    if payment.status is not PaymentStatus.REFUNDING:
        return payment
    after = payment.change(
        status=PaymentStatus.STRAY if payment.stray else PaymentStatus.PAID, refund_refused=why
    )
    return debts.put(after, debts.forget(after.owed, {DebtKind.REFUND}))


def _same(payment: Payment, asked: Checkout) -> bool:
    return (payment.amount, payment.currency) == (asked.amount, asked.currency)


def _stray(invoice: Payment | None, user: User | None, charge: Charge) -> Stray | None:
    if invoice is None:
        return Stray.UNKNOWN_INVOICE
    if not _same(invoice, charge):
        return Stray.OTHER_AMOUNT
    return None if user is not None and user.served else Stray.USER_GONE


def _sibling(
    invoice: Payment | None, charge: Charge, provider: str, new_id: PaymentId, now: datetime
) -> Payment:
    """Return a record for a charge that cannot be the one its invoice was made for."""
    return Payment(
        id=new_id,
        user=invoice.user if invoice else None,
        provider=provider,
        amount=charge.amount,
        currency=charge.currency,
        credits=invoice.credits if invoice else Decimal(0),
        rate=invoice.rate if invoice else Decimal(0),
        invoice=invoice.id if invoice else None,
        hidden=invoice is not None and invoice.hidden,
        created_at=now,
        updated_at=now,
    )


def _owing(payment: Payment, kind: DebtKind, now: datetime, taker: Taker | None) -> Payment:
    debt = Debt(key=kind.value, kind=kind, next_at=now)
    return debts.put(payment, debts.owe(payment.owed, debt, taker=taker))
