"""The generations we keep, in MongoDB."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import structlog
from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.results import BulkWriteResult

from app.errors import UnreadableError
from app.ports import Owed, Page, Spent, Write
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read, update
from app.store.indexes import SPENT
from schemas.base import EngineName, GenerationId, InstanceName, first_id
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.run import OPEN, RunStatus

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every time we keep: compares true with any, and lets a partial index be used."""

INDEBTED: Final[Document] = {"$or": [{"dueAt": {"$gt": EVER}}, {"owed.deadAt": {"$gt": EVER}}]}
"""Records that owe anything; each half goes by an index."""

AT_ONCE: Final = 500
"""Records read at once of those that are yielded: no cursor waits for who takes them."""

DUPLICATE: Final = 11000
"""The error code of a unique key that is taken."""

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


class MongoGenerations:
    """See app.ports.Generations."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("generations")
        self._log = structlog.get_logger()
        self._odd = set[str]()

    async def get(self, generation_id: GenerationId) -> Generation | None:
        """See app.ports.Generations."""
        return await self._one({"_id": {"$eq": generation_id}})

    async def by_idempotency_key(self, key: str) -> Generation | None:
        """See app.ports.Generations."""
        return await self._one({"idempotencyKey": {"$eq": key}})

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """See app.ports.Generations."""
        return {each["_id"]: read(Generation, each) for each in await self._without_inputs(ids)}

    async def insert(self, generation: Generation) -> bool:
        """See app.ports.Generations."""
        try:
            async with answered():
                await self._all.insert_one(generation.document())
        except DuplicateKeyError:
            return False
        return True

    async def write(self, writes: Sequence[Write]) -> frozenset[GenerationId]:
        """See app.ports.Generations.

        MongoDB tells how many of a bulk matched, not which. Where some did not, all are read
        again: what is not there as it was to be written counts as lost, and deciding again on
        a record that did take the write changes nothing.
        """
        if not writes:
            return frozenset()
        try:
            async with answered():
                if len(writes) == 1:
                    result = await self._all.update_one(*_operation(writes[0]))
                else:
                    result = await self._bulk(writes)
        except DuplicateKeyError:
            return frozenset(each.before.id for each in writes)
        if result is None:
            return await self._unlike(writes)
        if result.matched_count == len(writes):
            return frozenset()
        if len(writes) == 1:
            return frozenset({writes[0].before.id})
        return await self._unlike(writes)

    async def due(
        self, now: datetime, kinds: frozenset[DebtKind], limit: int
    ) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        # What stands at a newer version's status is left alone, and must not fill the places.
        known = {"$in": sorted(RunStatus)}
        ripe = {
            "kind": {"$in": sorted(kinds)},
            "nextAt": {"$lte": now},
            "deadAt": {"$exists": False},
        }
        return await self._some(
            {"dueAt": {"$lte": now}, "owed": {"$elemMatch": ripe}, "status": known}, "dueAt", limit
        )

    async def claimed(self, by: InstanceName, until: datetime) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        return await self._some({"dueAt": {"$lte": until}, "owed.by": {"$eq": by}}, "dueAt", 0)

    async def page(self, wanted: Mapping[str, str | int], cursor: str | None, limit: int) -> Page:
        """See app.ports.Generations."""
        unknown = set(wanted) - FILTERS
        if unknown:
            raise ValueError(f"not a field to filter by: {sorted(unknown)}")
        query: Document = {name: {"$eq": value} for name, value in wanted.items()}
        if cursor is not None:
            query["_id"] = {"$lt": cursor}
        async with answered():
            found = (
                await self._all.find(query).sort("_id", DESCENDING).limit(limit + 1).to_list(None)
            )
        shown = found[:limit]
        return Page(tuple(self._read(shown)), shown[-1]["_id"] if len(found) > limit else None)

    async def open_ids(self) -> AsyncIterator[GenerationId]:
        """See app.ports.Generations."""
        query: Document = {"status": {"$in": sorted(OPEN)}}
        while True:
            async with answered():
                found = (
                    await self._all.find(query, {"_id": 1})
                    .sort("_id", ASCENDING)
                    .limit(AT_ONCE)
                    .to_list(None)
                )
            for each in found:
                yield each["_id"]
            if len(found) < AT_ONCE:
                return
            query["_id"] = {"$gt": found[-1]["_id"]}

    async def indebted(self) -> AsyncIterator[Generation]:
        """See app.ports.Generations."""
        async for each in self._yielded(INDEBTED):
            yield each

    async def dead(self) -> AsyncIterator[Generation]:
        """See app.ports.Generations."""
        async for each in self._yielded({"owed.deadAt": {"$gt": EVER}}):
            yield each

    async def owed(self, now: datetime) -> tuple[Owed, ...]:
        """See app.ports.Generations.

        Both halves go by an index: live debts by `dueAt`, dead ones by `owed.deadAt`.
        """
        state = {
            "$switch": {
                "branches": [
                    {"case": {"$gt": ["$owed.deadAt", None]}, "then": "dead"},
                    {"case": {"$gt": ["$owed.by", None]}, "then": "claimed"},
                ],
                "default": "live",
            }
        }
        since = {"$ifNull": ["$owed.deadAt", "$owed.nextAt"]}
        async with answered():
            rows = await self._all.aggregate(
                [
                    {"$match": INDEBTED},
                    {"$unwind": "$owed"},
                    {
                        "$group": {
                            "_id": {"kind": "$owed.kind", "state": state},
                            "count": {"$sum": 1},
                            "since": {"$min": since},
                        }
                    },
                ]
            ).to_list(None)
        return tuple(
            Owed(
                DebtKind(row["_id"]["kind"]),
                row["_id"]["state"],
                row["count"],
                max(timedelta(), now - row["since"]),
            )
            for row in rows
        )

    async def silent(self, before: datetime, limit: int) -> tuple[Generation, ...]:
        """See app.ports.Generations."""
        quiet = {"status": {"$in": sorted(OPEN)}, "updatedAt": {"$lt": before}}
        return await self._some(quiet, "_id", limit)

    async def spent(self, since: datetime) -> tuple[Spent, ...]:
        """See app.ports.Generations."""
        chosen = {"_id": {"$gte": first_id(since)}, "costUsd": {"$gte": Decimal(0)}}
        by = {"engine": "$engine", "preset": "$metadata.preset"}
        summed = {"$group": {"_id": by, "usd": {"$sum": "$costUsd"}}}
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            rows = await self._all.aggregate([{"$match": chosen}, summed], hint=SPENT).to_list(None)
        return tuple(
            Spent(EngineName(row["_id"]["engine"]), row["_id"].get("preset"), row["usd"])
            for row in rows
        )

    async def _one(self, query: Document) -> Generation | None:
        async with answered():
            found = await self._all.find_one(query)
        return read(Generation, found) if found else None

    async def _some(self, query: Document, order: str, limit: int) -> tuple[Generation, ...]:
        async with answered():
            found = await self._all.find(query).sort(order, ASCENDING).limit(limit).to_list(None)
        return tuple(self._read(found))

    async def _without_inputs(self, ids: Sequence[GenerationId]) -> list[Document]:
        async with answered():
            return await self._all.find(
                {"_id": {"$in": list(ids)}}, {"requestPayload.inputs": 0}
            ).to_list(None)

    async def _yielded(self, query: Document) -> AsyncIterator[Generation]:
        """Yield what matches, the oldest first: by ids, which are sorted here, not over there."""
        async with answered():
            ids = sorted([each["_id"] async for each in self._all.find(query, {"_id": 1})])
        for first in range(0, len(ids), AT_ONCE):
            chosen = {"_id": {"$in": ids[first : first + AT_ONCE]}, **query}
            for each in await self._some(chosen, "_id", 0):
                yield each

    def _read(self, documents: Iterable[Document]) -> Iterator[Generation]:
        """Yield the records that can be read; one that cannot must not hold up the others."""
        for document in documents:
            try:
                yield read(Generation, document)
            except UnreadableError as error:
                if document["_id"] not in self._odd:
                    self._odd.add(document["_id"])
                    self._log.warning("a record is left alone", error=str(error))

    async def _bulk(self, writes: Sequence[Write]) -> BulkWriteResult | None:
        """Write many; None where some would break a unique key, the others written."""
        try:
            return await self._all.bulk_write(  # pyright: ignore[reportUnknownMemberType] - motor leaves an argument's type open
                [UpdateOne(*_operation(each)) for each in writes], ordered=False
            )
        except BulkWriteError as error:
            details: Any = error.details
            if {each["code"] for each in details["writeErrors"]} != {DUPLICATE}:
                raise
            return None

    async def _unlike(self, writes: Sequence[Write]) -> frozenset[GenerationId]:
        documents = await self._without_inputs([each.before.id for each in writes])
        found = {each.id: each for each in self._read(documents)}
        return frozenset(
            each.before.id
            for each in writes
            if (now := found.get(each.before.id)) is None
            or now.change(request_payload=each.after.request_payload) != each.after
        )


def _operation(write: Write) -> tuple[Document, Document]:
    return (
        {"_id": {"$eq": write.before.id}, "version": {"$eq": write.before.version}},
        update(write.before, write.after),
    )
