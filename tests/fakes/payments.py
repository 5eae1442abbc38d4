"""Payments in memory, honest about versions and unique keys."""

from datetime import datetime

from app.ports import PaymentPage
from schemas.base import UserId
from schemas.payment import Payment
from tests.fakes.debtors import FakeDebtors


class FakePayments(FakeDebtors[Payment]):
    """See app.ports.KeptPayments."""

    async def by_charge(self, charge_id: str) -> Payment | None:
        """See app.ports.KeptPayments."""
        await self.gate()
        found = [each for each in self.records.values() if each.charge_id == charge_id]
        await self.gate()
        return found[0] if found else None

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

    def _clash(self, one: Payment, other: Payment) -> bool:
        same = other.charge_id is not None and other.charge_id == one.charge_id
        return same or super()._clash(one, other)
