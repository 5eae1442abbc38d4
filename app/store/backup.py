"""A database to one file and back: `runrelay backup` and `runrelay restore`.

A backup is one moment of the whole database: every collection is read in one snapshot session. It
is streamed, so memory does not grow with it. Capped collections are refused: MongoDB reads them in
no snapshot. A restore reads the whole file first, and touches nothing if any of it is wrong; it
then fills collections under other names and renames them at the end, so that one that fails
half-way leaves what was there.

`backup_file` is the format of the file.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import bson
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from app.store import backup_file
from app.store.backup_file import Kind
from app.store.embedded.errors import (
    BackupDatabaseError,
    BackupUnreadableError,
    DatabaseNotEmptyError,
    SnapshotLostError,
)

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the collection, the documents done, and how many there are (when backing up, about)."""

# Any: documents of any kind pass through here, and none is looked into.
_Document: TypeAlias = dict[str, Any]
_Database: TypeAlias = "AsyncIOMotorDatabase[dict[str, Any]]"

_STAGED: Final = "restoring."
_BATCH_DOCUMENTS: Final = 2_000
_SELECTION_LIMIT_MS: Final = 10_000
_SOCKET_LIMIT_MS: Final = 120_000

# mongo/src/mongo/base/error_codes.yml. The first is also what a collection or an index made a
# moment ago brings about, until the majority's snapshot is past it.
_SNAPSHOT_UNAVAILABLE: Final = 246
_SNAPSHOT_TOO_OLD: Final = 239
_ATTEMPTS: Final = 8
_PAUSE_SECONDS: Final = 0.25


def no_progress(collection: str, done: int, total: int) -> None:
    """Take note of nothing."""


async def backup(
    uri: str, database: str, target: Path, *, progress: Progress = no_progress
) -> dict[str, int]:
    """Write `database` as it is at one moment to the file `target`, replacing it when complete.

    Returns:
        How many documents of each collection are in it.

    Raises:
        BackupTargetError: The file cannot be written.
        SnapshotLostError: Copying took too long, or collections kept changing.
        BackupDatabaseError: MongoDB failed.
    """
    async with _connected(uri, database) as (client, db):
        attempts_left = _ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return await _backup(client, db, target, progress)
            except OperationFailure as error:
                if error.code not in {_SNAPSHOT_UNAVAILABLE, _SNAPSHOT_TOO_OLD}:
                    raise
                if error.code == _SNAPSHOT_TOO_OLD or not attempts_left:
                    why = (error.details or {}).get("errmsg", error.code)
                    raise SnapshotLostError(database, str(why)) from error
            await asyncio.sleep(_PAUSE_SECONDS)


async def restore(
    uri: str,
    database: str,
    source: Path,
    *,
    replace: bool,
    progress: Progress = no_progress,
) -> dict[str, int]:
    """Make `database` what the file `source` holds. Nobody else may write to it meanwhile.

    Args:
        uri: Where MongoDB is.
        database: The database to fill; need not be the one the file was made of.
        source: A file made by `backup`.
        replace: Whether a database that holds documents may be replaced, all of it.
        progress: Told of each batch; the totals are exact.

    Returns:
        How many documents of each collection are there now.

    Raises:
        BackupUnreadableError: The file is damaged or foreign; the database is as it was.
        DatabaseNotEmptyError: It holds documents, and `replace` is false.
        BackupDatabaseError: MongoDB failed; the database is as it was, unless it failed while the
            collections were being renamed: then restoring again with `replace` completes it.
    """
    totals = await asyncio.to_thread(_verify, source)
    async with _connected(uri, database) as (_, db):
        await _drop_staged(db)
        if not replace:
            await _refuse_unless_empty(db)
        try:
            views = await _fill(db, source, totals, progress)
            await _swap(db, totals, views)
        except BaseException:
            # A server that is gone cannot tidy up either; the next restore does.
            with suppress(PyMongoError):
                await _drop_staged(db)
            raise
    return totals


@asynccontextmanager
async def _connected(
    uri: str, database: str
) -> AsyncGenerator[tuple["AsyncIOMotorClient[_Document]", _Database]]:
    try:
        client: AsyncIOMotorClient[_Document] = AsyncIOMotorClient(
            uri,
            w="majority",
            serverSelectionTimeoutMS=_SELECTION_LIMIT_MS,
            socketTimeoutMS=_SOCKET_LIMIT_MS,
        )
        try:
            yield client, client.get_database(database)
        finally:
            client.close()
    except ConfigurationError:
        # Its message may quote the address, and with it a password.
        raise BackupDatabaseError(database, "MONGODB_URI is malformed") from None
    except PyMongoError as error:
        raise BackupDatabaseError(database, f"{type(error).__name__}: {error}") from error


