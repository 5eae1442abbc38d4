"""What people read of their credits."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from app.telegram.conversation.layout import head, page
from processors.notifications.markup import Piece
from processors.notifications.texts import Voice, in_credits, message, moment
from schemas.ledger import Entry

# What is taken away has a minus before it, not a hyphen.
# ruff: noqa: RUF001
MOVEMENTS: Final[Mapping[str, str]] = {
    "welcome": message("a welcome: +{credits}"),
    "grant": message("given to you: +{credits}"),
    "hold": message("set aside for an order: −{credits}"),
    "close": message("an order ended: {taken} taken, {credits} came back"),
    "refund": message("an order was refunded: +{credits}"),
    "payment": message("bought: +{credits}"),
    "payback": message("a payment was refunded: −{credits}"),
}
"""By the kinds of the ledger's entries."""


def balance(voice: Voice, owned: Decimal, entries: Sequence[Entry]) -> str:
    """Return what somebody owns, and how it last moved, the last first."""
    pieces: list[Piece | str] = [
        head(voice.say("Your balance: {credits}", credits=in_credits(voice, owned)))
    ]
    pieces += [f"\n{moment(each.at)} · {movement(voice, each)}" for each in entries]
    return page(*pieces)


def movement(voice: Voice, entry: Entry) -> str:
    """Say why credits moved, and how many."""
    kind = "welcome" if entry.reason == "welcome" else entry.kind.value
    taken = in_credits(voice, entry.captured or Decimal(0))
    amount = in_credits(voice, abs(entry.amount))
    said = MOVEMENTS.get(kind)
    if said is not None:
        return voice.say(said, credits=amount, taken=taken)
    # Of a newer version: the amount says the most of it.
    return f"{'−' if entry.amount < 0 else '+'}{amount}"
