"""The connection to MongoDB, the collections and their indexes.

Motor is what the service is built on; it wraps pymongo and is kept inside this package, so
that ``pymongo.AsyncMongoClient`` can take its place here alone.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, cast

from bson.timestamp import Timestamp
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import AsyncMongoClient, IndexModel, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.read_concern import ReadConcern

from app.errors import SetupError, StoreFaultError
from app.store.answering import answered, unhurried
from app.store.documents import CODEC, Document
from app.store.indexes import RECORDS_EXPIRE, WORKFLOWS_EXPIRE, Keep, indexes

Collection = AsyncIOMotorCollection[Document]

DURABLE: Final = WriteConcern("majority", j=True)
"""Acknowledged when a majority has it on disk: measured, w:1 lost writes under ``kill -9``."""

READER: Final = 1
"""The shape of records that this version reads and writes."""

TIMEOUT: Final = timedelta(seconds=2)

_SILENT_MILLISECONDS: Final = 10_000
"""A server that is to answer each second and has not for so long is gone."""


class Connection:
    """One client of one database.

    Args:
        uri: MongoDB's connection string; it may hold a password and is never printed.
        database: The database's name.
        timeout: Longest any operation may take.
    """

    def __init__(self, uri: str, database: str, timeout: timedelta = TIMEOUT) -> None:
        milliseconds = int(timeout.total_seconds() * 1000)
        self._uri, self._name, self._milliseconds = uri, database, milliseconds
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            uri,
            timeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            retryWrites=True,
            appname="runrelay",
            tz_aware=True,
            maxPoolSize=50,
        )
        self._database: AsyncIOMotorDatabase[Document] = self._client.get_database(
            database, codec_options=CODEC, write_concern=DURABLE
        )

    def collection(self, name: str) -> Collection:
        """Return a collection whose writes are durable once they are acknowledged."""
        return self._database.get_collection(name)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncIOMotorClientSession]:
        """Yield a session whose writes are committed at the end of the block, all or none.

        An error in the block undoes them. What the driver raises is not translated here.
        """
        async with (
            await self._client.start_session() as session,
            session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=DURABLE),
        ):
            yield session

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[AsyncDatabase[Document]]:
        """Yield the database by a client of its own, for as long as somebody watches it.

        Its waits are the server's, which answers at least once a second. What it reads comes
        without a thread in between, which each of motor's answers takes: many a change is read at
        once. What the driver raises is not translated here.
        """
        client = AsyncMongoClient[Document](
            self._uri,
            connectTimeoutMS=self._milliseconds,
            serverSelectionTimeoutMS=self._milliseconds,
            socketTimeoutMS=_SILENT_MILLISECONDS,
            appname="runrelay-live",
            tz_aware=True,
            maxPoolSize=4,
        )
        try:
            yield client.get_database(self._name, codec_options=CODEC)
        finally:
            await client.close()

    async def operation_time(self) -> Timestamp:
        """Return the time of the last operation: what is read afterwards is at least as new.

        Raises:
            StoreDownError: The database does not answer.
        """
        async with answered(), await self._client.start_session() as session:
            await self._database.command("ping", session=session)
            # A property, which motor's types take for a method.
            at = cast("Timestamp | None", session.operation_time)
        if at is None:
            raise StoreFaultError("MongoDB tells no operation time: it is no replica set")
        return at

    async def time(self) -> datetime:
        """Return the database's clock.

        Raises:
            StoreDownError: The database does not answer.
            StoreShutOutError: It does not let us in.
        """
        async with answered():
            hello = await self._client.admin.command("hello")
        at: datetime = hello["localTime"]
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    async def problems(self) -> tuple[str, ...]:
        """Return why what is written here may be lost, each in one sentence.

        What this user may not look into is no problem; see `doubts`.

        Raises:
            StoreDownError: The database does not answer.
        """
        async with answered():
            hello = await self._client.admin.command("hello")
            if "setName" not in hello:
                return ("MongoDB is no replica set: start it with --replSet and initiate it",)
            config = await self._replica_set() or {}
        if not config.get("writeConcernMajorityJournalDefault", True):
            return (
                "MongoDB acknowledges unjournaled writes; set writeConcernMajorityJournalDefault",
            )
        return ()

    async def doubts(self) -> tuple[str, ...]:
        """Return what cannot be looked into, and what it takes, each in one sentence.

        Raises:
            StoreDownError: The database does not answer.
        """
        async with answered():
            hello = await self._client.admin.command("hello")
            if "setName" not in hello or await self._replica_set() is not None:
                return ()
        return (
            (
                "whether MongoDB acknowledges from its journal cannot be told: the user may not "
                "run replSetGetConfig, which the role clusterMonitor allows"
            ),
        )

    async def prepare(self, mode: Literal["sandbox", "live"], keep: Keep) -> None:
        """Stamp the database with its mode and make its indexes.

        Raises:
            SetupError: The database is another mode's, or a newer version's.
            StoreDownError: The database does not answer.
        """
        async with answered():
            await self._stamp(mode)
        await self.index(keep)

    async def index(self, keep: Keep) -> tuple[str, ...]:
        """Make the indexes that are missing; return the names of all there are.

        It takes as long as it takes: minutes where there are millions of records.

        Raises:
            SetupError: Records that are there break a unique index; their values are named.
            StoreDownError: The database does not answer.
        """
        names = list[str]()
        with unhurried():
            for name, models in indexes(keep).items():
                try:
                    async with answered():
                        names += await self._made(name, models)
                except DuplicateKeyError as error:
                    raise SetupError([_clash(name, error)]) from error
            if keep.records is None:
                async with answered():
                    await self._keep_records()
        return tuple(names)

    async def mode(self) -> str | None:
        """Return the mode that the database was made in, None before the first start.

        Raises:
            StoreDownError: The database does not answer.
        """
        async with answered():
            stamp = await self.collection("meta").find_one({"_id": {"$eq": "database"}})
        return (stamp or {}).get("mode")

    async def check_reader(self) -> None:
        """See that this version may still write here.

        Raises:
            SetupError: A newer version has changed what records look like.
        """
        async with answered():
            stamp = await self.collection("meta").find_one({"_id": {"$eq": "database"}})
        _check_reader(stamp or {})

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    async def _stamp(self, mode: str) -> None:
        meta = self.collection("meta")
        await meta.update_one(
            {"_id": "database"},
            {"$setOnInsert": {"mode": mode, "minReader": READER}},
            upsert=True,
        )
        stamp = await meta.find_one({"_id": "database"}) or {}
        if stamp.get("mode") != mode:
            raise SetupError(
                [
                    (
                        f"MONGODB_DATABASE: this database was made in {stamp.get('mode')} mode "
                        f"and MODE is {mode}; use another database or another DATA_DIR"
                    )
                ]
            )
        _check_reader(stamp)

    async def _made(self, name: str, models: list[IndexModel]) -> list[str]:
        collection = self.collection(name)
        try:
            return [f"{each}" for each in await collection.create_indexes(models)]
        except OperationFailure as error:
            if error.code not in _INDEX_CHANGED:
                raise
        # Of some the options changed, such as how long events are kept.
        made = list[str]()
        for model in models:
            try:
                made += await collection.create_indexes([model])
            except OperationFailure as error:
                if error.code not in _INDEX_CHANGED:
                    raise
                await collection.drop_index(model.document["name"])
                made += await collection.create_indexes([model])
        return made

    async def _keep_records(self) -> None:
        """Let no generation and no workflow expire, whatever was wanted before."""
        for name, index in (("generations", RECORDS_EXPIRE), ("workflows", WORKFLOWS_EXPIRE)):
            try:
                await self.collection(name).drop_index(index)
            except OperationFailure as error:
                if error.code not in _NOT_THERE:
                    raise

    async def _replica_set(self) -> Document | None:
        """Return the replica set's configuration, None where this user may not see it."""
        try:
            answer = await self._client.admin.command("replSetGetConfig")
        except OperationFailure as error:
            if error.code not in _UNTOLD:
                raise
            return None
        config: Document = answer["config"]
        return config


_INDEX_CHANGED: Final = frozenset({85, 86})
"""IndexOptionsConflict and IndexKeySpecsConflict."""

_NOT_THERE: Final = frozenset({26, 27})
"""NamespaceNotFound and IndexNotFound."""

_UNTOLD: Final = frozenset({13, 59})
"""Unauthorized, and CommandNotFound where a provider has taken the command away."""


def _clash(collection: str, error: DuplicateKeyError) -> str:
    details: Any = error.details or {}
    return (
        f"MONGODB_DATABASE: records of {collection} share {details.get('keyValue')}, which must be "
        "unique; remove or change one of them, then run `runrelay indexes`"
    )


def _check_reader(stamp: Mapping[str, Any]) -> None:
    least = int(stamp.get("minReader", READER))
    if least > READER:
        raise SetupError(
            [
                (
                    f"MONGODB_DATABASE: its records need a version that reads shape {least}, and "
                    f"this one reads {READER}; update the service"
                )
            ]
        )
