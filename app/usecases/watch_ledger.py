"""Watch the ledger: audit it now and then, and raise the alarm where it does not add up."""

from datetime import timedelta
from typing import Final

from app.clock import Clock
from app.observability.metrics import LedgerRow, Metrics
from app.ports import Alerts, Leases
from app.usecases.audit_ledger import AuditLedger
from schemas.base import InstanceName

EVERY: Final = timedelta(hours=6)
"""How often it is audited, by any of the processes: each entry is read for it."""


class WatchLedger:
    """Audits the ledger where nobody has done so lately.

    Args:
        audit: Recomputes everybody's entries.
        leases: One process does this, and no other for a while.
        alerts: Told where something is wrong.
        metrics: Shown what came out.
        clock: The time.
        me: This process.
    """

    def __init__(
        self,
        audit: AuditLedger,
        leases: Leases,
        alerts: Alerts,
        *,
        metrics: Metrics,
        clock: Clock,
        me: InstanceName,
    ) -> None:
        self._audit = audit
        self._leases = leases
        self._alerts = alerts
        self._metrics = metrics
        self._clock = clock
        self._me = me
        self._next = clock.now()

    async def once(self) -> None:
        """Audit the ledger, if it is time to.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = self._clock.now()
        # A lease of our own is ours at once: that it has run out is known by the time alone.
        if now < self._next:
            return
        if await self._leases.acquire("audit", self._me, now, now + EVERY) is None:
            return
        self._next = now + EVERY
        found = await self._audit()
        wrong = len(found.flaws) + len(found.mismatches)
        self._metrics.ledger(LedgerRow(wrong, len(found.odd), now.timestamp()))
        if wrong or found.odd:
            self._alerts.alert(
                "ledger_wrong",
                f"{wrong} flaws of the ledger, {len(found.odd)} records that cannot be read: "
                "`runrelay ledger check` names them",
            )
