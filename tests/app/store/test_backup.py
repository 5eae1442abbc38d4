"""A database to one file and back, on a real replica set."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypeAlias

import bson
import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from app.store.backup import Progress, backup, restore
from app.store.backup_file import BackupWriter, Kind
from app.store.embedded.errors import (
    BackupDatabaseError,
    BackupUnreadableError,
    DatabaseNotEmptyError,
    SnapshotLostError,
)

pytestmark = pytest.mark.anyio

# Any: tests keep documents of every kind.
Database: TypeAlias = "AsyncIOMotorDatabase[dict[str, Any]]"


@pytest.fixture
async def db(mongo_uri: str) -> AsyncGenerator[Database]:
    """Give each test a database of its own, dropped afterwards."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo_uri)
    name = f"backup_{secrets.token_hex(4)}"
    yield client.get_database(name)
    for made in (name, f"{name}_copy"):
        await client.drop_database(made)
    client.close()


async def test_a_database_comes_back_as_it_was(
    db: Database, mongo_uri: str, tmp_path: Path
) -> None:
    """Documents, options, indexes and views are the same in the database restored to."""
    await _fill(db)
    seen: list[tuple[str, int, int]] = []
    counts = await backup(mongo_uri, db.name, tmp_path / "all.gz", progress=_note(seen))
    copy = db.client.get_database(f"{db.name}_copy")
    restored = await restore(
        mongo_uri, copy.name, tmp_path / "all.gz", replace=False, progress=_note(seen)
    )

    assert counts == restored == {"empty": 0, "log": 3, "things": 5000}
    assert await _picture(copy) == await _picture(db)
    assert seen[-1] == ("things", 5000, 5000)


async def test_a_backup_is_of_one_moment(db: Database, mongo_uri: str, tmp_path: Path) -> None:
    """What is written while it runs is in all collections or in none."""
    await db.a.insert_many([{"_id": n} for n in range(4000)])
    await db.b.insert_many([{"_id": n} for n in range(4000)])
    finished = asyncio.Event()

    async def write() -> None:
        n = 4000
        while not finished.is_set():
            await db.a.insert_one({"_id": n})
            await db.b.insert_one({"_id": n})
            n += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write())
        counts = await backup(mongo_uri, db.name, tmp_path / "moment.gz")
        finished.set()

    assert counts["a"] - counts["b"] in {0, 1}


async def test_a_database_that_is_not_empty_is_refused(
    db: Database, mongo_uri: str, tmp_path: Path
) -> None:
    """Documents are replaced only when somebody says so, and then all of them are."""
    await db.things.insert_one({"_id": "old"})
    await backup(mongo_uri, db.name, tmp_path / "old.gz")
    await db.things.insert_one({"_id": "new"})
    await db.others.insert_one({"_id": "new"})
    await db.create_collection("view", viewOn="others", pipeline=[])

    with pytest.raises(DatabaseNotEmptyError, match="others, things"):
        await restore(mongo_uri, db.name, tmp_path / "old.gz", replace=False)
    assert await db.things.count_documents({}) == 2

    await restore(mongo_uri, db.name, tmp_path / "old.gz", replace=True)
    assert await _picture(db) == {"things": ({}, ["_id_"], [{"_id": "old"}])}


async def test_a_damaged_file_touches_nothing(db: Database, mongo_uri: str, tmp_path: Path) -> None:
    """The whole file is read before anything is replaced; a foreign frame counts as damage."""
    await _fill(db)
    path = tmp_path / "damaged.gz"
    await backup(mongo_uri, db.name, path)
    before = await _picture(db)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BackupUnreadableError):
        await restore(mongo_uri, db.name, path, replace=True)

    with BackupWriter(path) as writer:
        writer.write(Kind.END_OF_COLLECTION, b"not BSON")
        writer.commit()
    with pytest.raises(BackupUnreadableError, match="not as we write them"):
        await restore(mongo_uri, db.name, path, replace=True)
    assert await _picture(db) == before


async def test_a_restore_that_fails_leaves_what_was_there(
    db: Database, mongo_uri: str, tmp_path: Path
) -> None:
    """When MongoDB refuses what is in the file, the database is as before."""
    await db.things.insert_one({"_id": "old"})
    await db["restoring.rest"].insert_one({"_id": "of a restore that was killed"})
    path = tmp_path / "twice.gz"
    unique: dict[str, Any] = {"v": 2, "key": {"n": 1}, "name": "n", "unique": True}
    made: dict[str, Any] = {"name": "things", "type": "collection", "options": {}}
    made["indexes"] = [unique]
    with BackupWriter(path) as writer:
        writer.write(Kind.COLLECTION, bson.encode(made))
        writer.write(
            Kind.DOCUMENTS, bson.encode({"_id": 1, "n": 1}) + bson.encode({"_id": 2, "n": 1})
        )
        writer.write(Kind.END_OF_COLLECTION, bson.encode({"name": "things", "documents": 2}))
        writer.commit()

    with pytest.raises(BackupDatabaseError, match="DuplicateKeyError"):
        await restore(mongo_uri, db.name, path, replace=True)
    assert await _picture(db) == {"things": ({}, ["_id_"], [{"_id": "old"}])}


async def test_a_collection_without_snapshots_is_refused(
    db: Database, mongo_uri: str, tmp_path: Path
) -> None:
    """A capped collection cannot be read at the moment of the others, and nothing is written."""
    await db.create_collection("log", capped=True, size=4096)
    await db.log.insert_one({})

    with pytest.raises(SnapshotLostError, match="capped collections"):
        await backup(mongo_uri, db.name, tmp_path / "capped.gz")
    assert _files(tmp_path) == []


async def test_a_malformed_address_is_said_without_quoting_it(tmp_path: Path) -> None:
    """A password in the address does not reach the message."""
    with pytest.raises(BackupDatabaseError) as refused:
        await backup("mongodb://me:hunter2@", "db", tmp_path / "x.gz")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def _note(seen: list[tuple[str, int, int]]) -> Progress:
    return lambda name, done, total: seen.append((name, done, total))


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def _fill(db: Database) -> None:
    await db.create_collection("empty", validator={"n": {"$gte": 0}})
    await db.create_collection("log", collation={"locale": "de"})
    await db.log.insert_many([{"_id": n} for n in range(3)])
    await db.things.insert_many(
        [{"_id": n, "n": n, "text": "x" * 100, "raw": bytes(8), "f": 0.5} for n in range(5000)]
    )
    await db.things.create_index([("n", 1), ("text", -1)], unique=True, name="by_n")
    await db.things.create_index(
        "due", partialFilterExpression={"due": {"$exists": True}}, expireAfterSeconds=3600
    )
    await db.create_collection("some", viewOn="things", pipeline=[{"$match": {"n": {"$lt": 2}}}])


async def _picture(db: Database) -> dict[str, Any]:
    """Return everything there is to compare; Any, as documents and options hold anything."""
    picture: dict[str, Any] = {}
    async for info in await db.list_collections():
        name = info["name"]
        if name.startswith("system."):
            continue
        indexes: list[str] = []
        if info["type"] != "view":
            found = [dict(index) async for index in db[name].list_indexes()]
            indexes = [index["name"] if index["name"] == "_id_" else str(index) for index in found]
        picture[name] = (info["options"], indexes, await db[name].find().sort("_id", 1).to_list())
    return picture
