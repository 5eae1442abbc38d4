"""What we know of chats, in MongoDB."""

from datetime import datetime

from app.store.answering import answered
from app.store.connection import Connection


class MongoChats:
    """See app.ports.Chats."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("chats")

    async def current(self, chat_id: int) -> int:
        """See app.ports.Chats."""
        async with answered():
            known = await self._all.find_one({"_id": {"$eq": chat_id}}, {"migratedTo": 1})
        return known.get("migratedTo", chat_id) if known else chat_id

    async def migrated(self, chat_id: int, to: int) -> None:
        """See app.ports.Chats."""
        async with answered():
            await self._all.update_one(
                {"_id": {"$eq": chat_id}}, {"$set": {"migratedTo": to}}, upsert=True
            )

    async def blocked(self, chat_id: int, why: str, now: datetime) -> None:
        """See app.ports.Chats."""
        async with answered():
            await self._all.update_one(
                {"_id": {"$eq": chat_id}},
                {"$set": {"blockedAt": now, "blockedWhy": why}},
                upsert=True,
            )

    async def refuses(self, chat_id: int) -> bool:
        """See app.ports.Chats."""
        async with answered():
            known = await self._all.find_one({"_id": {"$eq": chat_id}}, {"blockedAt": 1})
        return known is not None and "blockedAt" in known

    async def opened(self, chat_id: int) -> None:
        """See app.ports.Chats."""
        async with answered():
            await self._all.update_one(
                {"_id": {"$eq": chat_id}}, {"$unset": {"blockedAt": "", "blockedWhy": ""}}
            )

    async def forget(self, chat_id: int) -> None:
        """See app.ports.Chats."""
        async with answered():
            await self._all.delete_one({"_id": {"$eq": chat_id}})
