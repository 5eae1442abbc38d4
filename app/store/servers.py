"""The servers of engines as they were seen last, in MongoDB."""

from pymongo import ASCENDING

from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import read
from schemas.server import ServerSeen


class MongoServers:
    """See app.ports.ServerBoard."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("servers")

    async def put(self, seen: ServerSeen) -> None:
        """See app.ports.ServerBoard."""
        chosen = {"_id": {"$eq": seen.id}}
        async with answered():
            await self._all.replace_one(chosen, seen.document(), upsert=True)

    async def all(self) -> tuple[ServerSeen, ...]:
        """See app.ports.ServerBoard."""
        async with answered():
            found = await self._all.find({}).sort("_id", ASCENDING).to_list(None)
        return tuple(read(ServerSeen, each) for each in found)
