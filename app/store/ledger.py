"""The ledger in MongoDB: nothing here is ever updated or deleted."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from pydantic import ValidationError
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from app.errors import UnreadableError
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document
from processors import ledger
from schemas.base import GenerationId, UserId
from schemas.ledger import Entry

AT_ONCE: Final = 1_000
"""Entries read at once of those that are yielded: no cursor waits for who takes them."""


class MongoLedger:
    """See app.ports.Ledger."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("ledger")

    async def history(
        self, user: UserId, *, before: int | None = None, limit: int
    ) -> tuple[Entry, ...]:
        """See app.ports.Ledger."""
        query: Document = {"user": {"$eq": user}}
        if before is not None:
            query["seq"] = {"$lt": before}
        async with answered():
            found = await self._all.find(query).sort("seq", DESCENDING).limit(limit).to_list(None)
        return tuple(map(_read, found))

    async def by_key(self, key: str) -> Entry | None:
        """See app.ports.Ledger."""
        async with answered():
            found = await self._all.find_one({"key": {"$eq": key}})
        return None if found is None else _read(found)

    async def insert(self, entry: Entry) -> bool:
        """See app.ports.Ledger."""
        try:
            async with answered():
                await self._all.insert_one(entry.document())
        except DuplicateKeyError:
            return False
        return True

    async def closed(self, generations: Sequence[GenerationId]) -> frozenset[GenerationId]:
        """See app.ports.Ledger: the index by key holds all of it."""
        wanted = {ledger.close_key(each): each for each in generations}
        async with answered():
            found = await self._all.find(
                {"key": {"$in": list(wanted)}}, {"_id": 0, "key": 1}
            ).to_list(None)
        return frozenset(wanted[each["key"]] for each in found)

    async def entries(
        self, user: UserId | None = None, *, odd: Callable[[UnreadableError], None]
    ) -> AsyncIterator[Entry]:
        """See app.ports.Ledger."""
        query: Document = {} if user is None else {"user": {"$eq": user}}
        order = [("user", ASCENDING), ("seq", ASCENDING)]
        while True:
            async with answered():
                found = await self._all.find(query).sort(order).limit(AT_ONCE).to_list(None)
            for each in found:
                try:
                    yield _read(each)
                except UnreadableError as error:
                    odd(error)
            if len(found) < AT_ONCE:
                return
            query = _after(found[-1], user)


def _after(last: Document, user: UserId | None) -> Document:
    """Return the query for what comes after an entry; each half goes by the index."""
    same: Document = {"user": {"$eq": last["user"]}, "seq": {"$gt": last["seq"]}}
    return same if user is not None else {"$or": [same, {"user": {"$gt": last["user"]}}]}


def _read(document: Document) -> Entry:
    """Read an entry.

    Raises:
        UnreadableError: It is damaged.
    """
    try:
        return Entry.read(document)
    except ValidationError:
        # Without the cause, which quotes what the record holds.
        raise UnreadableError(f"entry {document['_id']} of the ledger") from None
