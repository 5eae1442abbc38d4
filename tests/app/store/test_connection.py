"""The database as a whole: whose it is, its indexes, and what happens when it is gone."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import SetupError, StoreDownError, StoreShutOutError
from app.store.connection import Connection, Keep
from app.store.generations import MongoGenerations
from app.store.inbox import MongoInbox
from schemas.run import Batch
from tests.app.store.guarded import PASSWORD, a_guarded_mongod
from tests.builders import ID, NOON, a_delivery, an_order

pytestmark = pytest.mark.anyio

KEEP = Keep(timedelta(days=14))


async def test_a_database_belongs_to_one_mode(connection: Connection) -> None:
    """Live refuses what the sandbox made, and says so by the setting's name."""
    assert await connection.mode() is None
    await connection.prepare("sandbox", KEEP)
    await connection.prepare("sandbox", KEEP)

    assert await connection.mode() == "sandbox"
    with pytest.raises(SetupError, match=r"MONGODB_DATABASE.*sandbox.*live"):
        await connection.prepare("live", KEEP)


async def test_records_of_a_newer_version_are_refused(connection: Connection) -> None:
    """At start, and later when somebody else has raised the mark."""
    await connection.prepare("sandbox", KEEP)
    await connection.check_reader()
    await connection.collection("meta").update_one({}, {"$set": {"minReader": 2}})

    with pytest.raises(SetupError, match="update the service"):
        await connection.check_reader()
    with pytest.raises(SetupError, match="update the service"):
        await connection.prepare("sandbox", KEEP)


async def test_applied_events_expire_and_others_do_not(connection: Connection) -> None:
    """What was answered for and not applied is never lost to the clock."""
    await connection.prepare("sandbox", KEEP)
    found = await connection.collection("inbox").index_information()

    assert found["at_expires"]["expireAfterSeconds"] == 14 * 86_400
    assert found["at_expires"]["partialFilterExpression"] == {"applied": True}
    assert "expireAfterSeconds" not in found["stale"]


async def test_records_expire_only_if_wanted(connection: Connection) -> None:
    """By their end, and only those that owe nothing more: an end of ours may still be replaced."""
    await connection.index(KEEP)
    generations = connection.collection("generations")
    assert "responseTimestamp_expires" not in await generations.index_information()

    await connection.index(Keep(timedelta(days=14), timedelta(days=90)))
    made = (await generations.index_information())["responseTimestamp_expires"]
    assert made["expireAfterSeconds"] == 90 * 86_400
    assert made["partialFilterExpression"] == {"dueAt": None}


async def test_records_that_owe_do_not_expire(connection: Connection) -> None:
    """What lives keeps its record out of the index that deletes; what is dead does not."""
    await connection.index(Keep(timedelta(days=14), timedelta(days=90)))
    generations = connection.collection("generations")
    for name, due in (("owes", {"dueAt": NOON}), ("done", {})):
        await generations.insert_one({"_id": name, "responseTimestamp": NOON, **due})
    await generations.insert_one({"_id": "open"})

    found = generations.find({"responseTimestamp": {"$lte": NOON}, "dueAt": None})
    expiring = await found.hint("responseTimestamp_expires").to_list(None)
    assert [each["_id"] for each in expiring] == ["done"]


async def test_records_are_kept_again(connection: Connection) -> None:
    """An emptied KEEP_RECORDS_DAYS ends the deleting at the next start."""
    await connection.index(Keep(timedelta(days=14), timedelta(days=90)))
    await connection.index(KEEP)

    made = await connection.collection("generations").index_information()
    assert "responseTimestamp_expires" not in made
    assert "standing" in made


async def test_an_index_of_before_is_made_as_it_is_now(connection: Connection) -> None:
    """One that deleted whatever it owed is replaced."""
    generations = connection.collection("generations")
    name = "responseTimestamp_expires"
    await generations.create_index("responseTimestamp", name=name, expireAfterSeconds=90)

    await connection.index(Keep(timedelta(days=14), timedelta(days=90)))
    assert (await generations.index_information())[name]["partialFilterExpression"]


async def test_indexes_may_take_longer_than_any_call(
    connection: Connection, mongo_uri: str
) -> None:
    """The limit of calls would keep a service with many records from ever starting."""
    name = connection.collection("meta").database.name
    hurried = Connection(mongo_uri, name, timedelta(milliseconds=1))
    try:
        assert "stale" in await hurried.index(KEEP)
    finally:
        hurried.close()


async def test_an_index_whose_options_changed_is_made_anew(connection: Connection) -> None:
    """Another retention takes effect at the next start, and the other indexes stay."""
    before = await connection.index(KEEP)
    after = await connection.index(Keep(timedelta(days=3)))

    made = await connection.collection("inbox").index_information()
    assert made["at_expires"]["expireAfterSeconds"] == 3 * 86_400
    assert sorted(after) == sorted(before)


async def test_case_41_records_that_break_a_unique_index_are_named(connection: Connection) -> None:
    """The service refuses to start, and says which value is there twice."""
    generations = connection.collection("generations")
    twice = [{"_id": each, "idempotencyKey": "same"} for each in "ab"]
    await generations.insert_many(twice)

    with pytest.raises(SetupError, match="same"):
        await connection.index(KEEP)


async def test_a_replica_set_that_journals_has_no_problems(connection: Connection) -> None:
    """And it tells its time."""
    assert await connection.problems() == ()
    assert (await connection.time()).tzinfo is not None


async def test_a_mongod_that_is_gone_is_one_kind_of_error() -> None:
    """Whatever is asked of it, and quickly; the address's password is not in the message."""
    uri = "mongodb://me:secret@127.0.0.1:1/?authSource=admin"
    connection = Connection(uri, "test", timedelta(milliseconds=50))
    generations, inbox = MongoGenerations(connection), MongoInbox(connection)
    batch = Batch(id="a", at=NOON, events=(a_delivery(),))
    calls: list[Callable[[], Awaitable[object]]] = [
        connection.time,
        lambda: generations.get(ID),
        lambda: generations.insert(an_order()),
        lambda: generations.owed(NOON),
        lambda: inbox.insert(batch),
        lambda: inbox.mark_applied(["a"]),
    ]
    for call in calls:
        with pytest.raises(StoreDownError) as caught:
            await call()
        assert "secret" not in str(caught.value)
    connection.close()


async def test_a_user_of_few_rights_is_enough(connection: Connection, tmp_path: Path) -> None:
    """What such a user may not look into is no problem, and is told as a doubt with its cure."""
    async with a_guarded_mongod(tmp_path) as uri:
        least = Connection(uri, "test", timedelta(seconds=30))
        try:
            await least.prepare("sandbox", KEEP)
            problems, doubts = await least.problems(), await least.doubts()
        finally:
            least.close()

    assert problems == ()
    assert "clusterMonitor" in doubts[0]
    assert await connection.doubts() == ()


async def test_a_wrong_password_is_said_to_be_one(tmp_path: Path) -> None:
    """It is neither an outage nor a riddle, and is not repeated."""
    async with a_guarded_mongod(tmp_path) as uri:
        stranger = Connection(uri.replace(PASSWORD, "wrong"), "test", timedelta(seconds=30))
        try:
            with pytest.raises(StoreShutOutError, match="refuses the user") as caught:
                await stranger.time()
        finally:
            stranger.close()

    assert "least" not in str(caught.value)
