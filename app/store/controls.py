"""What operators have stopped or capped, in MongoDB."""

from collections.abc import Sequence

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read, update
from schemas.control import Control, Subject


class MongoControls:
    """See app.ports.Controls."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("controls")

    async def of(self, subjects: Sequence[Subject]) -> tuple[Control, ...]:
        """See app.ports.Controls."""
        return await self._some({"_id": {"$in": [each.key for each in subjects]}})

    async def all(self) -> tuple[Control, ...]:
        """See app.ports.Controls."""
        return await self._some({})

    async def write(self, before: Control | None, after: Control) -> bool:
        """See app.ports.Controls."""
        try:
            async with answered():
                if before is None:
                    await self._all.insert_one(after.document())
                    return True
                chosen = {"_id": {"$eq": before.id}, "version": {"$eq": before.version}}
                result = await self._all.update_one(chosen, update(before, after))
        except DuplicateKeyError:
            return False
        return result.matched_count == 1

    async def _some(self, query: Document) -> tuple[Control, ...]:
        async with answered():
            found = await self._all.find(query).sort("_id", ASCENDING).to_list(None)
        return tuple(read(Control, each) for each in found)
