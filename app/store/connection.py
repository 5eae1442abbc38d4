"""The connection to MongoDB, the collections and their indexes.

Motor is what the service is built on; it wraps pymongo and is kept inside this package, so
that ``pymongo.AsyncMongoClient`` can take its place here alone.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ASCENDING, DESCENDING, IndexModel, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from app.errors import SetupError, StoreDownError
from app.store.documents import CODEC, Document

Collection = AsyncIOMotorCollection[Document]

DURABLE: Final = WriteConcern("majority", j=True)
"""Acknowledged when a majority has it on disk: measured, w:1 lost writes under ``kill -9``."""

READER: Final = 1
"""The shape of records that this version reads and writes."""

TIMEOUT: Final = timedelta(seconds=2)


class Connection:
    """One client of one database.

    Args:
        uri: MongoDB's connection string; it may hold a password and is never printed.
        database: The database's name.
        timeout: Longest any operation may take.
    """

    def __init__(self, uri: str, database: str, timeout: timedelta = TIMEOUT) -> None:
        milliseconds = int(timeout.total_seconds() * 1000)
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

    async def time(self) -> datetime:
        """Return the database's clock.

        Raises:
            StoreDownError: The database does not answer.
            SetupError: It does not let us in.
        """
        try:
            async with answered():
                hello = await self._client.admin.command("hello")
        except OperationFailure as error:
            if error.code not in _SHUT_OUT:
                raise
            # The driver's words may hold the user's name.
            raise SetupError(["MONGODB_URI: MongoDB refuses the user or the password"]) from None
        at: datetime = hello["localTime"]
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    async def problems(self) -> tuple[str, ...]:
        """Return why what is written here may be lost, each in one sentence.

        Raises:
            StoreDownError: The database does not answer.
        """
        async with answered():
            hello = await self._client.admin.command("hello")
            if "setName" not in hello:
                return ("MongoDB is no replica set: start it with --replSet and initiate it",)
            config = await self._client.admin.command("replSetGetConfig")
        if not config["config"].get("writeConcernMajorityJournalDefault", True):
            return (
                "MongoDB acknowledges unjournaled writes; set writeConcernMajorityJournalDefault",
            )
        return ()

    async def prepare(self, mode: Literal["sandbox", "live"], keep: "Keep") -> None:
        """Stamp the database with its mode and make its indexes.

        Raises:
            SetupError: The database is another mode's, or a newer version's.
            StoreDownError: The database does not answer.
        """
        async with answered():
            await self._stamp(mode)
            await self.index(keep)

    async def index(self, keep: "Keep") -> tuple[str, ...]:
        """Make the indexes that are missing; return the names of all there are.

        Raises:
            SetupError: Records that are there break a unique index; their values are named.
            StoreDownError: The database does not answer.
        """
        names = list[str]()
        for name, models in indexes(keep).items():
            try:
                names += await self.collection(name).create_indexes(models)
            except DuplicateKeyError as error:
                raise SetupError([_clash(name, error)]) from error
            except OperationFailure as error:
                if error.code not in _INDEX_CHANGED:
                    raise
                names += await self._remade(name, models)
        return tuple(f"{each}" for each in names)

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

    async def _remade(self, name: str, models: list[IndexModel]) -> list[str]:
        """Make anew the indexes whose options changed, such as how long events are kept."""
        collection = self.collection(name)
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


class Keep:
    """How long things are kept.

    Attributes:
        events: Applied batches of the inbox.
        records: Ended generations; None for ever.
    """

    def __init__(self, events: timedelta, records: timedelta | None = None) -> None:
        self.events = events
        self.records = records


@asynccontextmanager
async def answered() -> AsyncGenerator[None]:
    """Translate what the driver raises when the database does not answer.

    Raises:
        StoreDownError: No answer, no primary, no majority in time.
    """
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError) as error:
        raise StoreDownError(f"MongoDB does not answer ({type(error).__name__})") from error
    except BulkWriteError as error:
        raise StoreDownError(f"MongoDB refused a bulk write ({_codes(error)})") from error
    except DuplicateKeyError:
        raise
    except PyMongoError as error:
        if getattr(error, "timeout", False) or error.has_error_label("RetryableWriteError"):
            raise StoreDownError(f"MongoDB does not answer ({type(error).__name__})") from error
        if isinstance(error, OperationFailure) and error.code in _PASSING:
            raise StoreDownError(f"MongoDB cannot do it now (code {error.code})") from error
        raise


def indexes(keep: Keep) -> Mapping[str, list[IndexModel]]:
    """Return the indexes of every collection."""
    generations = [
        # A partial filter by $type would make the planner scan; $exists is used (measured).
        _unique([("metadata.run_id", ASCENDING), ("engine", ASCENDING)], "metadata.run_id"),
        _unique([("idempotencyKey", ASCENDING)], "idempotencyKey"),
        IndexModel([("dueAt", ASCENDING)], partialFilterExpression={"dueAt": {"$exists": True}}),
        IndexModel(
            [("owed.deadAt", ASCENDING)],
            partialFilterExpression={"owed.deadAt": {"$exists": True}},
        ),
        *(
            IndexModel([(name, ASCENDING), ("_id", DESCENDING)])
            for name in (
                "status",
                "engine",
                "metadata.preset",
                "metadata.userId",
                "metadata.telegramChatId",
            )
        ),
        IndexModel([("metadata.labels.$**", ASCENDING)]),
    ]
    if keep.records is not None:
        generations.append(_expiring("responseTimestamp", keep.records))
    return {
        "generations": generations,
        "inbox": [
            IndexModel(
                [("at", ASCENDING)], partialFilterExpression={"applied": False}, name="stale"
            ),
            # Only what has been applied expires: what we answered for is never lost to the clock.
            _expiring("at", keep.events, {"applied": True}),
        ],
    }


def _unique(keys: list[tuple[str, int]], where: str) -> IndexModel:
    return IndexModel(keys, unique=True, partialFilterExpression={where: {"$exists": True}})


def _expiring(field: str, after: timedelta, only: Document | None = None) -> IndexModel:
    options: dict[str, Any] = {"partialFilterExpression": only} if only else {}
    return IndexModel(
        [(field, ASCENDING)],
        expireAfterSeconds=int(after.total_seconds()),
        name=f"{field}_expires",
        **options,
    )


_INDEX_CHANGED: Final = frozenset({85, 86})
"""IndexOptionsConflict and IndexKeySpecsConflict."""

_SHUT_OUT: Final = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and Atlas's own word for both."""

_PASSING: Final = frozenset({50, 64, 91, 100, 189, 262, 10107, 11600, 11602, 13435, 13436, 14031})
"""Codes that pass: time limits, step-downs, shutdowns, and a full disk (14031)."""


def _codes(error: BulkWriteError) -> str:
    details: Any = error.details
    return ", ".join(str(each.get("code")) for each in details.get("writeErrors", [])[:3])


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
