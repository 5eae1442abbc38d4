"""The people who order, in MongoDB."""

from pydantic import ValidationError
from pymongo.errors import DuplicateKeyError

from app.errors import UnreadableError
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, update
from schemas.base import UserId
from schemas.user import User


class MongoUsers:
    """See app.ports.Users."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("users")

    async def get(self, user: UserId) -> User | None:
        """See app.ports.Users."""
        return await self._one({"_id": {"$eq": user}})

    async def by_telegram_id(self, telegram_id: int) -> User | None:
        """See app.ports.Users."""
        return await self._one({"telegramId": {"$eq": telegram_id}})

    async def by_idempotency_key(self, key: str) -> User | None:
        """See app.ports.Users."""
        return await self._one({"idempotencyKey": {"$eq": key}})

    async def insert(self, user: User) -> bool:
        """See app.ports.Users."""
        try:
            async with answered():
                await self._all.insert_one(user.document())
        except DuplicateKeyError:
            return False
        return True

    async def write(self, before: User, after: User) -> bool:
        """See app.ports.Users."""
        chosen = {"_id": {"$eq": before.id}, "version": {"$eq": before.version}}
        async with answered():
            result = await self._all.update_one(chosen, update(before, after))
        return result.matched_count == 1

    async def _one(self, query: Document) -> User | None:
        async with answered():
            found = await self._all.find_one(query)
        if found is None:
            return None
        try:
            return User.read(found)
        except ValidationError:
            # Without the cause, which quotes what the record holds.
            raise UnreadableError(f"user {found['_id']}") from None
