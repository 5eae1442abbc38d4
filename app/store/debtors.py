"""The records of one kind that owe, in MongoDB."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic

import structlog
from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.results import BulkWriteResult

from app.errors import UnreadableError
from app.ports import Owed, OwingT, Write
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read, update
from processors.debts import COUNTED
from schemas.base import InstanceName
from schemas.debt import MANY_TRIES, DebtKind

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every time we keep: compares true with any, and lets a partial index be used."""

INDEBTED: Final[Document] = {"$or": [{"dueAt": {"$gt": EVER}}, {"owed.deadAt": {"$gt": EVER}}]}
"""Records that owe anything; each half goes by an index."""

AT_ONCE: Final = 500
"""Records read at once of those that are yielded: no cursor waits for who takes them."""

DUPLICATE: Final = 11000
"""The error code of a unique key that is taken."""


class MongoDebtors(Generic[OwingT]):
    """See app.ports.Debtors.

    Args:
        connection: To the database.
        collection: Where they are.
        kind: What they are read as.
        statuses: Those that we know. What stands at a newer version's is left alone.
    """

    def __init__(
        self, connection: Connection, collection: str, kind: type[OwingT], statuses: Iterable[str]
    ) -> None:
        self._all = connection.collection(collection)
        self._kind = kind
        self._known = sorted(statuses)
        self._log = structlog.get_logger()
        self._odd = set[str]()

    async def get(self, record_id: str, /) -> OwingT | None:
        """See app.ports.Debtors."""
        return await self._one({"_id": {"$eq": record_id}})

    async def by_idempotency_key(self, key: str) -> OwingT | None:
        """See app.ports.Debtors."""
        return await self._one({"idempotencyKey": {"$eq": key}})

    async def insert(self, record: OwingT, /) -> bool:
        """See app.ports.Debtors."""
        try:
            async with answered():
                await self._all.insert_one(record.document())
        except DuplicateKeyError:
            return False
        return True

    async def insert_all(self, records: Sequence[OwingT], /) -> frozenset[str]:
        """See app.ports.Debtors."""
        if not records:
            return frozenset()
        documents = [each.document() for each in records]
        async with answered():
            try:
                await self._all.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                details: Any = error.details
                failed: list[Any] = details["writeErrors"]
                if {each["code"] for each in failed} != {DUPLICATE}:
                    raise
                places: list[int] = [each["index"] for each in failed]
                return frozenset(records[each].id for each in places)
        return frozenset()

    async def write(self, writes: Sequence[Write[OwingT]]) -> frozenset[str]:
        """See app.ports.Debtors.

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
    ) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        return await self._some(self._ripe(now, kinds), "dueAt", limit)

    async def any_due(self, now: datetime, kinds: frozenset[DebtKind]) -> bool:
        """See app.ports.Debtors."""
        async with answered():
            found = await self._all.find_one(
                self._ripe(now, kinds), {"_id": 1}, sort=[("dueAt", ASCENDING)]
            )
        return found is not None

    async def number_due(self, now: datetime, kinds: frozenset[DebtKind]) -> int:
        """See app.ports.Debtors."""
        async with answered():
            return await self._all.count_documents(self._ripe(now, kinds))

    async def claimed(self, by: InstanceName, until: datetime) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        return await self._some({"dueAt": {"$lte": until}, "owed.by": {"$eq": by}}, "dueAt", 0)

    async def failing(self, limit: int) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        often = {
            "attempts": {"$gte": MANY_TRIES},
            "kind": {"$in": sorted(COUNTED)},
            "deadAt": {"$exists": False},
        }
        # The first half is what the index is asked for, which has nobody else.
        query: Document = {"owed.attempts": {"$gte": MANY_TRIES}, "owed": {"$elemMatch": often}}
        return await self._any(query, limit)

    async def died(self, since: datetime, limit: int) -> tuple[OwingT, ...]:
        """See app.ports.Debtors."""
        return await self._any({"owed.deadAt": {"$gt": since}}, limit)

    async def indebted(self) -> AsyncIterator[OwingT]:
        """See app.ports.Debtors."""
        async for each in self._yielded(INDEBTED):
            yield each

    async def dead(self) -> AsyncIterator[OwingT]:
        """See app.ports.Debtors."""
        async for each in self._yielded({"owed.deadAt": {"$gt": EVER}}):
            yield each

    async def owed(self, now: datetime) -> tuple[Owed, ...]:
        """See app.ports.Debtors.

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

    async def _one(self, query: Document) -> OwingT | None:
        async with answered():
            found = await self._all.find_one(query)
        return read(self._kind, found) if found else None

    def _ripe(self, now: datetime, kinds: frozenset[DebtKind]) -> Document:
        """Match the records that owe a live debt of these kinds by `now`."""
        ripe = {
            "kind": {"$in": sorted(kinds)},
            "nextAt": {"$lte": now},
            "deadAt": {"$exists": False},
        }
        # What stands at a newer version's status must not fill the places.
        known = {"$in": self._known}
        return {"dueAt": {"$lte": now}, "owed": {"$elemMatch": ripe}, "status": known}

    async def _some(self, query: Document, order: str, limit: int) -> tuple[OwingT, ...]:
        async with answered():
            found = await self._all.find(query).sort(order, ASCENDING).limit(limit).to_list(None)
        return tuple(self._read(found))

    async def _page(
        self, query: Document, cursor: str | None, limit: int
    ) -> tuple[tuple[OwingT, ...], str | None]:
        """Return a page of what matches, the newest first, and the cursor of the next."""
        wanted = query if cursor is None else query | {"_id": {"$lt": cursor}}
        async with answered():
            many = self._all.find(wanted).sort("_id", DESCENDING).limit(limit + 1)
            found = await many.to_list(None)
        shown = found[:limit]
        return tuple(self._read(shown)), shown[-1]["_id"] if len(found) > limit else None

    async def _any(self, query: Document, limit: int) -> tuple[OwingT, ...]:
        """Return some of what matches: as its index has them, for to sort is to read them all."""
        async with answered():
            found = await self._all.find(query).limit(limit).to_list(None)
        return tuple(self._read(found))

    async def _yielded(self, query: Document) -> AsyncIterator[OwingT]:
        """Yield what matches, the oldest first: by ids, which are sorted here, not over there."""
        async with answered():
            ids = sorted([each["_id"] async for each in self._all.find(query, {"_id": 1})])
        for first in range(0, len(ids), AT_ONCE):
            chosen = {"_id": {"$in": ids[first : first + AT_ONCE]}, **query}
            for each in await self._some(chosen, "_id", 0):
                yield each

    def _read(self, documents: Iterable[Document]) -> Iterator[OwingT]:
        """Yield the records that can be read; one that cannot must not hold up the others."""
        for document in documents:
            try:
                yield read(self._kind, document)
            except UnreadableError as error:
                if document["_id"] not in self._odd:
                    self._odd.add(document["_id"])
                    self._log.warning("a record is left alone", error=str(error))

    async def _bulk(self, writes: Sequence[Write[OwingT]]) -> BulkWriteResult | None:
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

    async def _unlike(self, writes: Sequence[Write[OwingT]]) -> frozenset[str]:
        documents = await self._again([each.before.id for each in writes])
        found = {each.id: each for each in self._read(documents)}
        return frozenset(
            each.before.id
            for each in writes
            if (now := found.get(each.before.id)) is None or self._differ(now, each.after)
        )

    async def _again(self, ids: Sequence[str]) -> list[Document]:
        """Read what there is of these records, to be compared by `_differ`."""
        async with answered():
            return await self._all.find({"_id": {"$in": list(ids)}}).to_list(None)

    def _differ(self, stored: OwingT, wanted: OwingT) -> bool:
        """Return whether what `_again` read is another state than the one that was written."""
        return stored != wanted


def _operation(write: Write[OwingT]) -> tuple[Document, Document]:
    return (
        {"_id": {"$eq": write.before.id}, "version": {"$eq": write.before.version}},
        update(write.before, write.after),
    )
