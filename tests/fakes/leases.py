"""Leases in memory."""

from datetime import UTC, datetime

from app.ports import Lease
from schemas.base import InstanceName
from tests.fakes.gates import Gate, ajar


class FakeLeases:
    """See app.ports.Leases."""

    def __init__(self, gate: Gate = ajar) -> None:
        self.held: dict[str, Lease] = {}
        self.gate = gate

    async def acquire(
        self, name: str, holder: InstanceName, now: datetime, until: datetime
    ) -> Lease | None:
        """See app.ports.Leases."""
        await self.gate()
        known = self.held.get(name)
        if known is None:
            taken = Lease(name, holder, 1, until)
        elif known.holder == holder:
            taken = known._replace(until=until)
        elif known.until <= now:
            taken = Lease(name, holder, known.fence + 1, until)
        else:
            return None
        self.held[name] = taken
        await self.gate()
        return taken

    async def release(self, lease: Lease) -> None:
        """See app.ports.Leases."""
        await self.gate()
        known = self.held.get(lease.name)
        if known is not None and (known.holder, known.fence) == (lease.holder, lease.fence):
            nobody, never = InstanceName(""), datetime.min.replace(tzinfo=UTC)
            self.held[lease.name] = known._replace(holder=nobody, until=never)
        await self.gate()
