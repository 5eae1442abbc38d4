"""Telegram's words about Stars, as far as we read them (Bot API 10.3)."""

from datetime import datetime

from schemas.base import Wire


class Person(Wire):
    """User: somebody at Telegram."""

    id: int


class Partner(Wire):
    """TransactionPartner: where Stars came from, or went to."""

    type: str
    """``user`` for somebody who paid; whatever else there is or will be is no payment."""
    transaction_type: str | None = None
    user: Person | None = None
    invoice_payload: str | None = None


class StarTransaction(Wire):
    """One line of `getStarTransactions`."""

    id: str
    """That of a payment is its `telegram_payment_charge_id`; a refund has the same."""
    amount: int
    date: datetime
    source: Partner | None = None
    """Of what came in."""
    receiver: Partner | None = None
    """Of what went out."""
