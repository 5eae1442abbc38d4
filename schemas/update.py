"""An update of Telegram as we keep it: raw, and what has to be known to handle it."""

from pydantic import Field

from schemas.base import Record, Time


class Update(Record):
    """One update, kept from the moment it is answered for until it cannot be repeated."""

    id: int = Field(validation_alias="_id", serialization_alias="_id")
    """Telegram's ``update_id``, at most 63 bits."""
    at: Time
    """When it was taken in."""
    kind: str
    """What it brings, as Telegram calls it: ``message``, ``callback_query``."""
    lane: str
    """Those of one lane are handled one at a time, in the order of their ids."""
    chat_id: int | None = None
    """Where it happened; None for what happens in no chat."""
    raw: bytes
    """The JSON as it came."""
    open: bool = True
    """Whether it is still to be handled."""
    due_at: Time
    """Not to be handled before."""
    tries: int = 0
    """How often it was claimed. Whoever writes about it names the claim by this number."""
    faults: int = 0
    """How many of these are held against it: those that failed by themselves, and those whose
    process ended."""
    ended_at: Time | None = None
    error: str | None = None
    """Why the last try failed; the last word where it was given up."""
