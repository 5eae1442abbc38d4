"""Who hears of what happens here, in MongoDB."""

from datetime import datetime
from typing import Final

from pymongo import ASCENDING, ReturnDocument

from app.store import versioned
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read
from schemas.hook import Endpoint, EndpointId, HookEvent

_OPEN: Final[Document] = {"order": {"$exists": False}}
"""Those that are no order's own."""


class MongoEndpoints:
    """See app.ports.Endpoints."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("webhook_endpoints")

    async def get(self, endpoint_id: str) -> Endpoint | None:
        """See app.ports.Endpoints."""
        async with answered():
            found = await self._all.find_one({"_id": {"$eq": endpoint_id}})
        return None if found is None else read(Endpoint, found)

    async def listed(self) -> tuple[Endpoint, ...]:
        """See app.ports.Endpoints."""
        return await self._some(_OPEN)

    async def listened(self) -> frozenset[HookEvent]:
        """See app.ports.Endpoints."""
        async with answered():
            names: list[str] = await self._all.distinct("events", _OPEN)
        return frozenset(map(HookEvent, names))

    async def listening(self, event: HookEvent, order: str) -> tuple[Endpoint, ...]:
        """See app.ports.Endpoints."""
        whose = {"$or": [_OPEN, {"_id": {"$eq": order}}]}
        return await self._some({"events": {"$eq": event.value}, **whose})

    async def write(self, before: Endpoint | None, after: Endpoint) -> bool:
        """See app.ports.Endpoints."""
        return await versioned.write(self._all, before, after)

    async def delete(self, endpoint_id: EndpointId) -> bool:
        """See app.ports.Endpoints."""
        async with answered():
            result = await self._all.delete_one({"_id": {"$eq": endpoint_id}})
        return result.deleted_count == 1

    async def worked(self, endpoint_id: EndpointId, at: datetime) -> None:
        """See app.ports.Endpoints."""
        change: Document = {
            "$set": {"lastSuccessAt": at, "failures": 0},
            "$unset": {"failingSince": "", "lastError": ""},
        }
        async with answered():
            await self._all.update_one({"_id": {"$eq": endpoint_id}}, change)

    async def failed(self, endpoint_id: EndpointId, at: datetime, error: str) -> Endpoint | None:
        """See app.ports.Endpoints."""
        change: Document = {
            "$inc": {"failures": 1},
            "$set": {"lastFailureAt": at, "lastError": error},
        }
        chosen: Document = {"_id": {"$eq": endpoint_id}}
        async with answered():
            # Since when, first: whoever takes a message meanwhile begins it anew.
            await self._all.update_one(
                {**chosen, "failingSince": {"$exists": False}}, {"$set": {"failingSince": at}}
            )
            # Motor's types leave out that there may be none.
            found: Document | None = await self._all.find_one_and_update(
                chosen, change, return_document=ReturnDocument.AFTER
            )
        return read(Endpoint, found) if found else None

    async def forget(self, people: tuple[str, ...]) -> None:
        """See app.ports.Endpoints."""
        async with answered():
            await self._all.delete_many({"people": {"$in": list(people)}})

    async def _some(self, query: Document) -> tuple[Endpoint, ...]:
        async with answered():
            found = await self._all.find(query).sort("_id", ASCENDING).to_list(None)
        return tuple(read(Endpoint, each) for each in found)
