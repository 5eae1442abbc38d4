"""Payments in memory, honest about versions and unique keys."""

from collections.abc import Iterable
from datetime import datetime

from app.ports import PaymentPage
from schemas.base import PaymentId, UserId
from schemas.payment import Payment
from tests.fakes.gates import Gate, ajar


class FakePayments:
    """See app.ports.KeptPayments.

    Attributes:
        records: What is stored.
        gate: Passed before each call takes effect, and before it answers.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.records = dict[PaymentId, Payment]()
        self.gate = gate

    async def get(self, payment_id: PaymentId) -> Payment | None:
        """See app.ports.KeptPayments."""
        return await self._one(each for each in self.records.values() if each.id == payment_id)

    async def by_charge(self, charge_id: str) -> Payment | None:
        """See app.ports.KeptPayments."""
        found = (each for each in self.records.values() if each.charge_id == charge_id)
        return await self._one(found)

    async def by_idempotency_key(self, key: str) -> Payment | None:
        """See app.ports.KeptPayments."""
        found = (each for each in self.records.values() if each.idempotency_key == key)
        return await self._one(found)

    async def insert(self, payment: Payment) -> bool:
        """See app.ports.KeptPayments."""
        await self.gate()
        free = payment.id not in self.records and self._unique(payment)
        if free:
            self.records[payment.id] = payment
        await self.gate()
        return free

    async def write(self, before: Payment, after: Payment) -> bool:
        """See app.ports.KeptPayments."""
        await self.gate()
        stored = self.records.get(before.id)
        current = stored is not None and stored.version == before.version and self._unique(after)
        if current:
            self.records[after.id] = after
        await self.gate()
        return current

    async def due(self, now: datetime, limit: int) -> tuple[Payment, ...]:
        """See app.ports.KeptPayments."""
        await self.gate()
        found = [each for each in self.records.values() if each.due_at and each.due_at <= now]
        await self.gate()
        return tuple(sorted(found, key=lambda each: str(each.due_at))[:limit])

    async def paid(self, since: datetime, until: datetime) -> tuple[Payment, ...]:
        """See app.ports.KeptPayments."""
        await self.gate()
        found = [
            each for each in self.records.values() if each.paid_at and since <= each.paid_at < until
        ]
        await self.gate()
        return tuple(sorted(found, key=lambda each: str(each.paid_at)))

    async def page(self, user: UserId | None, cursor: str | None, limit: int) -> PaymentPage:
        """See app.ports.KeptPayments."""
        await self.gate()
        found = [
            each
            for _, each in sorted(self.records.items(), reverse=True)
            if user in {None, each.user} and (cursor is None or each.id < cursor)
        ]
        await self.gate()
        following = found[limit - 1].id if len(found) > limit else None
        return PaymentPage(tuple(found[:limit]), following)

    async def _one(self, matching: Iterable[Payment]) -> Payment | None:
        await self.gate()
        found = next(iter(matching), None)
        await self.gate()
        return found

    def _unique(self, payment: Payment) -> bool:
        others = [each for each in self.records.values() if each.id != payment.id]
        return not any(
            (payment.charge_id is not None and each.charge_id == payment.charge_id)
            or (
                payment.idempotency_key is not None
                and each.idempotency_key == payment.idempotency_key
            )
            for each in others
        )
