"""The people who order, and what operators decide."""

from collections.abc import (
    Sequence,
)
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.base import UserId
from schemas.control import Control, Subject
from schemas.deed import Deed
from schemas.user import User


class Chats(Protocol):
    """What we know of chats. Every method may raise StoreDownError."""

    async def current(self, chat_id: int) -> int:
        """Return the id a chat has now: another than given when a group was migrated."""
        ...

    async def migrated(self, chat_id: int, to: int) -> None:
        """Remember that a group has a new id."""
        ...

    async def blocked(self, chat_id: int, why: str, now: datetime) -> None:
        """Remember that a chat refuses us."""
        ...

    async def refuses(self, chat_id: int) -> bool:
        """Return whether a chat is known to refuse us."""
        ...

    async def opened(self, chat_id: int) -> None:
        """Remember that a chat that refused us does so no more."""
        ...

    async def forget(self, chat_id: int) -> None:
        """Remember nothing of a chat any more."""
        ...


class UserPage(NamedTuple):
    """One page of people, the newest first, and where the next one begins."""

    items: tuple[User, ...]
    next: str | None


class Users(Protocol):
    """The people who order. Every method may raise StoreDownError or UnreadableError."""

    async def get(self, user: UserId) -> User | None:
        """Return the person with this id, or None."""
        ...

    async def by_telegram_id(self, telegram_id: int) -> User | None:
        """Return the person with this Telegram id, or None."""
        ...

    async def by_idempotency_key(self, key: str) -> User | None:
        """Return the person who was registered under this key, or None."""
        ...

    async def insert(self, user: User) -> bool:
        """Store a new person; return whether their id, Telegram id and key were all free."""
        ...

    async def write(self, before: User, after: User) -> bool:
        """Set what changed, if the record still is at the version of `before`; return whether.

        `after` is stored with its version and times as given.
        """
        ...

    async def named(self, words: str, limit: int) -> tuple[User, ...]:
        """Return people whose username or first name begins so, by the name.

        Capital letters and accents make no difference. Those found by their username come
        first; nobody comes twice. Those that this version cannot read are left out.
        """
        ...

    async def page(self, cursor: str | None, limit: int) -> UserPage:
        """Return a page of people; those that this version cannot read are left out.

        Args:
            cursor: `next` of the page before, or None for the first.
            limit: 1 to 200.
        """
        ...

    async def to_forget(self, limit: int) -> tuple[User, ...]:
        """Return people whose data is being removed."""
        ...

    async def forgotten(self, digests: Sequence[str]) -> tuple[User, ...]:
        """Return what is left of those who were forgotten under one of these digests."""
        ...


class Controls(Protocol):
    """What operators have stopped or capped. Every method may raise StoreDownError."""

    async def of(self, subjects: Sequence[Subject]) -> tuple[Control, ...]:
        """Return those of these controls that exist.

        Raises:
            UnreadableError: One is of a newer version, or damaged: it may be a pause.
        """
        ...

    async def all(self) -> tuple[Control, ...]:
        """Return every control, by its id.

        Raises:
            UnreadableError: One is of a newer version, or damaged.
        """
        ...

    async def write(self, before: Control | None, after: Control) -> bool:
        """Put `after` in the place of `before`, None where there was none; return whether."""
        ...


class Deeds(Protocol):
    """What administrators have done. Every method may raise StoreDownError."""

    async def insert(self, deed: Deed) -> None:
        """Store a deed."""
        ...

    async def about(self, subject: str, limit: int) -> tuple[Deed, ...]:
        """Return what was done to somebody or something, the last first."""
        ...
