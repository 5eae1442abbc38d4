"""Decide the next entry of a person's ledger; see the package."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from processors.errors import (
    AlreadyRefundedError,
    AmountError,
    InsufficientCreditsError,
    KeyTakenError,
    NoLineError,
    NoPaymentError,
)
from schemas.base import GenerationId, PaymentId, UserId, plain
from schemas.ledger import GRAIN, MOST, Entry, EntryId, EntryKind

_ZERO: Final = Decimal(0).quantize(GRAIN)


class Act(NamedTuple):
    """Whose credits move, who moves them, and why.

    Attributes:
        id: Of the entry to be.
        by: Who does it: ``us``, ``cli:NAME``.
    """

    id: EntryId
    user: UserId
    by: str
    at: datetime
    reason: str | None = None


def hold_key(job: str) -> str:
    """Return the key of what is set aside for a job."""
    return f"hold:{job}"


def close_key(generation: GenerationId) -> str:
    """Return the key of the entry that settles a generation's line."""
    return f"close:{generation}"


def refund_key(generation: GenerationId) -> str:
    """Return the key of a generation's one refund."""
    return f"refund:{generation}"


def payment_key(charge: str) -> str:
    """Return the key of the credits that a charge brings."""
    return f"payment:{charge}"


def payback_key(charge: str) -> str:
    """Return the key of taking those credits back."""
    return f"payback:{charge}"


def welcome_key(user: UserId) -> str:
    """Return the key of somebody's one welcome."""
    return f"welcome:{user}"


def balance(last: Entry | None) -> Decimal:
    """Return what a person has after their last entry; nothing where there is none."""
    return _ZERO if last is None else last.balance


def accept(known: Entry, user: UserId, kind: EntryKind) -> Entry:
    """Return the entry that was found under a key, instead of making it again.

    Raises:
        KeyTakenError: It is another person's, or of another kind.
    """
    if known.user != user or known.kind is not kind:
        raise KeyTakenError(known.key, known.user)
    return known


def grant(last: Entry | None, act: Act, key: str, amount: Decimal) -> Entry:
    """Give credits.

    Raises:
        AmountError: It is not above zero, not a number, too fine, or too much.
    """
    given = _positive(amount, "amount")
    if balance(last) + given > MOST:
        raise AmountError("amount", f"would bring the balance over {plain(MOST)}")
    return _next(last, act, EntryKind.GRANT, key, given)


def hold(
    last: Entry | None,
    act: Act,
    job: str,
    lines: Mapping[GenerationId, Decimal],
    *,
    overdraft: Decimal = _ZERO,
) -> Entry:
    """Set credits aside for a job, all its lines or none.

    Args:
        last: The person's last entry.
        act: Whose and by whom.
        job: What they ordered.
        lines: For each of its generations the most that it can come to; zero for a free one.
        overdraft: How far below zero the balance may go, by explicit leave.

    Raises:
        InsufficientCreditsError: The balance does not cover it.
        AmountError: There is no line, or one of them is no amount.
    """
    if not lines:
        raise AmountError("lines", "must be one or more")
    held = {name: _amount(amount, f"lines.{name}") for name, amount in lines.items()}
    leave = _amount(overdraft, "overdraft")
    total = _amount(sum(held.values(), _ZERO), "lines")
    after = balance(last) - total
    if total and after < -leave:
        raise InsufficientCreditsError(balance(last), -leave - after)
    entry = _next(last, act, EntryKind.HOLD, hold_key(job), -total)
    return entry.change(lines=held, overdraft=leave if after < 0 else None)


def close(
    last: Entry | None,
    act: Act,
    held: Entry | None,
    generation: GenerationId,
    captured: Decimal,
    *,
    rate: Decimal | None = None,
) -> Entry:
    """Settle a line of a hold: capture at most what it holds, return the rest.

    Args:
        last: The person's last entry.
        act: Whose and by whom.
        held: The hold that the line is of.
        generation: Whose line it is.
        captured: What the person pays; zero where they pay nothing.
        rate: Credits for one USD, where the price follows the cost.

    Raises:
        NoLineError: The hold is not there, is another person's, or has no such line.
        AmountError: It is no amount, or more than the line.
    """
    line = (held.lines or {}).get(generation) if held and held.user == act.user else None
    if line is None:
        raise NoLineError(generation, "is held")
    paid = _amount(captured, "captured")
    if paid > line:
        raise AmountError("captured", f"is over the {plain(line)} that are held")
    entry = _next(last, act, EntryKind.CLOSE, close_key(generation), line - paid)
    return entry.change(
        generation=generation,
        captured=paid,
        returned=line - paid,
        rate=None if rate is None else _positive(rate, "rate"),
    )


