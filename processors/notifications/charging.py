"""What an end says of money: what it comes to for the person, and why."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from processors.notifications.texts import Voice, in_credits
from schemas.base import Value

_UNCHARGED: Final = frozenset({"nothing_made", "not_completed"})
"""Reasons for which nothing is charged."""


class Charge(Value):
    """What a run comes to for the person, in credits."""

    price: Decimal | None = None
    """What was charged; where it was refunded, what had been. None while that is not known."""
    reason: str
    """How the price came about, or why there is none: ``price``, ``estimated`` (no cost was
    known, so the hold was taken), ``nothing_made``, ``not_completed``, ``cancel_fee``,
    ``free_late`` (it came after what was held had been returned), ``refunded``, or ``reserved``
    (the end is provisional). What a newer version adds is told by its price alone."""
    held: Decimal
    """What had been put aside for it."""


def lines(voice: Voice, charge: Charge) -> Iterator[str]:
    """Yield what is to be said of the money, line by line."""
    match charge.reason:
        case "reserved":
            yield voice.say(
                "Reserved until we know: {credits}", credits=in_credits(voice, charge.held)
            )
        case "refunded":
            back = charge.held if charge.price is None else charge.price
            yield voice.say("Returned: {credits}", credits=in_credits(voice, back))
        case "free_late":
            yield voice.say("Free of charge, because it came so late")
        case reason if charge.price is None and reason not in _UNCHARGED:
            yield voice.say("Price: not known yet")
        case reason:
            price = charge.price or Decimal(0)
            yield _price(voice, reason, price)
            if reason == "estimated":
                yield voice.say(
                    "Charged at most the reserved amount, since the cost is not known (estimated)"
                )
            if charge.held > price:
                back = charge.held - price
                yield voice.say("Returned: {credits}", credits=in_credits(voice, back))


def _price(voice: Voice, reason: str, price: Decimal) -> str:
    if not price:
        return voice.say("Not charged")
    if reason == "cancel_fee":
        return voice.say("Charged for what had run: {credits}", credits=in_credits(voice, price))
    return voice.say("Price: {credits}", credits=in_credits(voice, price))
