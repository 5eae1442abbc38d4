"""The people who order, in MongoDB."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import structlog
from pydantic import ValidationError
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from app.errors import UnreadableError
from app.ports import UserPage
from app.store.answering import answered
from app.store.connection import Connection
from app.store.debtors import EVER
from app.store.documents import Document, read, update
from app.store.indexes import LOOSELY
from schemas.base import UserId
from schemas.user import User

LAST: Final = "\uffff"
"""Comes after every other character in the order of a collation (UTS 35, part 5, 3.2)."""


class MongoUsers:
    """See app.ports.Users."""

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("users")
        self._log = structlog.get_logger()

    async def get(self, user: UserId) -> User | None:
        """See app.ports.Users."""
        return await self._one({"_id": {"$eq": user}})

    async def by_telegram_id(self, telegram_id: int) -> User | None:
        """See app.ports.Users."""
        return await self._one({"telegramId": {"$eq": telegram_id}})

    async def by_idempotency_key(self, key: str) -> User | None:
        """See app.ports.Users."""
        return await self._one({"idempotencyKey": {"$eq": key}})

    async def insert(self, user: User) -> bool:
        """See app.ports.Users."""
        try:
            async with answered():
                await self._all.insert_one(user.document())
        except DuplicateKeyError:
            return False
        return True

    async def write(self, before: User, after: User) -> bool:
        """See app.ports.Users."""
        chosen = {"_id": {"$eq": before.id}, "version": {"$eq": before.version}}
        async with answered():
            result = await self._all.update_one(chosen, update(before, after))
        return result.matched_count == 1

    async def named(self, words: str, limit: int) -> tuple[User, ...]:
        """See app.ports.Users."""
        found = dict[str, Document]()
        for field in ("username", "firstName"):
            # A range, since no index of a collation serves a regular expression.
            begins = {field: {"$gte": words, "$lt": words + LAST}}
            async with answered():
                many = self._all.find(begins).collation(LOOSELY).sort(field, ASCENDING)
                for each in await many.limit(limit).to_list(None):
                    found.setdefault(each["_id"], each)
        return tuple(self._read(found.values()))[:limit]

    async def page(self, cursor: str | None, limit: int) -> UserPage:
        """See app.ports.Users."""
        query: Document = {} if cursor is None else {"_id": {"$lt": cursor}}
        async with answered():
            many = self._all.find(query).sort("_id", DESCENDING).limit(limit + 1)
            found = await many.to_list(None)
        shown = found[:limit]
        return UserPage(tuple(self._read(shown)), shown[-1]["_id"] if len(found) > limit else None)

    async def to_forget(self, limit: int) -> tuple[User, ...]:
        """See app.ports.Users."""
        async with answered():
            many = self._all.find({"forgetWantedAt": {"$gt": EVER}}).limit(limit)
            return tuple(self._read(await many.to_list(None)))

    async def forgotten(self, digests: Sequence[str]) -> tuple[User, ...]:
        """See app.ports.Users."""
        async with answered():
            many = self._all.find({"telegramDigest": {"$in": list(digests)}})
            return tuple(read(User, each) for each in await many.to_list(None))

    def _read(self, documents: Iterable[Document]) -> Iterator[User]:
        """Yield the people who can be read; one who cannot must not hide the others."""
        for document in documents:
            try:
                yield read(User, document)
            except UnreadableError as error:
                self._log.warning("a person is left out of a list", error=str(error))

    async def _one(self, query: Document) -> User | None:
        async with answered():
            found = await self._all.find_one(query)
        if found is None:
            return None
        try:
            return User.read(found)
        except ValidationError:
            # Without the cause, which quotes what the record holds.
            raise UnreadableError(f"user {found['_id']}") from None
