"""Payments: credits that somebody buys, from the invoice until the money went back."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import Field

from schemas.base import Money, PaymentId, Record, Time, UserId, Value, newer
from schemas.debt import Owing

STARS: Final = "XTR"
"""The currency code of Telegram Stars (Bot API, "Payments for digital goods")."""
STARS_MOST: Final = 10_000
"""The most Stars that one invoice may be about (Bot API, LabeledPrice; asked for by clients)."""

_HIDDEN: Final = {"owed", "due_at", "idempotency_key", "idempotency_digest", "sent_at", "hidden"}


class PaymentStatus(StrEnum):
    """How far a payment has come."""

    CREATED = "created"
    """There is an invoice, and nobody has paid it."""
    EXPIRED = "expired"
    """Nobody has paid it in time. Shown, never stored."""
    PAID = "paid"
    STRAY = "stray"
    """Paid, and nobody could be credited; `stray` says why."""
    REFUNDING = "refunding"
    """The money is to go back to who paid."""
    REFUNDED = "refunded"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a status of a newer version as it is."""
        return newer(cls, value) if isinstance(value, str) else None


class Stray(StrEnum):
    """Why nobody was credited for what was paid."""

    UNKNOWN_INVOICE = "unknown_invoice"
    """We never made that invoice, or have lost it."""
    OTHER_AMOUNT = "other_amount"
    """Another amount, or another currency, than the invoice's was paid."""
    USER_GONE = "user_gone"
    """Whoever it was for is not there any more, or is not served."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a reason of a newer version as it is."""
        return newer(cls, value) if isinstance(value, str) else None


class Refusal(StrEnum):
    """Why an invoice may not be paid. Each has words of its own for the person."""

    UNKNOWN = "unknown"
    """It is not ours, or has another price or currency than ours."""
    PAID = "paid"
    EXPIRED = "expired"
    GONE = "gone"
    """Whoever it is for is not there any more, or is not served."""
    LATER = "later"
    """We could not find out in time."""


class Checkout(Value):
    """What somebody is about to pay, as the provider asks before it takes the money."""

    invoice: str
    """What our invoice carried: the payment's id, if it is ours."""
    amount: int
    currency: str


class Charge(Checkout):
    """What somebody has paid, as the provider says."""

    id: Annotated[str, Field(min_length=1)]
    """The provider's name of it; unique."""
    amount: Annotated[int, Field(ge=1, le=STARS_MOST)]
    payer: int
    """Telegram id of who paid, which need not be who is credited."""
    at: datetime
    """By the provider's clock."""


class Transaction(Value):
    """One line of the provider's own list."""

    place: int
    """Its number in that list, from 0."""
    charge: Charge
    refunded: bool
    """Whether the money went back to the payer with it."""


class Comparison(Record):
    """How far our payments were compared with a provider's own list."""

    id: str = Field(validation_alias="_id", serialization_alias="_id")
    """The provider."""
    place: int = 0
    """Where the next comparison begins: what stands before it was done with long ago."""
    charge: str | None = None
    """What the line before that place is about; None at the beginning."""
    good_at: Time
    """When the last whole comparison was begun; where there is none, when one was first tried."""


class Payment(Owing):
    """Credits that somebody buys. The credits themselves are in the ledger."""

    id: PaymentId = Field(validation_alias="_id", serialization_alias="_id")  # pyright: ignore[reportIncompatibleVariableOverride] - nothing is ever assigned to it
    user: UserId | None = None
    """Whose credits; None where nobody can tell."""
    provider: str
    amount: int
    """What it costs, or what was paid, in the smallest unit of the currency: Stars."""
    currency: str = STARS
    credits: Money
    """What it brings; nothing for a stray one."""
    rate: Money
    """Credits for one Star, as they were when the invoice was made."""
    status: PaymentStatus = PaymentStatus.CREATED
    stray: Stray | None = None
    """Of a stray payment, refunded or not: why nobody was credited."""
    invoice: PaymentId | None = None
    """The payment whose invoice this was paid on, where that one could not take it."""
    invoice_url: str | None = None
    sent_at: Time | None = None
    """When its invoice was sent into a chat."""
    expires_at: Time | None = None
    """Whoever wants to pay later is refused."""
    charge_id: str | None = None
    """The provider's name of what was paid; unique."""
    payer: int | None = None
    """Telegram id of who paid; what is refunded goes there."""
    hidden: bool = False
    """Whether its person is forgotten: who paid is kept for a refund alone, and not shown."""
    paid_at: Time | None = None
    """By the provider's clock."""
    refunded_at: Time | None = None
    refund_by: str | None = None
    """Who wanted it refunded: ``cli:NAME``, ``api:KEY``; ``telegram`` where we were told."""
    refund_reason: str | None = None
    refund_refused: str | None = None
    """Why the provider did not give the money back when it was last asked to."""
    created_at: Time
    schema_version: int = 1
    idempotency_key: str | None = None
    """``{caller}:{Idempotency-Key}``; unique, so that the insert is the claim."""
    idempotency_digest: str | None = None
    """Digest of the body that came with the key."""

    def status_at(self, now: datetime) -> PaymentStatus:
        """Return the status as it is to be shown."""
        late = self.expires_at is not None and self.expires_at <= now
        unpaid = self.status is PaymentStatus.CREATED
        return PaymentStatus.EXPIRED if unpaid and late else self.status

    @property
    def shown_payer(self) -> int | None:
        """Who paid, as far as anybody is told."""
        return None if self.hidden else self.payer

    def internal(self, now: datetime) -> dict[str, Any]:
        """Return the payment as the API shows it: ``id`` for ``_id``, the status as it is now."""
        shown = self.model_dump(mode="json", by_alias=True, exclude=_HIDDEN)
        status = self.status_at(now).value
        return {"id": shown.pop("_id"), **shown, "payer": self.shown_payer, "status": status}
