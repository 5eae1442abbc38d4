"""The people who order: who they are, and what they were promised."""

from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from schemas.base import Money, Record, Time, UserId, newer, plain

_HIDDEN = {"welcome", "idempotency_key", "idempotency_digest", "telegram_digest"}


class Role(StrEnum):
    """What somebody may do beyond ordering.

    Any other word is a role of the operator's own: presets are allowed by it, and limits are
    raised by it.
    """

    ADMIN = "admin"
    """May do everything that the bot's /admin does, and orders without limits."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a role of a newer version as it is: kept, and worth nothing here."""
        return newer(cls, value) if isinstance(value, str) else None


class User(Record):
    """Somebody who orders. What they own is in the ledger, not here."""

    id: UserId = Field(validation_alias="_id", serialization_alias="_id")
    telegram_id: int | None = None
    """Unique: whoever registers with it again is the same person."""
    username: str | None = None
    """Telegram's, without the ``@``."""
    first_name: str | None = None
    language: str | None = None
    """IETF tag of the language they are spoken to in; English where there is none."""
    roles: tuple[Role, ...] = ()
    blocked: bool = False
    """Whether we serve them no more."""
    forget_wanted_at: Time | None = None
    """Since when their data is being removed; gone once it is."""
    forgotten_at: Time | None = None
    """When their data was removed. What is left has no names, and stays for the ledger."""
    telegram_digest: str | None = None
    """Of somebody forgotten: a keyed digest of their Telegram id. Whoever comes again with it is
    given no second welcome, and is blocked if they were."""
    welcome: Money | None = None
    """Credits promised with the record; whoever next looks after this person grants them, once."""
    created_at: Time
    updated_at: Time
    version: int = 1
    """Raised by every write; every write names the one it replaces."""
    schema_version: int = 1
    idempotency_key: str | None = None
    """``{API key's digest}:{Idempotency-Key}``; unique, so that the insert is the claim."""
    idempotency_digest: str | None = None
    """Digest of the body that came with the key."""

    @property
    def gone(self) -> bool:
        """Whether they are forgotten, or are to be."""
        return self.forget_wanted_at is not None or self.forgotten_at is not None

    @property
    def served(self) -> bool:
        """Whether anything may be ordered by them, or sold to them."""
        return not (self.blocked or self.gone)

    def internal(self) -> dict[str, Any]:
        """Return the person as lists show them: ``id`` for ``_id``, without their balance.

        Every field is present; what is unknown is null.
        """
        shown = self.model_dump(mode="json", by_alias=True, exclude=_HIDDEN)
        return {"id": shown.pop("_id"), **shown}


class Account(Record):
    """A person and what they own."""

    user: User
    balance: Money
    """Credits; below zero only where somebody allowed that."""

    def internal(self) -> dict[str, Any]:
        """Return the person as the API shows them, with their balance."""
        return {**self.user.internal(), "balance": plain(self.balance)}
