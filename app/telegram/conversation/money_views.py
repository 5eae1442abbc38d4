"""What people read of their credits."""

from collections.abc import Sequence
from decimal import Decimal

from app.telegram.conversation.layout import head, moment, page
from processors.notifications.markup import Piece
from processors.notifications.texts import Voice, in_credits
from schemas.ledger import Entry


def balance(voice: Voice, owned: Decimal, entries: Sequence[Entry]) -> str:
    """Return what somebody owns, and how it last moved, the last first."""
    pieces: list[Piece | str] = [
        head(voice.say("Your balance: {credits}", credits=in_credits(voice, owned)))
    ]
    pieces += [f"\n{moment(each.at)} · {movement(voice, each)}" for each in entries]
    return page(*pieces)


def movement(voice: Voice, entry: Entry) -> str:
    """Say why credits moved, and how many."""
    amount = in_credits(voice, abs(entry.amount))
    # Kinds of a newer version are told by their amount alone.
    match entry.kind.value:
        case "grant" if entry.reason == "welcome":
            return voice.say("a welcome: +{credits}", credits=amount)
        case "grant":
            return voice.say("given to you: +{credits}", credits=amount)
        case "hold":
            return voice.say("set aside for an order: −{credits}", credits=amount)  # noqa: RUF001 - a minus
        case "close":
            taken = in_credits(voice, entry.captured or Decimal(0))
            return voice.say(
                "an order ended: {taken} taken, {credits} came back", taken=taken, credits=amount
            )
        case "refund":
            return voice.say("an order was refunded: +{credits}", credits=amount)
        case "payment":
            return voice.say("bought: +{credits}", credits=amount)
        case "payback":
            return voice.say("a payment was refunded: −{credits}", credits=amount)  # noqa: RUF001 - a minus
        case _:
            return f"{'−' if entry.amount < 0 else '+'}{amount}"  # noqa: RUF001 - a minus
