"""People in memory, honest about versions and unique keys."""

from schemas.base import UserId
from schemas.user import User
from tests.fakes.gates import Gate, ajar


class FakeUsers:
    """See app.ports.Users.

    Attributes:
        records: What is stored.
        gate: Passed before each call takes effect, and before it answers.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.records = dict[UserId, User]()
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


def _clash(one: User, other: User) -> bool:
    return (
        one.id == other.id
        or (other.telegram_id is not None and one.telegram_id == other.telegram_id)
        or (other.idempotency_key is not None and one.idempotency_key == other.idempotency_key)
    )
