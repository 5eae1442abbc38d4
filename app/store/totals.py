"""The totals of hours, in MongoDB, and what they are added up from."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import ValidationError
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import BulkWriteError

from app.store.answering import answered
from app.store.bulks import repeated
from app.store.connection import Connection
from app.store.documents import Document
from app.store.indexes import ENDED, GIVEN_UP
from schemas.base import EngineName, first_id
from schemas.run import TERMINAL, RunStatus
from schemas.totals import Ended, HourTotals

LONGEST: Final = timedelta(days=7)
"""A generation that ended was ordered no longer before, but for the rarest."""


class MongoTotals:
    """See app.ports.Totals."""

    def __init__(self, connection: Connection) -> None:
        self._generations = connection.collection("generations")
        self._all = connection.collection("hourly_totals")

    async def ended(self, since: datetime, until: datetime) -> tuple[Ended, ...]:
        """See app.ports.Totals."""
        over: Document = {
            "responseTimestamp": {"$gte": since, "$lt": until},
            "status": {"$in": sorted(TERMINAL)},
        }
        young = {"$gte": first_id(since - LONGEST), "$lt": first_id(until)}
        retried = {"_id": young, "runs.costUsd": {"$gt": Decimal(0)}}
        tries = {"$group": {"_id": _BY, "usd": {"$sum": {"$sum": "$runs.costUsd"}}}}
        async with answered():
            # Named, so that no record is fetched: the index holds all of it.
            rows = await self._generations.aggregate(
                [{"$match": over}, _ADDED], hint=ENDED
            ).to_list(None)
            # Of the few that were tried again the records are read.
            found = await self._generations.aggregate(
                [{"$match": retried | over}, tries], hint=GIVEN_UP
            ).to_list(None)
        given_up = {_key(each): each["usd"] for each in found}
        return tuple(_ended(each, given_up.get(_key(each), _ZERO)) for each in rows)

    async def kept(self, since: datetime, until: datetime) -> tuple[HourTotals, ...]:
        """See app.ports.Totals."""
        async with answered():
            found = (
                await self._all.find({"_id": {"$gte": since, "$lt": until}})
                .sort("_id", ASCENDING)
                .to_list(None)
            )
        read = map(_read, found)
        return tuple(each for each in read if each is not None)

    async def keep(self, many: Sequence[HourTotals]) -> None:
        """See app.ports.Totals."""
        writes = [_write(each) for each in many]
        if not writes:
            return
        async with answered():
            try:
                await self._all.bulk_write(  # pyright: ignore[reportUnknownMemberType] - motor leaves an argument's type open
                    writes, ordered=False
                )
            except BulkWriteError as error:
                # Of one of these hours there is something newer.
                if not repeated(error):
                    raise


_ZERO: Final = Decimal(0)
_BY: Final = {"status": "$status", "engine": "$engine", "preset": "$metadata.preset"}
_UNKNOWN: Final = {"$eq": [{"$ifNull": ["$costUsd", None]}, None]}
_WAITED: Final = {"$divide": [{"$subtract": ["$startedAt", "$requestTimestamp"]}, 1000]}
_ADDED: Final[Document] = {
    "$group": {
        "_id": _BY,
        "number": {"$sum": 1},
        "usd": {"$sum": "$costUsd"},
        "unknown": {"$sum": {"$cond": [_UNKNOWN, 1, 0]}},
        # What is missing adds nothing to an array, and null is left out when it is read.
        "durations": {"$push": "$durationSeconds"},
        "waits": {"$push": _WAITED},
    }
}


def _key(row: Document) -> tuple[str, str, str | None]:
    by = row["_id"]
    return by["status"], by["engine"], by.get("preset")


def _ended(row: Document, given_up: Decimal) -> Ended:
    status, engine, preset = _key(row)
    return Ended(
        RunStatus(status),
        EngineName(engine),
        preset,
        row["number"],
        Decimal(row["usd"]) + given_up,
        row["unknown"],
        tuple(each for each in row["durations"] if each is not None),
        tuple(each for each in row["waits"] if each is not None),
    )


def _read(found: Document) -> HourTotals | None:
    try:
        return HourTotals.read(found)
    except ValidationError:
        return None


def _write(totals: HourTotals) -> UpdateOne:
    older: Document = {"_id": totals.start, "at": {"$lte": totals.at}}
    stored = totals.document()
    del stored["_id"]
    return UpdateOne(older, {"$set": stored}, upsert=True)
