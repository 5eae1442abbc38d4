"""Deeds of administration: who did what, to whom, when and why. They are never changed."""

from typing import Any, NewType

from pydantic import Field

from schemas.base import Record, Time

DeedId = NewType("DeedId", str)
"""32 lower-case hexadecimal digits: a uuid7, so ids sort by time."""


class Deed(Record):
    """One thing that somebody did who may. Movements of credits are in the ledger instead."""

    id: DeedId = Field(validation_alias="_id", serialization_alias="_id")
    at: Time
    by: str
    """Who: ``cli:NAME``, ``api:KEY`` (a digest's beginning), ``telegram:ID``."""
    verb: str
    """What: ``block``, ``unblock``, ``roles``, ``forget``, ``pause``, ``resume``, ``cap``,
    ``reset``; of endpoints ``webhook-add``, ``webhook-change``, ``webhook-pause`` and so on."""
    subject: str
    """To whom or what: ``user:ID``, ``engine:NAME``, ``preset:NAME``, ``job:ID``,
    ``generation:ID``, ``endpoint:ID``."""
    said: str | None = None
    """Why, or to what, in the words of whoever did it."""

    def internal(self) -> dict[str, Any]:
        """Return the deed as the API shows it; every field is present."""
        return self.model_dump(mode="json", by_alias=True, exclude={"id"})
