"""The log of the nodes that were executed, in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import pymongo
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from app.store.answering import answered
from app.store.bulks import repeated
from app.store.connection import Connection
from app.store.documents import Document
from schemas.base import GenerationId
from schemas.usage import Use, UseRow, UsesBy

ADDING_UP: Final = timedelta(seconds=20)
"""Longest that adding up may take: it reads every row of its time."""

_FIELDS: Final[Mapping[UsesBy, str]] = {"class": "class", "model": "models", "server": "server"}


class MongoUses:
    """See app.ports.Uses."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("model_usage_log")

    async def add(self, rows: Sequence[Use]) -> None:
        """See app.ports.Uses."""
        if not rows:
            return
        async with answered():
            try:
                await self._all.insert_many(map(_document, rows), ordered=False)
            except BulkWriteError as error:
                if not repeated(error):
                    raise

    async def report(self, since: datetime, until: datetime, by: UsesBy) -> tuple[UseRow, ...]:
        """See app.ports.Uses."""
        field = _FIELDS[by]
        stages: list[Document] = [{"$match": {"at": {"$gte": since, "$lt": until}}}]
        if by == "model":
            stages.append({"$unwind": "$models"})
        summed = {
            "_id": f"${field}",
            "count": {"$sum": 1},
            "cached": {"$sum": {"$cond": ["$cached", 1, 0]}},
            "ms": {"$sum": "$ms"},
            "longest": {"$max": "$ms"},
        }
        stages += [{"$group": summed}, {"$sort": {"ms": DESCENDING, "_id": ASCENDING}}]
        with pymongo.timeout(ADDING_UP.total_seconds()):
            async with answered():
                found = await self._all.aggregate(stages).to_list(None)
        return tuple(
            UseRow(each["_id"], each["count"], each["cached"], each["ms"], each["longest"])
            for each in found
        )

    async def of(self, generation: GenerationId) -> tuple[Use, ...]:
        """See app.ports.Uses."""
        order = [("at", ASCENDING), ("ms", DESCENDING), ("_id", ASCENDING)]
        async with answered():
            found = (
                await self._all.find({"generation": {"$eq": generation}}).sort(order).to_list(None)
            )
        return tuple(map(_use, found))


def _document(use: Use) -> Document:
    return {
        "_id": f"{use.run_id}/{use.node_id}",
        "generation": use.generation,
        "runId": use.run_id,
        "nodeId": use.node_id,
        "class": use.class_type,
        "models": list(use.models),
        "ms": use.milliseconds,
        "cached": use.cached,
        "server": use.server,
        "at": use.at,
    }


def _use(found: Document) -> Use:
    return Use(
        generation=found["generation"],
        run_id=found["runId"],
        server=found["server"],
        at=found["at"],
        node_id=found["nodeId"],
        class_type=found["class"],
        models=tuple(found["models"]),
        milliseconds=found["ms"],
        cached=found["cached"],
    )
