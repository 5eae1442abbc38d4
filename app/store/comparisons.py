"""How far payments were compared with their providers' lists, in MongoDB."""

from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import read
from schemas.payment import Comparison


class MongoComparisons:
    """See app.ports.Comparisons."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("comparisons")

    async def get(self, provider: str) -> Comparison | None:
        """See app.ports.Comparisons."""
        async with answered():
            found = await self._all.find_one({"_id": {"$eq": provider}})
        return None if found is None else read(Comparison, found)

    async def put(self, comparison: Comparison) -> None:
        """See app.ports.Comparisons."""
        chosen = {"_id": {"$eq": comparison.id}}
        async with answered():
            await self._all.replace_one(chosen, comparison.document(), upsert=True)
