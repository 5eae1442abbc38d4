"""Records that owe, in memory, honest about versions, unique keys and order."""

from collections.abc import AsyncIterator, MutableMapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Generic

from app.ports import Owed, OwingT, Write
from processors.debts import COUNTED
from schemas.base import InstanceName
from schemas.debt import MANY_TRIES, Debt, DebtKind
from tests.fakes.gates import Gate, ajar


class FakeDebtors(Generic[OwingT]):
    """See app.ports.Debtors.

    Attributes:
        records: What is stored; several fakes may share it, each behind a gate of its own.
        gate: Passed before each call takes effect, and before it answers.
    """

    def __init__(
        self, records: MutableMapping[str, OwingT] | None = None, gate: Gate = ajar
    ) -> None:
        self.records: MutableMapping[str, OwingT] = {} if records is None else records
        self.gate = gate

    async def get(self, record_id: str, /) -> OwingT | None:
        """See app.ports.Debtors."""
        await self.gate()
        found = self.records.get(record_id)
        await self.gate()
        return found

    async def by_idempotency_key(self, key: str) -> OwingT | None:
        """See app.ports.Debtors."""
        await self.gate()
        found = [each for each in self.records.values() if key_of(each) == key]
        await self.gate()
        return found[0] if found else None

    async def insert(self, record: OwingT, /) -> bool:
        """See app.ports.Debtors."""
        await self.gate()
        free = record.id not in self.records and self._unique(record)
        if free:
            self.records[record.id] = record
        await self.gate()
        return free

    async def insert_all(self, records: Sequence[OwingT], /) -> frozenset[str]:
        """See app.ports.Debtors."""
        await self.gate()
        taken = set[str]()
        for each in records:
            if each.id in self.records or not self._unique(each):
                taken.add(each.id)
            else:
                self.records[each.id] = each
        await self.gate()
        return frozenset(taken)

    async def write(self, writes: Sequence[Write[OwingT]]) -> frozenset[str]:
        """See app.ports.Debtors."""
        await self.gate()
        lost = frozenset(each.before.id for each in writes if not self._written(each))
        await self.gate()
        return lost

    async def due(
        self, now: datetime, kinds: frozenset[DebtKind], limit: int
    ) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        await self.gate()
        found = [
            each
            for each in self._by_due()
            if self._known(each) and any(_ripe(d, now, kinds) for d in each.owed)
        ]
        await self.gate()
        return tuple(found[:limit])

    async def any_due(self, now: datetime, kinds: frozenset[DebtKind]) -> bool:
        """See app.ports.Debtors."""
        return bool(await self.due(now, kinds, 1))

    async def number_due(self, now: datetime, kinds: frozenset[DebtKind]) -> int:
        """See app.ports.Debtors."""
        return len(await self.due(now, kinds, len(self.records)))

    async def claimed(self, by: InstanceName, until: datetime) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        await self.gate()
        found = [
            each
            for each in self._by_due()
            if each.due_at is not None
            and each.due_at <= until
            and any(debt.by == by for debt in each.owed)
        ]
        await self.gate()
        return tuple(found)

    async def owed(self, now: datetime) -> tuple[Owed, ...]:
        """See app.ports.Debtors."""
        await self.gate()
        groups = dict[tuple[DebtKind, str], list[datetime]]()
        for record in self.records.values():
            for debt in record.owed:
                state = "dead" if debt.dead_at else "claimed" if debt.by else "live"
                groups.setdefault((debt.kind, state), []).append(debt.dead_at or debt.next_at)
        await self.gate()
        return tuple(
            Owed(kind, state, len(times), max(timedelta(), now - min(times)))  # pyright: ignore[reportArgumentType] - one of the three states
            for (kind, state), times in groups.items()
        )

    async def failing(self, limit: int) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        await self.gate()
        found = [
            record
            for record in self.records.values()
            if any(
                each.kind in COUNTED and each.attempts >= MANY_TRIES and each.dead_at is None
                for each in record.owed
            )
        ]
        return tuple(found[:limit])

    async def died(self, since: datetime, limit: int) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        await self.gate()
        found = [
            record
            for record in self.records.values()
            if any(each.dead_at is not None and each.dead_at > since for each in record.owed)
        ]
        return tuple(found[:limit])

    async def indebted(self) -> AsyncIterator[OwingT]:
        """See app.ports.Debtors."""
        await self.gate()
        for _, record in sorted(self.records.items()):
            if record.owed:
                yield record

    async def dead(self) -> AsyncIterator[OwingT]:
        """See app.ports.Debtors."""
        await self.gate()
        for _, record in sorted(self.records.items()):
            if any(debt.dead_at for debt in record.owed):
                yield record

    def _written(self, write: Write[OwingT]) -> bool:
        """Set the fields that changed, where the version still is as it was."""
        stored = self.records.get(write.before.id)
        if stored is None or stored.version != write.before.version:
            return False
        changed = {
            name: getattr(write.after, name)
            for name in type(write.after).model_fields
            if getattr(write.after, name) != getattr(write.before, name)
        }
        after = stored.change(**changed)
        if not self._unique(after):
            return False
        self.records[after.id] = after
        return True

    def _unique(self, record: OwingT) -> bool:
        others = (each for each in self.records.values() if each.id != record.id)
        return not any(self._clash(each, record) for each in others)

    def _clash(self, one: OwingT, other: OwingT) -> bool:
        """Return whether two records cannot stand side by side."""
        key = key_of(other)
        return key is not None and key == key_of(one)

    def _known(self, record: OwingT) -> bool:
        """Return whether a record stands at a status that this version knows."""
        status: object = getattr(record, "status", None)
        return not isinstance(status, StrEnum) or status in _members(type(status))

    def _by_due(self) -> list[OwingT]:
        due = [each for each in self.records.values() if each.due_at is not None]
        return sorted(due, key=lambda each: (str(each.due_at), each.id))


@cache
def _members(kind: type[StrEnum]) -> frozenset[StrEnum]:
    return frozenset(kind)


def key_of(record: object) -> str | None:
    """Return a record's idempotency key."""
    key: object = getattr(record, "idempotency_key", None)
    return key if isinstance(key, str) else None


def _ripe(debt: Debt, now: datetime, kinds: frozenset[DebtKind]) -> bool:
    return debt.kind in kinds and debt.next_at <= now and debt.dead_at is None
