"""Register people: by Telegram id, as often as somebody likes, and each of them once."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from app.clock import Clock
from app.errors import ContendedError, IdempotencyMismatchError
from app.ports import Users
from app.usecases.money import Money
from processors import ledger
from schemas.base import UserId
from schemas.user import Account, User
from schemas.wire.api import NewUser

MAX_TRIES: Final = 10
"""Ten lost races in a row on one person mean that something is wrong."""
BY: Final = "us"
"""Who gives the welcome."""

Digests = Callable[[int], Sequence[str]]


def no_digests(telegram_id: int) -> Sequence[str]:
    """Know nobody again."""
    del telegram_id
    return ()


class Accounts:
    """People and what they own.

    Args:
        users: Who is known.
        money: Their credits.
        clock: The time, and ids.
        welcome: Credits that a new person is given; zero gives none.
        digests: What somebody with a Telegram id may have been forgotten under.
    """

    def __init__(
        self,
        users: Users,
        money: Money,
        clock: Clock,
        *,
        welcome: Decimal,
        digests: Digests = no_digests,
    ) -> None:
        self._users = users
        self._digests = digests
        self._money = money
        self._clock = clock
        self._welcome = welcome

    async def register(
        self, new: NewUser, *, key: str | None = None, digest: str | None = None
    ) -> tuple[Account, bool]:
        """Return the person with this Telegram id and whether they are new.

        Of somebody known, the names are brought up to date; the language is theirs to change.
        What was promised to them and not given yet, since we died in between, is given now.

        Raises:
            IdempotencyMismatchError: The key came with another body before.
            ContendedError: Others kept winning the write.
        """
        for _ in range(MAX_TRIES):
            await self._check_key(key, digest)
            known = await self._users.by_telegram_id(new.telegram_id)
            if known is None:
                made = await self._returned(self._made(new, key, digest), new.telegram_id)
                if await self._users.insert(made):
                    return await self.account(made), True
                continue
            after = self._refreshed(known, new)
            if after is known or await self._users.write(known, after):
                return await self.account(after), False
        raise ContendedError(f"the person with Telegram id {new.telegram_id}")

    async def by_telegram_id(self, telegram_id: int) -> Account | None:
        """Return a person and what they own, or None."""
        user = await self._users.by_telegram_id(telegram_id)
        return None if user is None else await self.account(user)

    async def account(self, user: User) -> Account:
        """Return what a person owns, with the welcome that they were promised."""
        if user.welcome is not None:
            key = ledger.welcome_key(user.id)
            await self._money.grant(user.id, user.welcome, key=key, by=BY, reason="welcome")
        return Account(user=user, balance=await self._money.balance(user.id))

    async def _check_key(self, key: str | None, digest: str | None) -> None:
        known = None if key is None else await self._users.by_idempotency_key(key)
        if known is not None and known.idempotency_digest != digest:
            raise IdempotencyMismatchError

    def _made(self, new: NewUser, key: str | None, digest: str | None) -> User:
        now = self._clock.now()
        return User(
            id=UserId(self._clock.new_id()),
            telegram_id=new.telegram_id,
            username=new.username,
            first_name=new.first_name,
            language=new.language,
            welcome=self._welcome or None,
            created_at=now,
            updated_at=now,
            idempotency_key=key,
            idempotency_digest=digest,
        )

    async def _returned(self, made: User, telegram_id: int) -> User:
        """Return a new person as they are if they were forgotten before.

        They are given no second welcome, and being forgotten lets nobody in who was blocked.
        """
        digests = self._digests(telegram_id)
        before = await self._users.forgotten(digests) if digests else ()
        if not before:
            return made
        return made.change(welcome=None, blocked=any(each.blocked for each in before))

    def _refreshed(self, known: User, new: NewUser) -> User:
        """Return the person with the names they have now; what is not said stays."""
        after = known.change(
            username=known.username if new.username is None else new.username,
            first_name=known.first_name if new.first_name is None else new.first_name,
            language=known.language or new.language,
        )
        if after == known:
            return known
        return after.change(version=known.version + 1, updated_at=self._clock.now())
