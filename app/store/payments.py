"""The payments we keep, in MongoDB."""

from datetime import datetime

from app.ports import PaymentPage
from app.store.connection import Connection
from app.store.debtors import MongoDebtors
from app.store.documents import Document
from schemas.base import UserId
from schemas.payment import Payment, PaymentStatus


class MongoPayments(MongoDebtors[Payment]):
    """See app.ports.KeptPayments."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, "payments", Payment, PaymentStatus)

    async def by_charge(self, charge_id: str) -> Payment | None:
        """See app.ports.KeptPayments."""
        return await self._one({"chargeId": {"$eq": charge_id}})

    async def paid(self, since: datetime, until: datetime) -> tuple[Payment, ...]:
        """See app.ports.KeptPayments."""
        return await self._some({"paidAt": {"$gte": since, "$lt": until}}, "paidAt", 0)

    async def page(self, user: UserId | None, cursor: str | None, limit: int) -> PaymentPage:
        """See app.ports.KeptPayments."""
        query: Document = {} if user is None else {"user": {"$eq": user}}
        return PaymentPage(*await self._page(query, cursor, limit))
