"""The ledger: every movement of somebody's credits, each a record that is never changed."""

from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NewType, Self

from pydantic import Field

from schemas.base import GenerationId, Money, PaymentId, Record, Time, UserId, newer

EntryId = NewType("EntryId", str)
"""32 lower-case hexadecimal digits: a uuid7."""

GRAIN: Final = Decimal("0.000001")
"""The smallest part of a credit."""

MOST: Final = Decimal(1_000_000_000)
"""Credits that one movement may be about, and that grants may bring a balance to. What Money
holds is a thousand times that: what was held can be returned whatever was granted since."""


class EntryKind(StrEnum):
    """Why credits moved."""

    GRANT = "grant"
    """Given, by an administrator or as a welcome."""
    HOLD = "hold"
    """Set aside for a job, a line for each of its generations."""
    CLOSE = "close"
    """A line of a hold is settled: part of it captured, the rest returned."""
    REFUND = "refund"
    """What was captured for a generation is given back, or part of it."""
    PAYMENT = "payment"
    """Bought: a payment has arrived."""
    PAYBACK = "payback"
    """What a payment brought is taken back, since the money has gone back to who paid."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a kind of a newer version as it is: its amount counts like any other."""
        return newer(cls, value) if isinstance(value, str) else None


class Entry(Record):
    """One movement of a person's credits."""

    id: EntryId = Field(validation_alias="_id", serialization_alias="_id")
    user: UserId
    seq: int = Field(ge=1)
    """The person's entries are numbered from 1, without gaps; unique with `user`."""
    kind: EntryKind
    amount: Money
    """What the balance changed by: below zero for a hold and a payback."""
    balance: Money
    """Of the person, after this entry."""
    key: str
    """What it does, so that it is done once: ``hold:JOB``, ``payment:CHARGE``; unique."""
    by: str
    """Who did it: ``us``, ``cli:NAME``."""
    at: Time
    reason: str | None = None
    """Why, in the words of whoever did it."""
    lines: dict[GenerationId, Money] | None = None
    """Of a hold: what is set aside for each generation."""
    overdraft: Money | None = None
    """Of a hold or a payback that took the balance below zero: how far it was allowed to."""
    generation: GenerationId | None = None
    """Of a close or a refund: which one it is about."""
    captured: Money | None = None
    """Of a close: what the person pays."""
    returned: Money | None = None
    """Of a close: what they get back; with `captured` it is the line that was held."""
    rate: Money | None = None
    """As it was then: of a close at a price that follows the cost, credits for one USD; of a
    payment, credits for one Star."""
    payment: PaymentId | None = None
    """Of a payment or a payback: its record."""

    def internal(self) -> dict[str, Any]:
        """Return the entry as the API shows it: ``id`` for ``_id``; every field is present."""
        shown = self.model_dump(mode="json", by_alias=True)
        return {"id": shown.pop("_id"), **shown}
