"""Who was served when, in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.store.answering import answered
from app.store.connection import Connection


class MongoTurns:
    """See app.ports.Turns."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("turns")

    async def served(self, user: str, now: datetime) -> None:
        """See app.ports.Turns."""
        async with answered():
            await self._all.update_one({"_id": {"$eq": user}}, {"$max": {"at": now}}, upsert=True)

    async def last(self, users: Sequence[str]) -> Mapping[str, datetime]:
        """See app.ports.Turns."""
        async with answered():
            found = await self._all.find({"_id": {"$in": list(users)}}).to_list(None)
        return {each["_id"]: each["at"] for each in found}