async def _backup(
    client: "AsyncIOMotorClient[_Document]", db: _Database, target: Path, progress: Progress
) -> dict[str, int]:
    collections = await _describe(db)
    counts: dict[str, int] = {}
    with backup_file.BackupWriter(target) as writer:
        writer.write(Kind.HEADER, bson.encode({"database": db.name}))
        async with await client.start_session(snapshot=True) as session:
            for collection in collections:
                writer.write(Kind.COLLECTION, bson.encode(collection))
                if collection["type"] != "view":
                    name = collection["name"]
                    counts[name] = await _copy(db[name], session, writer, progress)
                    end = {"name": name, "documents": counts[name]}
                    writer.write(Kind.END_OF_COLLECTION, bson.encode(end))
        await asyncio.to_thread(writer.commit)
    return counts


async def _copy(
    collection: "AsyncIOMotorCollection[_Document]",
    session: AsyncIOMotorClientSession,
    writer: backup_file.BackupWriter,
    progress: Progress,
) -> int:
    done, total = 0, await collection.estimated_document_count()
    async for batch in collection.find_raw_batches(session=session, batch_size=_BATCH_DOCUMENTS):
        await asyncio.to_thread(writer.write, Kind.DOCUMENTS, batch)
        done += sum(1 for _ in _split(batch))
        progress(collection.name, done, max(done, total))
    return done


async def _describe(db: _Database) -> list[_Document]:
    """Return what it takes to make each collection again."""
    found: list[_Document] = []
    async for info in await db.list_collections():
        name, kind = info["name"], info["type"]
        if name.startswith(("system.", _STAGED)):
            continue
        indexes: list[_Document] = []
        if kind != "view":
            indexes = [dict(index) async for index in db[name].list_indexes()]
        made = [index for index in indexes if not _comes_by_itself(index)]
        found.append({"name": name, "type": kind, "options": info["options"], "indexes": made})
    return sorted(found, key=lambda described: described["name"])


def _comes_by_itself(index: _Document) -> bool:
    return index["name"] == "_id_" or bool(index.get("clustered"))


def _verify(source: Path) -> dict[str, int]:
    """Read the whole file; return how many documents each collection has."""
    totals: dict[str, int] = {}
    try:
        for kind, payload in backup_file.frames(source):
            if kind is Kind.END_OF_COLLECTION:
                end = _decoded(payload)
                totals[end["name"]] = end["documents"]
    except (InvalidBSON, KeyError) as error:
        raise BackupUnreadableError(source, f"it is not as we write them ({error})") from error
    return totals


async def _refuse_unless_empty(db: _Database) -> None:
    full = [
        info["name"]
        async for info in await db.list_collections()
        if info["type"] != "view"
        and not info["name"].startswith("system.")
        and await db[info["name"]].find_one({}, projection={"_id": 1}) is not None
    ]
    if full:
        raise DatabaseNotEmptyError(db.name, sorted(full))


async def _fill(
    db: _Database, source: Path, totals: dict[str, int], progress: Progress
) -> list[_Document]:
    """Make and fill each collection under its staged name; return the views, not made yet."""
    views: list[_Document] = []
    current: _Document = {}
    done = 0
    found = backup_file.frames(source)
    while frame := await asyncio.to_thread(next, found, None):
        kind, payload = frame
        if kind is Kind.COLLECTION:
            current, done = _decoded(payload), 0
            if current["type"] == "view":
                views.append(current)
            else:
                await db.command({"create": _STAGED + current["name"], **current["options"]})
        elif kind is Kind.DOCUMENTS:
            documents = [RawBSONDocument(document) for document in _split(payload)]
            await db[_STAGED + current["name"]].insert_many(
                documents, bypass_document_validation=True
            )
            done += len(documents)
            progress(current["name"], done, totals[current["name"]])
        elif kind is Kind.END_OF_COLLECTION and current["indexes"]:
            command = {"createIndexes": _STAGED + current["name"], "indexes": current["indexes"]}
            await db.command(command)
    return views


async def _swap(db: _Database, totals: dict[str, int], views: list[_Document]) -> None:
    existing = [info async for info in await db.list_collections()]
    for info in existing:
        name = info["name"]
        gone = name not in totals and not name.startswith(("system.", _STAGED))
        if gone or info["type"] == "view":
            await db.drop_collection(name)
    for name in totals:
        await db[_STAGED + name].rename(name, dropTarget=True)
    for view in views:
        await db.command({"create": view["name"], **view["options"]})


async def _drop_staged(db: _Database) -> None:
    for name in await db.list_collection_names():
        if name.startswith(_STAGED):
            await db.drop_collection(name)


def _decoded(payload: bytes) -> _Document:
    # bson's own annotations name an array of anything.
    return bson.decode(payload)  # pyright: ignore[reportUnknownMemberType]


def _split(documents: bytes) -> Iterator[bytes]:
    """Yield the BSON documents, each of which begins with its own length (bsonspec.org)."""
    start = 0
    while start < len(documents):
        (length,) = struct.unpack_from("<i", documents, start)
        yield documents[start : start + length]
        start += length
