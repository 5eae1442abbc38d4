"""The inbox: every event we have answered 200 for, raw, and kept for a while."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from app.store.connection import Connection, answered
from schemas.run import Batch


class MongoInbox:
    """See app.ports.Inbox."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("inbox")

    async def insert(self, batch: Batch) -> None:
        """See app.ports.Inbox."""
        document = {
            "_id": batch.id,
            "at": batch.at,
            "events": [
                {
                    "generation": event.generation,
                    "attempt": event.attempt,
                    "engine": event.engine,
                    "at": event.at,
                    "raw": event.raw,
                }
                for event in batch.events
            ],
            "applied": False,
        }
        try:
            async with answered():
                await self._all.insert_one(document)
        except DuplicateKeyError:
            # A try whose answer never came had been written after all.
            return

    async def mark_applied(self, ids: Sequence[str]) -> None:
        """See app.ports.Inbox."""
        async with answered():
            await self._all.update_many({"_id": {"$in": list(ids)}}, {"$set": {"applied": True}})

    async def stale(self, before: datetime, limit: int) -> tuple[Batch, ...]:
        """See app.ports.Inbox."""
        async with answered():
            found = (
                await self._all.find({"applied": False, "at": {"$lt": before}})
                .sort("at", ASCENDING)
                .limit(limit)
                .to_list(None)
            )
        return tuple(Batch.read(each) for each in found)

    async def around(self, since: datetime, until: datetime) -> AsyncIterator[Batch]:
        """See app.ports.Inbox."""
        async with answered():
            query = {"at": {"$gte": since, "$lte": until}}
            async for each in self._all.find(query).sort("at", ASCENDING):
                yield Batch.read(each)
