"""What operators have stopped or capped, in MongoDB."""

from collections.abc import Sequence

from pymongo import ASCENDING

from app.store import versioned
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read
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
        return await versioned.write(self._all, before, after)

    async def _some(self, query: Document) -> tuple[Control, ...]:
        async with answered():
            found = await self._all.find(query).sort("_id", ASCENDING).to_list(None)
        return tuple(read(Control, each) for each in found)
