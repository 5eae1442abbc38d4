"""Telegram Stars: invoices behind links, payments taken, and payments given back."""

import time
from dataclasses import dataclass, replace
from typing import Final

from sandbox.telegram.invoices import Invoice
from sandbox.telegram.messages import Json
from sandbox.telegram.refusals import Refusal

_LINK: Final = "https://t.me/$"
_MOST: Final = 100


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One payment, or one that goes back.

    Attributes:
        id: The `telegram_payment_charge_id`, shared by a payment and its refund.
        person: Whoever paid, as a `User`.
        at: When, in seconds since 1970.
        back: Whether it is the refund.
    """

    id: str
    person: Json
    invoice: Invoice
    at: int
    back: bool = False

    def told(self) -> Json:
        """Return it as the Bot API's `StarTransaction`."""
        partner: Json = {
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": self.person,
            "invoice_payload": self.invoice.payload,
        }
        return {
            "id": self.id,
            "amount": self.invoice.amount,
            "date": self.at,
            "receiver" if self.back else "source": partner,
        }

    def paid(self) -> Json:
        """Return it as the Bot API's `SuccessfulPayment` or `RefundedPayment`."""
        ours: Json = {"telegram_payment_charge_id": self.id}
        return self.invoice.due() | ours | {"provider_payment_charge_id": f"{self.id}_provider"}


class Stars:
    """A bot's account, in Stars; people have as many as they want to pay."""

    def __init__(self) -> None:
        self._links: dict[str, Invoice] = {}
        self._charges: list[Charge] = []
        self._made = 0

    def link(self, invoice: Invoice) -> str:
        """Return a link that this invoice can be paid at, by anybody, any number of times."""
        self._made += 1
        link = f"{_LINK}sandbox{self._made}"
        self._links[link] = invoice
        return link

    def behind(self, link: str) -> Invoice:
        """Return the invoice at a link.

        Raises:
            Refusal: There is none.
        """
        if link not in self._links:
            raise Refusal("SLUG_INVALID")
        return self._links[link]

    def take(self, person: Json, invoice: Invoice) -> Charge:
        """Take the Stars of somebody's payment."""
        self._made += 1
        charge = Charge(
            id=f"stars_{person['id']}_{time.time_ns()}_{self._made}",
            person=person,
            invoice=invoice,
            at=int(time.time()),
        )
        self._charges.append(charge)
        return charge

    def give_back(self, user_id: int, charge_id: str) -> Charge:
        """Give the Stars of a payment back, once, and return the refund.

        Raises:
            Refusal: There is no such payment of this person, or it was given back.
        """
        if not charge_id:
            raise Refusal("CHARGE_ID_EMPTY")
        same = [each for each in self._charges if each.id == charge_id]
        if not same or same[0].person["id"] != user_id:
            raise Refusal("CHARGE_NOT_FOUND")
        if len(same) > 1:
            raise Refusal("CHARGE_ALREADY_REFUNDED")
        back = replace(same[0], at=int(time.time()), back=True)
        self._charges.append(back)
        return back

    def transactions(self, offset: int, limit: int) -> list[Json]:
        """Return payments and refunds, oldest first.

        Raises:
            Refusal: The limit is not of 1 to 100.
        """
        if not 1 <= limit <= _MOST:
            raise Refusal("LIMIT_INVALID")
        return [each.told() for each in self._charges[max(0, offset) :][:limit]]

    def balance(self) -> int:
        """Return how many Stars the bot has."""
        return sum(-each.invoice.amount if each.back else each.invoice.amount
                   for each in self._charges)  # fmt: skip

    def clear(self) -> None:
        """Forget everything."""
        self._links.clear()
        self._charges.clear()
