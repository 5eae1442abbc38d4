"""Generations in memory."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from pydantic import JsonValue

from app.ports import Counted, Oldest, OpenRuns, Page, Running, Spent
from processors import runs, scheduling
from processors.ledger import EndedRun
from processors.scheduling import Waiting
from schemas.base import EngineName, GenerationId, RunId, first_id
from schemas.generation import Generation
from schemas.run import OPEN, RunStatus
from tests.fakes.debtors import FakeDebtors


class FakeGenerations(FakeDebtors[Generation]):
    """See app.ports.Generations."""

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """See app.ports.Generations."""
        await self.gate()
        found = {each: _without_inputs(self.records[each]) for each in ids if each in self.records}
        await self.gate()
        return found

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

    async def unheard(self) -> tuple[GenerationId, ...]:
        """See app.ports.Generations."""
        await self.gate()
        found = [
            (each.updated_at, each.id)
            for each in self.records.values()
            if not each.ended and each.metadata.run_id is not None
        ]
        await self.gate()
        return tuple(GenerationId(each) for _, each in sorted(found))

    async def ended_of_jobs(self) -> AsyncIterator[EndedRun]:
        """See app.ports.Generations."""
        await self.gate()
        for _, each in sorted(self.records.items()):
            if each.ended and each.job_id is not None:
                yield EndedRun(each.id, each.job_id, runs.ended_at(each))

    async def open_inputs(self) -> AsyncIterator[Mapping[str, JsonValue]]:
        """See app.ports.Generations."""
        await self.gate()
        for record in sorted(self.records.values(), key=lambda each: each.id):
            if not record.ended:
                yield record.request_payload.inputs

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """See app.ports.Generations."""
        await self.gate()
        newest = [each for _, each in sorted(self.records.items(), reverse=True)]
        done = [
            each.cost_usd
            for each in newest
            if each.metadata.preset == preset
            and each.status is RunStatus.COMPLETED
            and each.job_id is not None
            and each.cost_usd is not None
        ]
        await self.gate()
        return tuple(done[:limit])

    async def silent(self, before: datetime, limit: int) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        await self.gate()
        begun = OPEN - {RunStatus.WAITING}
        found = [each for _, each in sorted(self.records.items()) if each.status in begun]
        return tuple([each for each in found if each.updated_at < before][:limit])

    async def lingering(
        self, statuses: frozenset[RunStatus], before: datetime, limit: int
    ) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        await self.gate()
        found = [
            _without_inputs(each)
            for _, each in sorted(self.records.items())
            if each.status in statuses and each.id < first_id(before)
        ]
        return tuple(found[:limit])

    async def count_open(self) -> OpenRuns:
        """See app.ports.Generations."""
        await self.gate()
        found = [each for _, each in sorted(self.records.items()) if not each.ended]
        counted = Counter((each.status, each.engine) for each in found)
        oldest = Oldest(found[0].id, found[0].created_at) if found else None
        return OpenRuns(tuple(Counted(*by, number) for by, number in counted.items()), oldest)

    async def spent(self, since: datetime) -> tuple[Spent, ...]:
        """See app.ports.Generations."""
        await self.gate()
        sums = dict[tuple[EngineName, str | None], Decimal]()
        for each in self.records.values():
            tries = sum((run.cost_usd or Decimal(0) for run in each.runs), Decimal(0))
            if each.id >= first_id(since) and (each.cost_usd is not None or tries):
                by = each.engine, each.metadata.preset
                sums[by] = sums.get(by, Decimal(0)) + (each.cost_usd or Decimal(0)) + tries
        return tuple(Spent(*by, usd) for by, usd in sums.items())

    async def running(self) -> tuple[Running, ...]:
        """See app.ports.Generations."""
        await self.gate()
        found = Counter(
            (each.engine, each.metadata.preset or "")
            for each in self.records.values()
            if not each.ended and each.job_id is not None
        )
        return tuple(Running(*by, number) for by, number in found.items())

    async def last_durations(self, preset: str, limit: int) -> tuple[float, ...]:
        """See app.ports.Generations."""
        await self.gate()
        done = [
            each.duration_seconds
            for _, each in sorted(self.records.items(), reverse=True)
            if each.metadata.preset == preset
            and each.status is RunStatus.COMPLETED
            and each.duration_seconds is not None
        ]
        return tuple(done[:limit])

    async def slots(self) -> Mapping[str, GenerationId]:
        """See app.ports.Generations."""
        await self.gate()
        found = {each.slot: each.id for each in self.records.values() if each.slot is not None}
        await self.gate()
        return found

    async def at_server(self, server: str) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        await self.gate()
        return tuple(
            each
            for _, each in sorted(self.records.items())
            if not each.ended and each.slot and scheduling.server_of(each.slot) == server
        )

    async def formerly_at(self, server: str) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        await self.gate()
        return tuple(
            each
            for _, each in sorted(self.records.items())
            if not each.ended
            and any(run.server == server and run.attempt < each.attempt for run in each.runs)
        )

    async def of_runs(self, run_ids: Collection[RunId]) -> Mapping[RunId, Generation]:
        """See app.ports.Generations."""
        await self.gate()
        return {
            run.run_id: _without_inputs(each)
            for each in self.records.values()
            if any(run.server is not None for run in each.runs)
            for run in each.runs
            if run.run_id in run_ids
        }

    async def waiting(self, engine: EngineName) -> tuple[Waiting, ...]:
        """See app.ports.Generations."""
        await self.gate()
        found = tuple(
            _waiting(each)
            for _, each in sorted(self.records.items())
            if each.status is RunStatus.PENDING and each.engine == engine
        )
        await self.gate()
        return found

    def _clash(self, one: Generation, other: Generation) -> bool:
        run = other.metadata.run_id
        same_run = run is not None and (run, other.engine) == (one.metadata.run_id, one.engine)
        part = (other.job_id, other.step, other.item)
        same_part = other.job_id is not None and part == (one.job_id, one.step, one.item)
        same_slot = other.slot is not None and other.slot == one.slot
        return same_run or same_part or same_slot or super()._clash(one, other)


def _without_inputs(record: Generation) -> Generation:
    return record.change(request_payload=record.request_payload.change(inputs={}))


def _waiting(record: Generation) -> Waiting:
    return Waiting(
        record.id,
        scheduling.user_of(record),
        record.priority,
        record.metadata.preset,
        record.request_payload.workflow,
    )


def _field(record: Generation, name: str) -> object:
    value: object = record.document()
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - documents hold anything
    return value  # pyright: ignore[reportUnknownVariableType] - as above
