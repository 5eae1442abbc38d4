"""Compare payments with the provider's own list: what we were not told is booked, once a day.

How far it came is remembered page by page, so that a list which breaks off is gone on with by
whoever looks next, minutes later.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from app.clock import Clock
from app.errors import PeerError
from app.ports import Alerts, Comparisons, KeptPayments, Lease, Leases, PaymentProvider
from app.usecases.payments import Payments
from schemas.base import InstanceName
from schemas.payment import Comparison, Payment, PaymentStatus, Transaction

EVERY: Final = timedelta(days=1)
"""How often it is done; by each process once after its start, too."""
OVERDUE: Final = timedelta(days=2)
"""How long none may come through before somebody should know."""
PAGE: Final = 100
"""Lines after which it is remembered how far it came."""
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
        comparisons: How far it came.
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
        comparisons: Comparisons,
        leases: Leases,
        *,
        me: InstanceName,
        clock: Clock,
        alerts: Alerts,
    ) -> None:
        self._payments = payments
        self._kept = kept
        self._provider = provider
        self._comparisons = comparisons
        self._leases = leases
        self._me = me
        self._clock = clock
        self._alerts = alerts
        self._log = structlog.get_logger()
        self._begun = False
        self._told_at: datetime | None = None

    async def once(self) -> int:
        """Compare, if it is time to; return how many differences there were.

        Where another process is at it there are none. Where the provider did not give its
        whole list there are none either, and it stays time to.

        Raises:
            StoreDownError: The database does not answer; what was booked until then is booked.
        """
        now = self._clock.now()
        known = await self._comparisons.get(self._provider.name)
        if known is not None and self._begun and now - known.good_at < EVERY:
            return 0
        lease = await self._renewed()
        if lease is None:
            return 0
        if known is None:
            known = Comparison(id=self._provider.name, good_at=now)
            await self._comparisons.put(known)
        differences = 0
        try:
            differences = await self._compared(known, now)
        except PeerError as error:
            self._log.warning("payments could not be compared", error=str(error))
            self._look_at(known, now)
        await self._leases.release(lease)
        return differences

    async def _compared(self, known: Comparison, now: datetime) -> int:
        recent = now - LOOK_BACK - MARGIN
        found, seen, at = 0, set[str](), await self._beginning(known)
        done = at.place
        async for line in self._provider.transactions(at.place):
            found += await self._differs(line)
            if line.charge.at >= recent:
                seen.add(line.charge.id)
                continue
            at = at.change(place=line.place + 1, charge=line.charge.id)
            if at.place - done >= PAGE:
                done = at.place
                await self._comparisons.put(at)
                if await self._renewed() is None:
                    return found
        found += await self._unlisted(seen, now)
        await self._comparisons.put(at.change(good_at=now))
        self._begun = True
        return found

    async def _beginning(self, known: Comparison) -> Comparison:
        """Return from where to read: from the start, where it is not the list that we know.

        Another bot, or a sandbox that began anew, has another line where ours was left.
        """
        if known.charge is None:
            return known
        async for line in self._provider.transactions(known.place - 1):
            if (line.place, line.charge.id) == (known.place - 1, known.charge):
                return known
            break
        return known.change(place=0, charge=None)

    async def _renewed(self) -> Lease | None:
        now = self._clock.now()
        return await self._leases.acquire("payments", self._me, now, now + LEASE)

    def _look_at(self, known: Comparison, now: datetime) -> None:
        """Have somebody know, once a day, that none has come through for long."""
        told = self._told_at is not None and now - self._told_at < EVERY
        if told or now - known.good_at <= OVERDUE:
            return
        self._told_at = now
        self._alerts.alert(
            "payments_uncompared", f"not with {known.id}'s list since {known.good_at:%Y-%m-%d}"
        )

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
