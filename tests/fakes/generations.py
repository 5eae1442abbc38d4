"""Generations in memory, honest about versions, unique keys and order."""

from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from app.ports import Owed, Page, Spent, Write
from schemas.base import EngineName, GenerationId, InstanceName, first_id
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation
from tests.fakes.gates import Gate, ajar


class FakeGenerations:
    """See app.ports.Generations.

    Attributes:
        records: What is stored; several fakes may share it, each behind a gate of its own.
        gate: Passed before each call takes effect, and before it answers.
    """

    def __init__(
        self, records: MutableMapping[GenerationId, Generation] | None = None, gate: Gate = ajar
    ) -> None:
        self.records: MutableMapping[GenerationId, Generation] = {} if records is None else records
        self.gate = gate

    async def get(self, generation_id: GenerationId) -> Generation | None:
        """See app.ports.Generations."""
        await self.gate()
        found = self.records.get(generation_id)
        await self.gate()
        return found

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """See app.ports.Generations."""
        await self.gate()
        found = {each: _without_inputs(self.records[each]) for each in ids if each in self.records}
        await self.gate()
        return found

    async def by_idempotency_key(self, key: str) -> Generation | None:
        """See app.ports.Generations."""
        await self.gate()
        found = [each for each in self.records.values() if each.idempotency_key == key]
        await self.gate()
        return found[0] if found else None

    async def insert(self, generation: Generation) -> bool:
        """See app.ports.Generations."""
        await self.gate()
        free = generation.id not in self.records and self._unique(generation)
        if free:
            self.records[generation.id] = generation
        await self.gate()
        return free

    async def write(self, writes: Sequence[Write]) -> frozenset[GenerationId]:
        """See app.ports.Generations."""
        await self.gate()
        lost = frozenset(each.before.id for each in writes if not self._written(each))
        await self.gate()
        return lost

    async def due(
        self, now: datetime, kinds: frozenset[DebtKind], limit: int
    ) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        await self.gate()
        found = [each for each in self._by_due() if any(_ripe(d, now, kinds) for d in each.owed)]
        await self.gate()
        return tuple(found[:limit])

    async def claimed(self, by: InstanceName, until: datetime) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
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

    async def page(self, wanted: Mapping[str, str | int], cursor: str | None, limit: int) -> Page:
        """See app.ports.Generations."""
        await self.gate()
        found = [
            each
            for _, each in sorted(self.records.items(), reverse=True)
            if (cursor is None or each.id < cursor)
            and all(_field(each, name) == value for name, value in wanted.items())
        ]
        await self.gate()
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def open_ids(self) -> AsyncIterator[GenerationId]:
        """See app.ports.Generations."""
        await self.gate()
        for generation_id in sorted(each.id for each in self.records.values() if not each.ended):
            yield generation_id

    async def owed(self, now: datetime) -> tuple[Owed, ...]:
        """See app.ports.Generations."""
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

    async def indebted(self) -> AsyncIterator[Generation]:
        """See app.ports.Generations."""
        await self.gate()
        for _, record in sorted(self.records.items()):
            if record.owed:
                yield record

    async def dead(self) -> AsyncIterator[Generation]:
        """See app.ports.Generations."""
        await self.gate()
        for _, record in sorted(self.records.items()):
            if any(debt.dead_at for debt in record.owed):
                yield record

    async def silent(self, before: datetime, limit: int) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        await self.gate()
        found = [each for _, each in sorted(self.records.items()) if not each.ended]
        return tuple([each for each in found if each.updated_at < before][:limit])

    async def spent(self, since: datetime) -> tuple[Spent, ...]:
        """See app.ports.Generations."""
        await self.gate()
        sums = dict[tuple[EngineName, str | None], Decimal]()
        for each in self.records.values():
            if each.id >= first_id(since) and each.cost_usd is not None:
                by = each.engine, each.metadata.preset
                sums[by] = sums.get(by, Decimal(0)) + each.cost_usd
        return tuple(Spent(*by, usd) for by, usd in sums.items())

    def _written(self, write: Write) -> bool:
        """Set the fields that changed, where the version still is as it was."""
        stored = self.records.get(write.before.id)
        if stored is None or stored.version != write.before.version:
            return False
        changed = {
            name: getattr(write.after, name)
            for name in Generation.model_fields
            if getattr(write.after, name) != getattr(write.before, name)
        }
        after = stored.change(**changed)
        if not self._unique(after):
            return False
        self.records[after.id] = after
        return True

    def _unique(self, record: Generation) -> bool:
        others = (each for each in self.records.values() if each.id != record.id)
        return not any(_clash(each, record) for each in others)

    def _by_due(self) -> list[Generation]:
        due = [each for each in self.records.values() if each.due_at is not None]
        return sorted(due, key=lambda each: (str(each.due_at), each.id))


def _clash(one: Generation, other: Generation) -> bool:
    run, key = other.metadata.run_id, other.idempotency_key
    same_run = run is not None and (run, other.engine) == (one.metadata.run_id, one.engine)
    return same_run or (key is not None and key == one.idempotency_key)


def _ripe(debt: Debt, now: datetime, kinds: frozenset[DebtKind]) -> bool:
    return debt.kind in kinds and debt.next_at <= now and debt.dead_at is None


def _without_inputs(record: Generation) -> Generation:
    return record.change(request_payload=record.request_payload.change(inputs={}))


def _field(record: Generation, name: str) -> object:
    value: object = record.document()
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - documents hold anything
    return value  # pyright: ignore[reportUnknownVariableType] - as above
