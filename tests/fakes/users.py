"""People in memory, honest about versions and unique keys."""

import unicodedata
from collections.abc import Sequence

from app.ports import UserPage
from schemas.base import UserId
from schemas.user import User
from tests.fakes.gates import Gate, ajar


class FakeUsers:
    """See app.ports.Users.

    Attributes:
        records: What is stored.
        gate: Passed before each call takes effect, and before it answers.
    """

    def __init__(self, *known: User, gate: Gate = ajar) -> None:
        self.records = {each.id: each for each in known}
        self.gate = gate

    async def get(self, user: UserId) -> User | None:
        """See app.ports.Users."""
        await self.gate()
        found = self.records.get(user)
        await self.gate()
        return found

    async def by_telegram_id(self, telegram_id: int) -> User | None:
        """See app.ports.Users."""
        await self.gate()
        found = [each for each in self.records.values() if each.telegram_id == telegram_id]
        await self.gate()
        return found[0] if found else None

    async def by_idempotency_key(self, key: str) -> User | None:
        """See app.ports.Users."""
        await self.gate()
        found = [each for each in self.records.values() if each.idempotency_key == key]
        await self.gate()
        return found[0] if found else None

    async def insert(self, user: User) -> bool:
        """See app.ports.Users."""
        await self.gate()
        free = not any(_clash(each, user) for each in self.records.values())
        if free:
            self.records[user.id] = user
        await self.gate()
        return free

    async def write(self, before: User, after: User) -> bool:
        """See app.ports.Users."""
        await self.gate()
        stored = self.records.get(before.id)
        current = stored is not None and stored.version == before.version
        if current:
            self.records[after.id] = after
        await self.gate()
        return current

    async def named(self, words: str, limit: int) -> tuple[User, ...]:
        """See app.ports.Users."""
        await self.gate()
        found = dict[UserId, User]()
        for name in ("username", "first_name"):
            having = [each for each in self.records.values() if _begins(each, name, words)]
            for each in sorted(having, key=lambda one: _bare(str(getattr(one, name)))):
                found.setdefault(each.id, each)
        return tuple(found.values())[:limit]

    async def page(self, cursor: str | None, limit: int) -> UserPage:
        """See app.ports.Users."""
        await self.gate()
        newest = sorted(self.records.values(), key=lambda each: each.id, reverse=True)
        rest = [each for each in newest if cursor is None or each.id < cursor]
        shown = tuple(rest[:limit])
        return UserPage(shown, shown[-1].id if len(rest) > limit else None)

    async def to_forget(self, limit: int) -> tuple[User, ...]:
        """See app.ports.Users."""
        await self.gate()
        wanted = [each for each in self.records.values() if each.forget_wanted_at is not None]
        return tuple(wanted[:limit])

    async def forgotten(self, digests: Sequence[str]) -> tuple[User, ...]:
        """See app.ports.Users."""
        await self.gate()
        return tuple(each for each in self.records.values() if each.telegram_digest in digests)


def _begins(user: User, field: str, words: str) -> bool:
    return _bare(str(getattr(user, field) or "")).startswith(_bare(words))


def _bare(text: str) -> str:
    """Take capital letters and accents away."""
    parts = unicodedata.normalize("NFD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))


def _clash(one: User, other: User) -> bool:
    return (
        one.id == other.id
        or (other.telegram_id is not None and one.telegram_id == other.telegram_id)
        or (other.idempotency_key is not None and one.idempotency_key == other.idempotency_key)
    )
