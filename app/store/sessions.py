"""Who is signed in, in MongoDB."""

from app.store.answering import answered
from app.store.connection import Connection
from schemas.access import Session


class MongoSessions:
    """See app.ports.Sessions."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("sessions")

    async def put(self, session: Session) -> None:
        """See app.ports.Sessions."""
        kept = {"_id": session.digest, "caller": session.caller, "until": session.until}
        async with answered():
            await self._all.insert_one(kept)

    async def get(self, digest: str) -> Session | None:
        """See app.ports.Sessions."""
        async with answered():
            found = await self._all.find_one({"_id": {"$eq": digest}})
        return None if found is None else Session(found["_id"], found["caller"], found["until"])

    async def remove(self, digest: str) -> None:
        """See app.ports.Sessions."""
        async with answered():
            await self._all.delete_one({"_id": {"$eq": digest}})
