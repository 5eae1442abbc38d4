"""Telegram's updates, raw, and whose turn it is in each lane, in MongoDB."""

import hashlib
from datetime import datetime

import structlog
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from app.errors import UnreadableError
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read
from schemas.base import InstanceName
from schemas.update import Update


class MongoUpdates:
    """See app.ports.Updates.

    A lane that is held has a document of its own, whose unique ``_id`` decides races. It goes
    away with its holder; that of a crashed one is taken over.
    """

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("updates")
        self._lanes = connection.collection("updateLanes")
        self._log = structlog.get_logger()

    async def insert(self, update: Update) -> bool:
        """See app.ports.Updates."""
        try:
            async with answered():
                await self._all.insert_one(update.document())
        except DuplicateKeyError:
            return False
        return True

    async def keep_malformed(self, raw: bytes, at: datetime) -> None:
        """See app.ports.Updates."""
        name = f"malformed:{hashlib.sha256(raw).hexdigest()}"
        async with answered():
            await self._all.update_one(
                {"_id": {"$eq": name}},
                {"$setOnInsert": {"at": at, "raw": raw, "open": False}},
                upsert=True,
            )

    async def due(self, by: InstanceName, now: datetime, limit: int) -> tuple[str, ...]:
        """See app.ports.Updates.

        Answered by an index alone, so that a backlog does not make the looks for it slow; mostly
        there is nothing open, and that is a single small question.
        """
        async with answered():
            if await self._all.find_one({"open": True}, {"_id": 1}) is None:
                return ()
            held = self._lanes.find({"until": {"$gt": now}, "holder": {"$ne": by}})
            others = [each["_id"] for each in await held.to_list(None)]
            stages: list[Document] = [
                {"$match": {"open": True}},
                {"$sort": {"open": ASCENDING, "lane": ASCENDING, "_id": ASCENDING}},
                {
                    "$group": {
                        "_id": "$lane",
                        "first": {"$first": "$_id"},
                        "at": {"$first": "$dueAt"},
                    }
                },
                {"$match": {"at": {"$lte": now}, "_id": {"$nin": others}}},
                {"$sort": {"first": ASCENDING}},
                {"$limit": limit},
            ]
            found = await self._all.aggregate(stages).to_list(None)
        return tuple(each["_id"] for each in found)

    async def claim(
        self, lane: str, by: InstanceName, now: datetime, until: datetime
    ) -> Update | None:
        """See app.ports.Updates."""
        if not await self._hold(lane, by, now, until):
            return None
        async with answered():
            first = await self._all.find_one(
                {"lane": {"$eq": lane}, "open": True}, sort=[("_id", ASCENDING)]
            )
            if first is None or first["dueAt"] > now:
                return None
            counted = {"tries": first["tries"] + 1, "faults": first["faults"] + 1}
            result = await self._all.update_one(
                {"_id": {"$eq": first["_id"]}, "tries": {"$eq": first["tries"]}, "open": True},
                {"$set": counted},
            )
        if not result.matched_count:
            return None
        try:
            return read(Update, first | counted)
        except UnreadableError as error:
            # It must not hold its lane up for ever: it is kept, and nobody handles it.
            self._log.error("an update is left alone", error=str(error))
            over = {"open": False, "endedAt": now, "error": str(error)}
            async with answered():
                await self._all.update_one({"_id": {"$eq": first["_id"]}}, {"$set": over})
            return None

    async def done(self, update: Update, now: datetime) -> bool:
        """See app.ports.Updates."""
        return await self._write(update, {"open": False, "endedAt": now})

    async def failed(
        self,
        update: Update,
        error: str,
        now: datetime,
        due_at: datetime | None,
        *,
        blameless: bool = False,
    ) -> bool:
        """See app.ports.Updates."""
        changed: Document = {"error": error, "faults": update.faults - blameless}
        if due_at is None:
            return await self._write(update, {**changed, "open": False, "endedAt": now})
        return await self._write(update, {**changed, "dueAt": due_at})

    async def release(self, lane: str, by: InstanceName) -> None:
        """See app.ports.Updates."""
        async with answered():
            await self._lanes.delete_one({"_id": {"$eq": lane}, "holder": {"$eq": by}})

    async def _hold(self, lane: str, by: InstanceName, now: datetime, until: datetime) -> bool:
        """Take a lane that is free or ours; return whether it is ours now."""
        free: list[Document] = [{"holder": {"$eq": by}}, {"until": {"$lte": now}}]
        try:
            async with answered():
                await self._lanes.update_one(
                    {"_id": {"$eq": lane}, "$or": free},
                    {"$set": {"holder": by, "until": until}},
                    upsert=True,
                )
        except DuplicateKeyError:
            return False
        return True

    async def _write(self, update: Update, changed: Document) -> bool:
        """Write about an update, if no other claim of it was made since."""
        chosen = {"_id": {"$eq": update.id}, "tries": {"$eq": update.tries}, "open": True}
        async with answered():
            result = await self._all.update_one(chosen, {"$set": changed})
        return result.matched_count == 1
