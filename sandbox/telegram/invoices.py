"""Invoices in Telegram Stars: what Telegram takes, and how it shows them.

The rules are those of https://core.telegram.org/bots/api#sendinvoice for the currency XTR.
"""

from dataclasses import dataclass
from typing import Final

from sandbox.telegram import calls
from sandbox.telegram.calls import Call
from sandbox.telegram.refusals import Refusal

STARS: Final = "XTR"
_TITLE: Final = range(1, 33)
_DESCRIPTION: Final = range(1, 256)
_PAYLOAD_BYTES: Final = range(1, 129)

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """What a bot wants to be paid for.

    Attributes:
        payload: The bot's own words, told to nobody else.
        amount: In Stars.
    """

    title: str
    description: str
    payload: str
    amount: int

    def shown(self) -> Json:
        """Return it as the Bot API's `Invoice`, which leaves the payload out."""
        return {
            "title": self.title,
            "description": self.description,
            "start_parameter": "",
            "currency": STARS,
            "total_amount": self.amount,
        }

    def due(self) -> Json:
        """Return the fields that a payment of it tells the bot."""
        return {
            "currency": STARS,
            "total_amount": self.amount,
            "invoice_payload": self.payload,
        }


def of(call: Call) -> Invoice:
    """Return the invoice that a call describes.

    Raises:
        Refusal: It is not one in Stars, or not whole.
    """
    title, description, payload = map(call.text, ("title", "description", "payload"))
    if len(title) not in _TITLE:
        raise Refusal("TITLE_INVALID")
    if len(description) not in _DESCRIPTION:
        raise Refusal("DESCRIPTION_INVALID")
    if len(payload.encode()) not in _PAYLOAD_BYTES:
        raise Refusal("INVOICE_PAYLOAD_INVALID")
    if call.text("currency") != STARS:
        raise Refusal("PAYMENT_PROVIDER_INVALID")
    return Invoice(title=title, description=description, payload=payload, amount=_amount(call))


def keyboard(given: Json | None, amount: int) -> Json:
    """Return the keyboard of an invoice: one to pay with, unless the bot gave its own.

    Raises:
        Refusal: The bot's own does not begin with a button to pay with.
    """
    if not given:
        return {"inline_keyboard": [[{"text": f"Pay ⭐️{amount}", "pay": True}]]}
    rows = given.get("inline_keyboard")
    first = rows[0][0] if isinstance(rows, list) and rows and rows[0] else {}  # pyright: ignore[reportUnknownVariableType]
    if not calls.record(first, "reply_markup").get("pay"):  # pyright: ignore[reportUnknownArgumentType]
        raise Refusal("REPLY_MARKUP_BUY_EMPTY")
    return given


def _amount(call: Call) -> int:
    prices = call.structure("prices")
    if not isinstance(prices, list) or len(prices) != 1:  # pyright: ignore[reportUnknownArgumentType]
        raise Refusal("STARS_INVOICE_INVALID")
    # A JSON array holds anything; the one item is looked at here.
    amount = calls.record(prices[0], "prices").get("amount")  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
        raise Refusal("CURRENCY_TOTAL_AMOUNT_INVALID")
    return amount
