"""What the bot's conversation stands on: use cases and ports. Loads no aiogram."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.clock import Clock
from app.ports import Ledger, Presets, Storage
from app.usecases.choose_language import ChooseLanguage
from app.usecases.links import Links
from app.usecases.orders import Orders
from app.usecases.prices import Prices
from app.usecases.register_user import Accounts
from processors.notifications.texts import Translate
from schemas.base import UserId
from schemas.debt import DebtKind, Owing
from schemas.image import Image
from schemas.ledger import Entry
from schemas.user import Account, User


class TakeImage(Protocol):
    """Takes a picture in; see app.usecases.take_image."""

    async def __call__(self, content: bytes, *, owner: UserId | None) -> Image:
        """Return a picture as it is kept by now.

        Raises:
            ImageRefusedError: It is none that is taken.
            UnavailableError: Not now.
        """
        ...


class Duties(Protocol):
    """The operator's own texts, by a language's two letters; see app.usecases.duties."""

    def terms(self, language: str) -> str:
        """Return the terms of use."""
        ...

    def pay_support(self, language: str) -> str:
        """Return who helps with a payment."""
        ...


class Forget(Protocol):
    """Forgets people; see app.usecases.forget_user."""

    async def begin(self, user_id: UserId, *, by: str) -> object:
        """Have somebody forgotten.

        Raises:
            ConflictError: Something of theirs has not ended.
        """
        ...


class Sizes(Protocol):
    """Sells credits; see app.usecases.payments."""

    def sizes(self) -> tuple[tuple[int, Decimal], ...]:
        """Return what is offered: Stars, and the credits that they buy."""
        ...


class People(Protocol):
    """Everybody, as administrators see them; see app.usecases.people."""

    async def find(self, words: str, limit: int = 20) -> tuple[User, ...]:
        """Return whom somebody may mean."""
        ...

    async def get(self, user_id: UserId) -> Account:
        """Return a person and what they own."""
        ...

    async def grant(
        self, user_id: UserId, amount: Decimal, *, key: str | None, by: str, reason: str | None
    ) -> tuple[Entry, bool]:
        """Give credits, once for a key."""
        ...

    async def block(self, user_id: UserId, *, by: str, reason: str | None = None) -> User:
        """Serve somebody no more."""
        ...

    async def unblock(self, user_id: UserId, *, by: str, reason: str | None = None) -> User:
        """Serve somebody again."""
        ...


class Owers(Protocol):
    """Records that owe something; see app.ports.Debtors."""

    async def due(self, now: datetime, kinds: frozenset[DebtKind], limit: int) -> Sequence[Owing]:
        """Return records that owe a live debt of these kinds by `now`, the longest due first."""
        ...

    def dead(self) -> AsyncIterator[Owing]:
        """Yield the records that owe a dead debt, oldest first."""
        ...


@dataclass(frozen=True, kw_only=True)
class Cases:
    """What the conversation does things with.

    Attributes:
        take_image: None where no pictures are taken.
        duties: None where nobody has them.
        forget: None where nobody is forgotten.
        people: None where there is no administration.
        owers: Whose debts administrators see.
    """

    accounts: Accounts
    orders: Orders
    presets: Presets
    prices: Prices
    ledger: Ledger
    storage: Storage
    links: Links
    choose_language: ChooseLanguage
    translate: Translate
    clock: Clock
    take_image: TakeImage
    duties: Duties | None = None
    forget: Forget | None = None
    people: People | None = None
    owers: Sequence[Owers] = ()
