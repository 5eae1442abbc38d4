"""What is on its way to endpoints, and what has reached them lately, in MongoDB."""

from datetime import datetime
from typing import Final

from app.ports import DeliveryPage
from app.store.answering import answered
from app.store.connection import Connection
from app.store.debtors import EVER, MongoDebtors
from app.store.documents import Document
from schemas.hook import Delivery, DeliveryStatus

_STATES: Final[dict[str, Document]] = {
    "delivered": {"status": DeliveryStatus.DELIVERED.value},
    "waiting": {"status": DeliveryStatus.WAITING.value, "owed.deadAt": {"$exists": False}},
    "dead": {"owed.deadAt": {"$exists": True}},
}


class MongoDeliveries(MongoDebtors[Delivery]):
    """See app.ports.Deliveries."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, "deliveries", Delivery, DeliveryStatus)

    async def page(
        self, endpoint_id: str, state: str | None, cursor: str | None, limit: int
    ) -> DeliveryPage:
        """See app.ports.Deliveries."""
        query: Document = {"endpoint": {"$eq": endpoint_id}}
        if state is not None:
            query |= _STATES[state]
        return DeliveryPage(*await self._page(query, cursor, limit))

    async def of(self, record: str, limit: int) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries. Ids begin with the record's; a semicolon follows a colon."""
        return await self._some({"_id": {"$gt": f"{record}:", "$lt": f"{record};"}}, "_id", limit)

    async def dead_of(
        self, endpoint_id: str, since: datetime | None, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries."""
        dead = {"$gte": EVER if since is None else since}
        return await self._following(endpoint_id, after, {"owed.deadAt": dead}, limit)

    async def put_off_of(
        self, endpoint_id: str, why: str, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries."""
        waits = {"lastError": {"$eq": why}, "deadAt": {"$exists": False}}
        return await self._following(endpoint_id, after, {"owed": {"$elemMatch": waits}}, limit)

    async def delete_of(self, endpoint_id: str) -> int:
        """See app.ports.Deliveries."""
        async with answered():
            result = await self._all.delete_many({"endpoint": {"$eq": endpoint_id}})
        return result.deleted_count

    async def forget(self, people: tuple[str, ...]) -> None:
        """See app.ports.Deliveries."""
        async with answered():
            await self._all.delete_many({"people": {"$in": list(people)}})

    async def _following(
        self, endpoint_id: str, after: str, wanted: Document, limit: int
    ) -> tuple[Delivery, ...]:
        place: Document = {"endpoint": {"$eq": endpoint_id}, "_id": {"$gt": after}}
        return await self._some(place | wanted, "_id", limit)
