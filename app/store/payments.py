"""The payments we keep, in MongoDB."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import structlog
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from app.errors import UnreadableError
from app.ports import PaymentPage
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read, update
from schemas.base import PaymentId, UserId
from schemas.payment import Payment


class MongoPayments:
    """See app.ports.KeptPayments."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("payments")
        self._log = structlog.get_logger()

    async def get(self, payment_id: PaymentId) -> Payment | None:
        """See app.ports.KeptPayments."""
        return await self._one({"_id": {"$eq": payment_id}})

    async def by_charge(self, charge_id: str) -> Payment | None:
        """See app.ports.KeptPayments."""
        return await self._one({"chargeId": {"$eq": charge_id}})

    async def by_idempotency_key(self, key: str) -> Payment | None:
        """See app.ports.KeptPayments."""
        return await self._one({"idempotencyKey": {"$eq": key}})

    async def insert(self, payment: Payment) -> bool:
        """See app.ports.KeptPayments."""
        try:
            async with answered():
                await self._all.insert_one(payment.document())
        except DuplicateKeyError:
            return False
        return True

    async def write(self, before: Payment, after: Payment) -> bool:
        """See app.ports.KeptPayments."""
        chosen = {"_id": {"$eq": before.id}, "version": {"$eq": before.version}}
        try:
            async with answered():
                result = await self._all.update_one(chosen, update(before, after))
        except DuplicateKeyError:
            return False
        return result.matched_count == 1

    async def due(self, now: datetime, limit: int) -> tuple[Payment, ...]:
        """See app.ports.KeptPayments."""
        return await self._some({"dueAt": {"$lte": now}}, "dueAt", limit)

    async def paid(self, since: datetime, until: datetime) -> tuple[Payment, ...]:
        """See app.ports.KeptPayments."""
        return await self._some({"paidAt": {"$gte": since, "$lt": until}}, "paidAt", 0)

    async def page(self, user: UserId | None, cursor: str | None, limit: int) -> PaymentPage:
        """See app.ports.KeptPayments."""
        query: Document = {} if user is None else {"user": {"$eq": user}}
        if cursor is not None:
            query["_id"] = {"$lt": cursor}
        async with answered():
            found = (
                await self._all.find(query).sort("_id", DESCENDING).limit(limit + 1).to_list(None)
            )
        shown = found[:limit]
        following = shown[-1]["_id"] if len(found) > limit else None
        return PaymentPage(tuple(self._read(shown)), following)

    async def _one(self, query: Document) -> Payment | None:
        async with answered():
            found = await self._all.find_one(query)
        return read(Payment, found) if found else None

    async def _some(self, query: Document, order: str, limit: int) -> tuple[Payment, ...]:
        async with answered():
            found = await self._all.find(query).sort(order, ASCENDING).limit(limit).to_list(None)
        return tuple(self._read(found))

    def _read(self, documents: Iterable[Document]) -> Iterator[Payment]:
        """Yield the payments that can be read."""
        for document in documents:
            try:
                yield read(Payment, document)
            except UnreadableError as error:
                self._log.warning("a payment is left alone", error=str(error))
