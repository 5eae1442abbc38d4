"""What an administrator does with people: find, give, block, name roles; each act written down."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from app.clock import Clock
from app.errors import ConflictError, ContendedError, IdempotencyMismatchError, NotFoundError
from app.ports import Deeds, Ledger, UserPage, Users
from app.usecases.money import Money
from app.usecases.register_user import Accounts
from schemas.base import UserId
from schemas.deed import Deed, DeedId
from schemas.ledger import Entry
from schemas.user import Account, Role, User

MAX_TRIES: Final = 10
"""Ten lost races in a row on one person mean that something is wrong."""
DEEDS_SHOWN: Final = 20

_OUR_ID: Final = re.compile(r"[0-9a-f]{32}")
_TELEGRAM_ID: Final = re.compile(r"[1-9][0-9]{0,15}")


class People:
    """Everybody, as administrators see them. `by` is always who does it: ``cli:ada``."""

    def __init__(
        self, users: Users, accounts: Accounts, ledger: Ledger, deeds: Deeds, clock: Clock
    ) -> None:
        self._users = users
        self._accounts = accounts
        self._ledger = ledger
        self._money = Money(ledger, clock)
        self._deeds = deeds
        self._clock = clock

    async def get(self, user_id: UserId) -> Account:
        """Return a person and what they own.

        Raises:
            NotFoundError: There is no such person.
        """
        return await self._accounts.account(await self._existing(user_id))

    async def find(self, words: str, limit: int = 20) -> tuple[User, ...]:
        """Return whom somebody may mean, at most so many.

        Args:
            words: Our id, a Telegram id, ``@username``, or the beginning of either name.
            limit: 1 to 200.
        """
        words = words.strip()
        found: User | None = None
        if _OUR_ID.fullmatch(words):
            found = await self._users.get(UserId(words))
        elif _TELEGRAM_ID.fullmatch(words):
            found = await self._users.by_telegram_id(int(words))
        if found is not None:
            return (found,)
        name = words.removeprefix("@")
        return await self._users.named(name, limit) if name else ()

    async def page(self, cursor: str | None, limit: int) -> UserPage:
        """Return a page of everybody, the newest first."""
        return await self._users.page(cursor, limit)

    async def entries(
        self, user_id: UserId, before: int | None, limit: int
    ) -> tuple[tuple[Entry, ...], int | None]:
        """Return a page of somebody's ledger, the last first, and where the next one begins.

        Raises:
            NotFoundError: There is no such person.
        """
        await self._existing(user_id)
        found = await self._ledger.history(user_id, before=before, limit=limit + 1)
        shown = found[:limit]
        return shown, shown[-1].seq if len(found) > limit else None

    async def deeds(self, user_id: UserId) -> tuple[Deed, ...]:
        """Return what was last done to somebody, the last first.

        Raises:
            NotFoundError: There is no such person.
        """
        await self._existing(user_id)
        return await self._deeds.about(_subject(user_id), DEEDS_SHOWN)

    async def grant(
        self, user_id: UserId, amount: Decimal, *, key: str | None, by: str, reason: str | None
    ) -> tuple[Entry, bool]:
        """Give credits; return the entry, and whether it was made just now.

        Args:
            user_id: To whom.
            amount: How many.
            key: What this grant is: the same again gives nothing. None: one of its own.
            by: Who gives them.
            reason: Why.

        Raises:
            NotFoundError: There is no such person.
            ConflictError: They are forgotten, or are to be, and could not spend it.
            LedgerError: It is no amount that can be given, or the key is another movement's.
            IdempotencyMismatchError: The key came with another amount or reason before.
            ContendedError: Others kept winning the write.
        """
        if (await self._existing(user_id)).gone:
            raise ConflictError("this person is forgotten, as they wished")
        named = f"grant:{key or self._clock.new_id()}"
        known = None if key is None else await self._ledger.by_key(named)
        entry = await self._money.grant(user_id, amount, key=named, by=by, reason=reason)
        if (entry.amount, entry.reason) != (amount, reason):
            raise IdempotencyMismatchError
        return entry, known is None

    async def block(self, user_id: UserId, *, by: str, reason: str | None = None) -> User:
        """Serve somebody no more: they order nothing; what runs goes on.

        Raises:
            NotFoundError: There is no such person.
            ContendedError: Others kept winning the write.
        """
        return await self._change(
            user_id, lambda each: each.change(blocked=True), "block", by, reason
        )

    async def unblock(self, user_id: UserId, *, by: str, reason: str | None = None) -> User:
        """Serve somebody again.

        Raises:
            NotFoundError: There is no such person.
            ContendedError: Others kept winning the write.
        """
        return await self._change(
            user_id, lambda each: each.change(blocked=False), "unblock", by, reason
        )

    async def set_roles(self, user_id: UserId, roles: Iterable[Role], *, by: str) -> User:
        """Give somebody these roles, and no others.

        Raises:
            NotFoundError: There is no such person.
            ContendedError: Others kept winning the write.
        """
        wanted = tuple(sorted(set(roles)))
        said = ", ".join(wanted) or "none"
        return await self._change(
            user_id, lambda each: each.change(roles=wanted), "roles", by, said
        )

    async def _change(
        self,
        user_id: UserId,
        decide: Callable[[User], User],
        verb: str,
        by: str,
        said: str | None,
    ) -> User:
        told = False
        for _ in range(MAX_TRIES):
            before = await self._existing(user_id)
            after = decide(before)
            if after == before:
                return before
            now = self._clock.now()
            if not told:
                # Before it is done: nothing that was done is unknown, whoever dies in between.
                await self._deeds.insert(
                    Deed(
                        id=DeedId(self._clock.new_id()),
                        at=now,
                        by=by,
                        verb=verb,
                        subject=_subject(user_id),
                        said=said,
                    )
                )
                told = True
            after = after.change(version=before.version + 1, updated_at=now)
            if await self._users.write(before, after):
                return after
        raise ContendedError(f"user {user_id}")

    async def _existing(self, user_id: UserId) -> User:
        found = await self._users.get(user_id) if _OUR_ID.fullmatch(user_id) else None
        if found is None:
            raise NotFoundError("user")
        return found


def _subject(user_id: UserId) -> str:
    return f"user:{user_id}"
