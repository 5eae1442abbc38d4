"""The generations we keep, in MongoDB."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import JsonValue
from pymongo import ASCENDING, DESCENDING

from app.ports import Counted, Oldest, OpenRuns, Page, Running, Spent
from app.store.answering import answered
from app.store.connection import Connection
from app.store.debtors import AT_ONCE, MongoDebtors
from app.store.documents import Document, read
from app.store.indexes import COSTS, DURATIONS, GIVEN_UP, RUNS, SLOTS, SPENT, STANDING, WAITING
from processors import scheduling
from processors.ledger import EndedRun
from processors.scheduling import Waiting
from schemas.base import EngineName, GenerationId, RunId, first_id
from schemas.generation import Generation
from schemas.run import OPEN, TERMINAL, RunStatus

FILTERS: Final = frozenset(
    {
        "status",
        "engine",
        "metadata.run_id",
        "metadata.preset",
        "metadata.userId",
        "metadata.telegramChatId",
    }
)
"""Fields that a list can be filtered by, each with an index."""


_WAITS: Final = {
    "metadata.userId": 1,
    "metadata.telegramChatId": 1,
    "priority": 1,
    "metadata.preset": 1,
    "requestPayload.workflow": 1,
}
"""What is read of a generation that waits for a server."""


class MongoGenerations(MongoDebtors[Generation]):
    """See app.ports.Generations."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, "generations", Generation, RunStatus)

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """See app.ports.Generations."""
        return {each["_id"]: read(Generation, each) for each in await self._without_inputs(ids)}

    async def page(self, wanted: Mapping[str, str | int], cursor: str | None, limit: int) -> Page:
        """See app.ports.Generations."""
        unknown = set(wanted) - FILTERS
        if unknown:
            raise ValueError(f"not a field to filter by: {sorted(unknown)}")
        query: Document = {name: {"$eq": value} for name, value in wanted.items()}
        return Page(*await self._page(query, cursor, limit))

    async def open_ids(self) -> AsyncIterator[GenerationId]:
        """See app.ports.Generations."""
        async for each in self._open({"_id": 1}):
            yield each["_id"]

    async def unheard(self) -> tuple[GenerationId, ...]:
        """See app.ports.Generations."""
        fields = {"updatedAt": 1, "metadata.run_id": 1}
        found = [
            (each["updatedAt"], each["_id"])
            async for each in self._open(fields)
            if each.get("metadata", {}).get("run_id") is not None
        ]
        return tuple(generation_id for _, generation_id in sorted(found))

    async def ended_of_jobs(self) -> AsyncIterator[EndedRun]:
        """See app.ports.Generations."""
        over = {"status": {"$in": sorted(TERMINAL)}, "jobId": {"$exists": True}}
        fields = {"jobId": 1, "history": {"$slice": -1}, "updatedAt": 1}
        async for each in self._paged(over, fields):
            last = (each.get("history") or [{"at": each["updatedAt"]}])[-1]
            yield EndedRun(each["_id"], each["jobId"], last["at"])

    async def open_inputs(self) -> AsyncIterator[Mapping[str, JsonValue]]:
        """See app.ports.Generations."""
        async for each in self._open({"requestPayload.inputs": 1}):
            yield each.get("requestPayload", {}).get("inputs", {})

    async def silent(self, before: datetime, limit: int) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        begun = sorted(OPEN - {RunStatus.WAITING})
        quiet: Document = {"status": {"$in": begun}, "updatedAt": {"$lt": before}}
        # Ids begin with the time at which they were made: what is younger is not looked at.
        quiet["_id"] = {"$lt": first_id(before)}
        return await self._some(quiet, "_id", limit)

    async def lingering(
        self, statuses: frozenset[RunStatus], before: datetime, limit: int
    ) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        chosen: Document = {"status": {"$in": sorted(statuses)}, "_id": {"$lt": first_id(before)}}
        async with answered():
            found = self._all.find(chosen, {"requestPayload.inputs": 0}).sort("_id", ASCENDING)
            return tuple(self._read(await found.limit(limit).to_list(None)))

    async def count_open(self) -> OpenRuns:
        """See app.ports.Generations."""
        being: Document = {"status": {"$in": sorted(OPEN)}}
        by = {"status": "$status", "engine": "$engine"}
        counted = {"$group": {"_id": by, "number": {"$sum": 1}}}
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            rows = await self._all.aggregate([{"$match": being}, counted], hint=STANDING).to_list(
                None
            )
            found = await self._all.find_one(being, {"createdAt": 1}, sort=[("_id", ASCENDING)])
        return OpenRuns(
            tuple(
                Counted(RunStatus(row["_id"]["status"]), row["_id"]["engine"], row["number"])
                for row in rows
            ),
            Oldest(found["_id"], found["createdAt"]) if found else None,
        )

    async def spent(self, since: datetime) -> tuple[Spent, ...]:
        """See app.ports.Generations."""
        chosen = {"_id": {"$gte": first_id(since)}, "costUsd": {"$gte": Decimal(0)}}
        by = {"engine": "$engine", "preset": "$metadata.preset"}
        summed = {"$group": {"_id": by, "usd": {"$sum": "$costUsd"}}}
        some = {"_id": {"$gte": first_id(since)}, "runs.costUsd": {"$gt": Decimal(0)}}
        added = {"$group": {"_id": by, "usd": {"$sum": {"$sum": "$runs.costUsd"}}}}
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            rows = await self._all.aggregate([{"$match": chosen}, summed], hint=SPENT).to_list(None)
            # Of the few that were tried again the records are read.
            tries = self._all.aggregate([{"$match": some}, added], hint=GIVEN_UP)
            rows += await tries.to_list(None)
        sums = dict[tuple[EngineName, str | None], Decimal]()
        for row in rows:
            whose = EngineName(row["_id"]["engine"]), row["_id"].get("preset")
            sums[whose] = sums.get(whose, Decimal(0)) + row["usd"]
        return tuple(Spent(*whose, usd) for whose, usd in sums.items())

    async def running(self) -> tuple[Running, ...]:
        """See app.ports.Generations."""
        chosen = {"status": {"$in": sorted(OPEN)}, "jobId": {"$gte": ""}}
        by = {"engine": "$engine", "preset": "$metadata.preset"}
        counted = {"$group": {"_id": by, "number": {"$sum": 1}}}
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            rows = await self._all.aggregate([{"$match": chosen}, counted], hint=STANDING).to_list(
                None
            )
        return tuple(
            Running(EngineName(row["_id"]["engine"]), row["_id"].get("preset") or "", row["number"])
            for row in rows
        )

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """See app.ports.Generations."""
        chosen: Document = {
            "metadata.preset": {"$eq": preset},
            "status": RunStatus.COMPLETED.value,
            "costUsd": {"$gte": Decimal(0)},
            "jobId": {"$exists": True},
        }
        async with answered():
            # Named, since the index of all runs of a preset has those that wait at its head.
            many = self._all.find(chosen, {"costUsd": 1}, hint=COSTS).sort("_id", DESCENDING)
            found = await many.limit(limit).to_list(None)
        return tuple(each["costUsd"] for each in found)

    async def last_durations(self, preset: str, limit: int) -> tuple[float, ...]:
        """See app.ports.Generations."""
        chosen: Document = {
            "metadata.preset": {"$eq": preset},
            "status": RunStatus.COMPLETED.value,
            "durationSeconds": {"$gte": 0},
        }
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            many = self._all.find(chosen, {"_id": 0, "durationSeconds": 1}, hint=DURATIONS)
            found = await many.sort("_id", DESCENDING).limit(limit).to_list(None)
        return tuple(each["durationSeconds"] for each in found)

    async def slots(self) -> Mapping[str, GenerationId]:
        """See app.ports.Generations."""
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            found = await self._all.find({"slot": {"$gte": ""}}, {"slot": 1}, hint=SLOTS).to_list(
                None
            )
        return {each["slot"]: GenerationId(each["_id"]) for each in found}

    async def at_server(self, server: str) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        # All that begin with "server#": the next character after "#" is "$".
        slots = {"$gte": f"{server}#", "$lt": f"{server}$"}
        found = await self._some({"slot": slots, "status": {"$in": sorted(OPEN)}}, "_id", 0)
        return tuple(
            each for each in found if each.slot and scheduling.server_of(each.slot) == server
        )

    async def formerly_at(self, server: str) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        were = {"runs.server": {"$eq": server}, "status": {"$in": sorted(OPEN)}}
        found = await self._some(were, "_id", 0)
        return tuple(
            each
            for each in found
            if any(run.server == server and run.attempt < each.attempt for run in each.runs)
        )

    async def of_runs(self, run_ids: Collection[RunId]) -> Mapping[RunId, Generation]:
        """See app.ports.Generations."""
        chosen: Document = {
            "runs.runId": {"$in": list(run_ids)},
            "runs.server": {"$exists": True},
        }
        async with answered():
            many = self._all.find(chosen, {"requestPayload.inputs": 0}, hint=RUNS)
            found = [read(Generation, each) for each in await many.to_list(None)]
        wanted = frozenset(run_ids)
        return {run.run_id: each for each in found for run in each.runs if run.run_id in wanted}

    async def waiting(self, engine: EngineName) -> tuple[Waiting, ...]:
        """See app.ports.Generations."""
        chosen: Document = {"status": RunStatus.PENDING.value, "engine": {"$eq": engine}}
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            found = await (
                self._all.find(chosen, _WAITS, hint=WAITING).sort("_id", ASCENDING).to_list(None)
            )
        return tuple(map(_waiting, found))

    async def _without_inputs(self, ids: Sequence[str]) -> list[Document]:
        async with answered():
            return await self._all.find(
                {"_id": {"$in": list(ids)}}, {"requestPayload.inputs": 0}
            ).to_list(None)

    async def _again(self, ids: Sequence[str]) -> list[Document]:
        return await self._without_inputs(ids)

    async def _open(self, fields: Document) -> AsyncIterator[Document]:
        """Yield these fields of all records that have not ended, oldest first."""
        async for each in self._paged({"status": {"$in": sorted(OPEN)}}, fields):
            yield each

    async def _paged(self, chosen: Document, fields: Document) -> AsyncIterator[Document]:
        """Yield these fields of the chosen records, oldest first: some at a time."""
        query = dict(chosen)
        while True:
            async with answered():
                found = (
                    await self._all.find(query, fields)
                    .sort("_id", ASCENDING)
                    .limit(AT_ONCE)
                    .to_list(None)
                )
            for each in found:
                yield each
            if len(found) < AT_ONCE:
                return
            query["_id"] = {"$gt": found[-1]["_id"]}

    def _differ(self, stored: Generation, wanted: Generation) -> bool:
        return stored.change(request_payload=wanted.request_payload) != wanted


def _waiting(found: Document) -> Waiting:
    metadata, request = found.get("metadata", {}), found.get("requestPayload", {})
    return Waiting(
        GenerationId(found["_id"]),
        scheduling.turn_of(metadata.get("userId"), metadata.get("telegramChatId")),
        found.get("priority") or 0,
        metadata.get("preset"),
        request.get("workflow"),
    )
