"""What administrators have done, in MongoDB: nothing here is ever updated or deleted."""

from pymongo import DESCENDING

from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import read
from schemas.deed import Deed


class MongoDeeds:
    """See app.ports.Deeds."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("deeds")

    async def insert(self, deed: Deed) -> None:
        """See app.ports.Deeds."""
        async with answered():
            await self._all.insert_one(deed.document())

    async def about(self, subject: str, limit: int) -> tuple[Deed, ...]:
        """See app.ports.Deeds."""
        async with answered():
            many = self._all.find({"subject": {"$eq": subject}}).sort("_id", DESCENDING)
            return tuple(read(Deed, each) for each in await many.limit(limit).to_list(None))
