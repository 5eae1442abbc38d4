"""Telegram Stars: what the list of transactions says.

Facts: https://core.telegram.org/bots/api#startransaction (Bot API 10.3). The list is in
chronological order; a refund is a line of its own, with the id of what was paid, and with the
person as its receiver.
"""

from typing import Final

from pydantic import ValidationError

from schemas.payment import STARS, Charge, Transaction
from schemas.wire.telegram import Partner, StarTransaction

NAME: Final = "telegram"
"""The provider's name in records."""
AT_ONCE: Final = 100
"""The most lines that `getStarTransactions` gives at once."""
INVOICE: Final = "invoice_payment"
"""The kind of a user's transaction that pays an invoice."""
ALREADY: Final = "CHARGE_ALREADY_REFUNDED"
"""Part of the refusal of a refund that has been made."""


def transaction(place: int, line: object) -> Transaction | None:
    """Translate a line of the list.

    Args:
        place: Its number in the list.
        line: As it came, as JSON values.

    Returns:
        None for what is no payment of an invoice, and no refund of one.
    """
    try:
        said = StarTransaction.model_validate(line)
        charge = _charge(said, said.source or said.receiver)
    except ValidationError:
        return None
    if charge is None:
        return None
    return Transaction(place=place, charge=charge, refunded=said.source is None)


def _charge(said: StarTransaction, partner: Partner | None) -> Charge | None:
    if partner is None or partner.user is None or not _pays(partner):
        return None
    return Charge(
        id=said.id,
        invoice=partner.invoice_payload or "",
        amount=said.amount,
        currency=STARS,
        payer=partner.user.id,
        at=said.date,
    )


def _pays(partner: Partner) -> bool:
    """Return whether a person paid an invoice; before Bot API 8.2 nothing else was possible."""
    return partner.type == "user" and partner.transaction_type in {None, INVOICE}
