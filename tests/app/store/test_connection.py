"""The database as a whole: whose it is, its indexes, and what happens when it is gone."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from pymongo.errors import OperationFailure

from app.errors import SetupError, StoreDownError
from app.store.connection import Connection, Keep, answered
from app.store.generations import MongoGenerations
from app.store.inbox import MongoInbox
from schemas.run import Batch
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
    """By their end, which an open one does not have."""
    await connection.index(KEEP)
    generations = connection.collection("generations")
    assert "responseTimestamp_expires" not in await generations.index_information()

    await connection.index(Keep(timedelta(days=14), timedelta(days=90)))
    made = (await generations.index_information())["responseTimestamp_expires"]
    assert made["expireAfterSeconds"] == 90 * 86_400


async def test_an_index_whose_options_changed_is_made_anew(connection: Connection) -> None:
    """Another retention takes effect at the next start, and the other indexes stay."""
    before = await connection.index(KEEP)
    after = await connection.index(Keep(timedelta(days=3)))

    made = await connection.collection("inbox").index_information()
    assert made["at_expires"]["expireAfterSeconds"] == 3 * 86_400
    assert sorted(after) == sorted(before)


async def test_records_that_break_a_unique_index_are_named(connection: Connection) -> None:
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


@pytest.mark.parametrize(("code", "passes"), [(91, True), (189, True), (14031, True), (2, False)])
async def test_what_passes_is_told_from_what_does_not(code: int, *, passes: bool) -> None:
    """A step-down, a shutdown and a full disk are waited for; a mistake of ours is not."""
    with pytest.raises(StoreDownError if passes else OperationFailure):
        async with answered():
            raise OperationFailure("no", code)
