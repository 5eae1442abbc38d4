"""Workflows under the digests of what they hold, in MongoDB."""

from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document


class MongoWorkflows:
    """See app.ports.Workflows."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("workflows")

    async def put(self, digest: str, raw: bytes, *, lasting: bool = False) -> None:
        """See app.ports.Workflows."""
        first: Document = {"raw": raw}
        change: Document = {"$setOnInsert": first, "$currentDate": {"at": True}}
        if lasting:
            change["$set"] = {"lasting": True}
        else:
            # What is lasting once stays so, whoever orders it.
            first["lasting"] = False
        async with answered():
            await self._all.update_one({"_id": {"$eq": digest}}, change, upsert=True)

    async def get(self, digest: str) -> bytes | None:
        """See app.ports.Workflows."""
        async with answered():
            found = await self._all.find_one({"_id": {"$eq": digest}}, {"raw": 1})
        return None if found is None else bytes(found["raw"])
