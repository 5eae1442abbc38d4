"""Telegram's updates in memory."""

from datetime import datetime

from schemas.base import InstanceName
from schemas.update import Update
from tests.fakes.gates import Gate, ajar


class FakeUpdates:
    """See app.ports.Updates.

    Attributes:
        kept: By id.
        malformed: What should have been updates.
        held: By lane: who holds it, and until when.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.kept: dict[int, Update] = {}
        self.malformed: dict[bytes, datetime] = {}
        self.held: dict[str, tuple[InstanceName, datetime]] = {}
        self.gate = gate

    async def insert(self, update: Update) -> bool:
        """See app.ports.Updates."""
        await self.gate()
        new = self.kept.setdefault(update.id, update) is update
        await self.gate()
        return new

    async def keep_malformed(self, raw: bytes, at: datetime) -> None:
        """See app.ports.Updates."""
        await self.gate()
        self.malformed.setdefault(raw, at)

    async def due(self, by: InstanceName, now: datetime, limit: int) -> tuple[str, ...]:
        """See app.ports.Updates."""
        await self.gate()
        lanes = dict.fromkeys(each.lane for each in self._open())
        free = [lane for lane in lanes if self._free(lane, by, now)]
        return tuple(lane for lane in free if self._first(lane, now) is not None)[:limit]

    async def claim(
        self, lane: str, by: InstanceName, now: datetime, until: datetime
    ) -> Update | None:
        """See app.ports.Updates."""
        await self.gate()
        if not self._free(lane, by, now):
            return None
        self.held[lane] = by, until
        first = self._first(lane, now)
        if first is None:
            return None
        self.kept[first.id] = first.change(tries=first.tries + 1, faults=first.faults + 1)
        await self.gate()
        return self.kept[first.id]

    async def done(self, update: Update, now: datetime) -> bool:
        """See app.ports.Updates."""
        return await self._write(update, open=False, ended_at=now)

    async def failed(
        self,
        update: Update,
        error: str,
        now: datetime,
        due_at: datetime | None,
        *,
        blameless: bool = False,
    ) -> bool:
        """See app.ports.Updates."""
        faults = update.faults - blameless
        if due_at is None:
            return await self._write(update, open=False, ended_at=now, error=error, faults=faults)
        return await self._write(update, due_at=due_at, error=error, faults=faults)

    async def release(self, lane: str, by: InstanceName) -> None:
        """See app.ports.Updates."""
        await self.gate()
        if lane in self.held and self.held[lane][0] == by:
            del self.held[lane]

    async def _write(self, update: Update, **changed: object) -> bool:
        await self.gate()
        known = self.kept[update.id]
        if known.tries != update.tries or not known.open:
            return False
        self.kept[update.id] = known.change(**changed)
        await self.gate()
        return True

    def _open(self) -> list[Update]:
        return [self.kept[each] for each in sorted(self.kept) if self.kept[each].open]

    def _first(self, lane: str, now: datetime) -> Update | None:
        first = next((each for each in self._open() if each.lane == lane), None)
        return first if first is not None and first.due_at <= now else None

    def _free(self, lane: str, by: InstanceName, now: datetime) -> bool:
        holder, until = self.held.get(lane, (by, now))
        return holder == by or until <= now
