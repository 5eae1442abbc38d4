"""What people read about payments. The English text is what catalogues know it by."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple, assert_never

from processors.notifications.texts import Language
from schemas.payment import Refusal

Translate = Callable[[Language, str], str]
"""Returns a text in a language; in English where there is no other."""


class Bill(NamedTuple):
    """What a person reads on an invoice.

    Attributes:
        title: At most 32 characters (Bot API, sendInvoice).
        description: At most 255.
        label: Of its one line.
    """

    title: str
    description: str
    label: str


def bill(language: Language, translate: Translate, credits_bought: Decimal) -> Bill:
    """Return what stands on the invoice for so many credits."""
    bought = shown(credits_bought)
    title = translate(language, "Credits: {credits}").format(credits=bought)
    said = translate(language, "Credits for pictures and videos. They do not run out.")
    return Bill(title[:32], said[:255], title)


def refused(language: Language, translate: Translate, refusal: Refusal) -> str:
    """Say why an invoice cannot be paid; nothing was charged."""
    match refusal:
        case Refusal.UNKNOWN:
            return translate(language, "This invoice is not valid. Please ask for a new one: /buy")
        case Refusal.PAID:
            return translate(language, "This invoice has been paid already. For more credits: /buy")
        case Refusal.EXPIRED:
            return translate(language, "This invoice has expired. Please ask for a new one: /buy")
        case Refusal.GONE:
            return translate(language, "The account that this invoice is for cannot be credited.")
        case Refusal.LATER:
            return translate(language, "That does not work just now. Please try again in a minute.")
        case _:  # pragma: no cover - the match above is complete
            assert_never(refusal)


def arrived(language: Language, translate: Translate, bought: Decimal, balance: Decimal) -> str:
    """Say that a payment was credited."""
    said = translate(
        language, "Thank you! Your payment has arrived: +{credits} credits. Balance: {balance}."
    )
    return said.format(credits=shown(bought), balance=shown(balance))


def astray(language: Language, translate: Translate) -> str:
    """Say that a payment arrived and could not be credited to anybody."""
    return translate(
        language,
        "Your payment has arrived, but we could not tell which account it is for. "
        "We are looking into it; /paysupport says how to reach us.",
    )


def given_back(language: Language, translate: Translate, stars: int) -> str:
    """Say that a payment was refunded."""
    said = translate(
        language,
        "Your payment was refunded ({stars} Stars), and its credits were taken off the balance.",
    )
    return said.format(stars=stars)


def shown(amount: Decimal) -> str:
    """Write credits without zeros that say nothing: ``100``, ``2.5``."""
    whole = f"{amount:f}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole
