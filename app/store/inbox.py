"""The inbox: every event we have answered 200 for, raw, and kept for a while."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from datetime import datetime

import structlog
from pydantic import ValidationError
from pymongo import ASCENDING, WriteConcern
from pymongo.errors import DuplicateKeyError

from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document
from schemas.base import GenerationId
from schemas.run import Batch


class MongoInbox:
    """See app.ports.Inbox."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("inbox")
        self._odd = set[str]()
        self._log = structlog.get_logger()
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

    async def stale(
        self, before: datetime, limit: int, known: Collection[str] = ()
    ) -> tuple[Batch, ...]:
        """See app.ports.Inbox."""
        query: Document = {"applied": False, "at": {"$lt": before}}
        if left := [*known, *self._odd]:
            query["_id"] = {"$nin": left}
        async with answered():
            found = await self._all.find(query).sort("at", ASCENDING).limit(limit).to_list(None)
        return tuple(self._read(found))

    async def around(
        self, since: datetime, until: datetime, generation_id: GenerationId | None = None
    ) -> AsyncIterator[Batch]:
        """See app.ports.Inbox.

        Both indexes on the time are partial, so each half is asked for by its own.
        """
        between = {"$gte": since, "$lte": until}
        query: Document = {"$or": [{"applied": each, "at": between} for each in (True, False)]}
        stages: list[Document] = [{"$match": query}, {"$sort": {"at": ASCENDING}}]
        if generation_id is not None:
            query["events.generation"] = {"$eq": generation_id}
            ours = {"$eq": ["$$this.generation", {"$literal": generation_id}]}
            stages.append({"$set": {"events": {"$filter": {"input": "$events", "cond": ours}}}})
        async with answered():
            async for each in self._all.aggregate(stages):
                for batch in self._read([each]):
                    yield batch

    def _read(self, documents: Iterable[Document]) -> Iterator[Batch]:
        """Yield the batches that can be read; one that cannot must not hold up the others."""
        for document in documents:
            try:
                yield Batch.read(document)
            except ValidationError:
                # A batch is never changed: another look would find it as it is.
                self._odd.add(document["_id"])
                self._log.warning("a batch of the inbox is left alone", batch=document["_id"])
