"""What a record owes the world: decided, committed with its cause, and not yet done."""

from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from schemas.base import InstanceName, Item, Record, Time, newer


class DebtKind(StrEnum):
    """What has to be done."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    ASK = "ask"
    """Ask the engine how the run stands."""
    END = "end"
    """Turn an end that we heard into one that is written: engine asked, cost worked out."""
    KEEP = "keep"
    """Copy the outputs of an end into our storage."""
    SHOW = "show"
    """Bring the status message up to the newest state."""
    NOTIFY = "notify"
    """Tell the end to a chat."""
    CREDIT = "credit"
    """Put into the ledger what a payment has bought."""
    REFUND = "refund"
    """Have the provider give a payment's money back."""
    PAYBACK = "payback"
    """Take out of the ledger what a refunded payment had brought."""
    ALERT = "alert"
    """Have an operator know of a payment that nobody could be credited for."""
    SETTLE = "settle"
    """Close the line that is held for a generation, and tell its job what it came to."""
    START = "start"
    """Hold a job's credits, then make its generations."""
    ADVANCE = "advance"
    """Begin the steps of a job whose turn has come, or end those whose turn will never come."""
    WEBHOOK = "webhook"
    """Freeze what has happened into a delivery for each endpoint that listens."""
    DELIVER = "deliver"
    """Send a delivery to its endpoint."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a kind of a newer version as it is: kept, and taken up by nobody here."""
        return newer(cls, value) if isinstance(value, str) else None


OUTWARD: Final = frozenset({DebtKind.SHOW, DebtKind.NOTIFY, DebtKind.DELIVER})
"""Debts to people and programs: they die in the end. Those to ourselves never do."""

MANY_TRIES: Final = 6
"""Failed tries of an inward debt after which somebody should know."""

CHAT: Final = frozenset({DebtKind.SHOW, DebtKind.NOTIFY})
"""Debts that only the bot's one sender may discharge."""


class Debt(Item):
    """One thing owed by a record."""

    key: str
    """Unique within the record: owing the same again does not owe it twice."""
    kind: DebtKind
    target: str | None = None
    """To whom: a chat id. None where the kind says it all."""
    about: str | None = None
    """What it is about, looked at again just before it is done."""
    n: int = 1
    """Raised by every owing and every claim; an acknowledgement must name it."""
    attempts: int = 0
    """Tries that failed through this debt's own fault."""
    next_at: Time
    """Not before; while claimed, when the claim runs out."""
    by: InstanceName | None = None
    """Who has claimed it; None when nobody has."""
    last_error: str | None = None
    dead_at: Time | None = None
    """When it was given up; it stays to be seen and replayed."""


class Owing(Record):
    """A record that owes: every write of it matches `version`, adds 1 and writes its debts."""

    id: str = Field(validation_alias="_id", serialization_alias="_id")
    version: int = 1
    """Raised by every write; every write names the one it replaces."""
    updated_at: Time
    owed: tuple[Debt, ...] = ()
    due_at: Time | None = None
    """Earliest moment a live debt wants attention; absent when none does."""
