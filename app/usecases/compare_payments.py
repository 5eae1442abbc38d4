"""Compare payments with the provider's own list: what we were not told is booked, once a day."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from app.clock import Clock
from app.errors import PeerError
from app.ports import Alerts, KeptPayments, Leases, PaymentProvider
from app.usecases.payments import Payments
from schemas.base import InstanceName
from schemas.payment import Payment, PaymentStatus, Transaction

LEASE: Final = timedelta(hours=1)
"""How long others leave the work to whoever has begun it."""
LOOK_BACK: Final = timedelta(days=8)
"""How far back our payments are looked for in the list: every day is looked at a week long."""
MARGIN: Final = timedelta(days=1)
"""How much further back the list is read, so that two clocks need not agree."""
SETTLING: Final = timedelta(hours=1)
"""What was paid since may not be in the list yet."""
NAMED: Final = 5
"""Payments that one alert names."""


class ComparePayments:
    """Goes through the provider's list, from where all was long done when it last did.

    Args:
        payments: Books what was missed.
        kept: What we know.
        provider: Whose list it is.
        leases: Only one process does this at a time.
        me: This process.
        clock: The time.
        alerts: Told of every difference.
    """

    def __init__(
        self,
        payments: Payments,
        kept: KeptPayments,
        provider: PaymentProvider,
        leases: Leases,
        *,
        me: InstanceName,
        clock: Clock,
        alerts: Alerts,
    ) -> None:
        self._payments = payments
        self._kept = kept
        self._provider = provider
        self._leases = leases
        self._me = me
        self._clock = clock
        self._alerts = alerts
        self._log = structlog.get_logger()
        self._start = 0

    async def once(self) -> int:
        """Compare; return how many differences there were, none if another process is at it.

        Raises:
            StoreDownError: The database does not answer; what was booked until then is booked.
        """
        now = self._clock.now()
        lease = await self._leases.acquire("payments", self._me, now, now + LEASE)
        if lease is None:
            return 0
        differences = 0
        try:
            differences = await self._compared(now)
        except PeerError as error:
            self._log.warning("payments could not be compared", error=str(error))
        await self._leases.release(lease)
        return differences

    async def _compared(self, now: datetime) -> int:
        recent = now - LOOK_BACK - MARGIN
        found, seen, start = 0, set[str](), self._start
        async for line in self._provider.transactions(self._start):
            found += await self._differs(line)
            if line.charge.at < recent:
                start = line.place + 1
            else:
                seen.add(line.charge.id)
        self._start = start
        return found + await self._unlisted(seen, now)

    async def _differs(self, line: Transaction) -> bool:
        """Book what a line says and we do not know; return whether there was anything."""
        known = await self._kept.by_charge(line.charge.id)
        if line.refunded:
            if known is not None and known.status is PaymentStatus.REFUNDED:
                return False
            self._alerts.alert("payment_missed", f"a refund of {line.charge.id} is booked now")
            await self._payments.refunded(line.charge)
            return True
        if known is None:
            self._alerts.alert("payment_missed", f"the charge {line.charge.id} is booked now")
            await self._payments.paid(line.charge)
            return True
        if _alike(known, line):
            return False
        self._alerts.alert(
            "payment_differs",
            f"{known.id}: {known.amount} Stars of {known.payer} here, "
            f"{line.charge.amount} of {line.charge.payer} there",
        )
        return True

    async def _unlisted(self, seen: set[str], now: datetime) -> int:
        """Tell of payments that we took for paid and that the list does not have."""
        ours = await self._kept.paid(now - LOOK_BACK, now - SETTLING)
        mine = [each for each in ours if each.provider == self._provider.name]
        unlisted = [each.id for each in mine if each.charge_id not in seen]
        if unlisted:
            named = ", ".join(unlisted[:NAMED])
            self._alerts.alert(
                "payment_unlisted", f"{len(unlisted)} are not in {self._provider.name}'s: {named}"
            )
        return len(unlisted)


def _alike(payment: Payment, line: Transaction) -> bool:
    charge = line.charge
    # Who paid is known no more, once somebody forgotten has their money back.
    payer = payment.payer or charge.payer
    return (payment.amount, payer) == (charge.amount, charge.payer)
