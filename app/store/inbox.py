"""The inbox: every event we have answered 200 for, raw, and kept for a while."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from pymongo import ASCENDING, WriteConcern
from pymongo.errors import DuplicateKeyError

from app.store.connection import Connection, answered
from schemas.run import Batch


class MongoInbox:
    """See app.ports.Inbox."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("inbox")
        # A mark that is lost means only that its events are applied once more.
        self._marked = self._all.with_options(  # pyright: ignore[reportUnknownMemberType] - motor leaves an argument's type open
            write_concern=WriteConcern(1, j=False)
        )

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
            await self._marked.update_many({"_id": {"$in": list(ids)}}, {"$set": {"applied": True}})

    async def mark_unapplied(self, ids: Sequence[str]) -> None:
        """See app.ports.Inbox."""
        async with answered():
            await self._all.update_many({"_id": {"$in": list(ids)}}, {"$set": {"applied": False}})

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
        """See app.ports.Inbox.

        Both indexes on the time are partial, so each half is asked for by its own.
        """
        async with answered():
            between = {"$gte": since, "$lte": until}
            query = {"$or": [{"applied": each, "at": between} for each in (True, False)]}
            async for each in self._all.find(query).sort("at", ASCENDING):
                yield Batch.read(each)
