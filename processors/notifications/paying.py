"""What people read about payments."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple, assert_never

from processors.notifications import buttons
from processors.notifications.buttons import Button, Press, Rows
from processors.notifications.texts import Voice, in_credits
from schemas.payment import Refusal

TITLE_MOST: Final = 32
"""Characters of an invoice's title (Bot API 10.3, sendInvoice)."""
DESCRIPTION_MOST: Final = 255
"""Characters of its description (as above)."""


class Bill(NamedTuple):
    """What a person reads on an invoice.

    Attributes:
        title: At most `TITLE_MOST` characters.
        description: At most `DESCRIPTION_MOST`.
        label: Of its one line.
    """

    title: str
    description: str
    label: str


def bill(voice: Voice, bought: Decimal) -> Bill:
    """Return what stands on the invoice for so many credits."""
    title = in_credits(voice, bought)
    said = voice.say("Credits pay for what you order here. They do not expire.")
    return Bill(title[:TITLE_MOST], said[:DESCRIPTION_MOST], title)


def offer(voice: Voice, sizes: Sequence[tuple[int, Decimal]]) -> tuple[str, Rows]:
    """Return the question how much somebody wants to buy, and a button for each size.

    Args:
        voice: Theirs.
        sizes: Stars, and the credits that they buy.
    """
    rows = tuple((_size(voice, stars, bought),) for stars, bought in sizes)
    return voice.say("How many credits would you like to buy?"), rows


def refused(voice: Voice, refusal: Refusal) -> str:
    """Say why an invoice cannot be paid; nothing was charged."""
    match refusal:
        case Refusal.UNKNOWN:
            return voice.say("This invoice is not valid. Please ask for a new one: /buy")
        case Refusal.PAID:
            return voice.say("This invoice has been paid already. For more credits: /buy")
        case Refusal.EXPIRED:
            return voice.say("This invoice has expired. Please ask for a new one: /buy")
        case Refusal.GONE:
            return voice.say("The account that this invoice is for cannot be credited.")
        case Refusal.LATER:
            return voice.say("That does not work just now. Please try again in a minute.")
        case _:  # pragma: no cover - the match above is complete
            assert_never(refusal)


def arrived(voice: Voice, bought: Decimal, balance: Decimal) -> str:
    """Say that a payment was credited."""
    return voice.say(
        "Thank you! Your payment has arrived: {credits}. Balance now: {balance}.",
        credits=in_credits(voice, bought),
        balance=in_credits(voice, balance),
    )


def astray(voice: Voice) -> str:
    """Say that a payment arrived and could not be credited to anybody."""
    return voice.say(
        "Your payment has arrived, but we could not tell which account it is for. "
        "We are looking into it; /paysupport says how to reach us."
    )


def given_back(voice: Voice, stars: int) -> str:
    """Say that a payment was refunded."""
    return voice.plural(
        "Your payment of {n} Star was refunded. The credits that it brought are taken back.",
        "Your payment of {n} Stars was refunded. The credits that it brought are taken back.",
        stars,
    )


def unknown(voice: Voice) -> str:
    """Ask somebody whom we do not know yet to begin."""
    return voice.say("Please send /start first.")


def _size(voice: Voice, stars: int, bought: Decimal) -> Button:
    words = in_credits(voice, bought)
    return Button(text=f"⭐ {stars} → {words}", data=buttons.data(Press.BUY, str(stars)))
