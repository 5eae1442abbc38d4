"""Exclusive duties among processes, in MongoDB."""

from datetime import datetime

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.ports import Lease
from app.store.answering import answered
from app.store.connection import Connection
from schemas.base import InstanceName


class MongoLeases:
    """See app.ports.Leases."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("leases")

    async def acquire(
        self, name: str, holder: InstanceName, now: datetime, until: datetime
    ) -> Lease | None:
        """See app.ports.Leases.

        A renewal keeps the fence; a new holder gets the next one. The unique ``_id`` decides
        the race of two who find no lease at all.
        """
        async with answered():
            renewed = await self._all.find_one_and_update(
                {"_id": {"$eq": name}, "holder": {"$eq": holder}},
                {"$set": {"until": until}},
                return_document=ReturnDocument.AFTER,
            )
        if renewed:
            return Lease(name, holder, renewed["fence"], until)
        try:
            async with answered():
                taken = await self._all.find_one_and_update(
                    {"_id": {"$eq": name}, "until": {"$lte": now}},
                    {"$set": {"holder": holder, "until": until}, "$inc": {"fence": 1}},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
        except DuplicateKeyError:
            return None
        return Lease(name, holder, taken["fence"], until)

    async def release(self, lease: Lease) -> None:
        """See app.ports.Leases."""
        async with answered():
            await self._all.update_one(
                {
                    "_id": {"$eq": lease.name},
                    "holder": {"$eq": lease.holder},
                    "fence": {"$eq": lease.fence},
                },
                {"$set": {"holder": "", "until": datetime.min.replace(tzinfo=lease.until.tzinfo)}},
            )