def refund(
    last: Entry | None,
    act: Act,
    closed: Entry | None,
    generation: GenerationId,
    amount: Decimal | None = None,
) -> Entry:
    """Give back what was captured for a generation.

    Args:
        last: The person's last entry.
        act: Whose and by whom.
        closed: The entry that settled the generation's line.
        generation: Which one.
        amount: How much of what was captured; None for all of it.

    Raises:
        NoLineError: Nothing was captured from this person.
        AmountError: It is not above zero, no amount, or more than was captured.
    """
    captured = closed.captured if closed and closed.user == act.user else None
    if not captured:
        raise NoLineError(generation, "was captured")
    given = captured if amount is None else _positive(amount, "amount")
    if given > captured:
        raise AmountError("amount", f"is over the {plain(captured)} that were captured")
    entry = _next(last, act, EntryKind.REFUND, refund_key(generation), given)
    return entry.change(generation=generation)


def refunded(known: Entry, amount: Decimal | None) -> Entry:
    """Return the refund that was made, to whoever wanted this amount; None for whatever it was.

    Raises:
        AmountError: What is wanted is not above zero, or no amount.
        AlreadyRefundedError: Another amount was given back.
    """
    if amount is not None and _positive(amount, "amount") != known.amount:
        raise AlreadyRefundedError(known.amount)
    return known


def payment(
    last: Entry | None,
    act: Act,
    charge: str,
    amount: Decimal,
    *,
    record: PaymentId,
    rate: Decimal,
) -> Entry:
    """Credit what was bought. It is paid for already, so no balance is too high for it.

    Args:
        last: The person's last entry.
        act: Whose and by whom.
        charge: The provider's name of what was paid.
        amount: Credits that were bought.
        record: The payment.
        rate: Credits for one Star.

    Raises:
        AmountError: It is not above zero, or no amount.
    """
    bought = _positive(amount, "amount")
    entry = _next(last, act, EntryKind.PAYMENT, payment_key(charge), bought)
    return entry.change(payment=record, rate=_positive(rate, "rate"))


def payback(last: Entry | None, act: Act, paid: Entry | None, charge: str) -> Entry:
    """Take back what a charge has brought, spent or not: the money is with who paid again.

    The balance may go below zero; how far is written down as the leave that it had.

    Args:
        last: The person's last entry.
        act: Whose and by whom.
        paid: The entry that credited the charge.
        charge: The provider's name of what was paid.

    Raises:
        NoPaymentError: Nothing was credited to this person for it.
    """
    if paid is None or paid.user != act.user or paid.kind is not EntryKind.PAYMENT:
        raise NoPaymentError(charge)
    entry = _next(last, act, EntryKind.PAYBACK, payback_key(charge), -paid.amount)
    leave = -entry.balance if entry.balance < 0 else None
    return entry.change(payment=paid.payment, overdraft=leave)


def _next(last: Entry | None, act: Act, kind: EntryKind, key: str, amount: Decimal) -> Entry:
    return Entry(
        id=act.id,
        user=act.user,
        seq=1 if last is None else last.seq + 1,
        kind=kind,
        amount=amount,
        balance=balance(last) + amount,
        key=key,
        by=act.by,
        at=act.at,
        reason=act.reason,
    )


def _positive(amount: Decimal, field: str) -> Decimal:
    given = _amount(amount, field)
    if not given:
        raise AmountError(field, "must be above zero")
    return given


def _amount(amount: Decimal, field: str) -> Decimal:
    """Check an amount that may be zero; return it with 6 places."""
    if not amount.is_finite():
        raise AmountError(field, "is not a number")
    if amount < 0:
        raise AmountError(field, "is below zero")
    if amount > MOST:
        raise AmountError(field, f"is over {plain(MOST)}")
    given = abs(amount).quantize(GRAIN)
    if given != amount:
        raise AmountError(field, "has more than 6 decimal places")
    return given
