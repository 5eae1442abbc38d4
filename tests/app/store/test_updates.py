"""Updates in MongoDB. See also tests/contracts."""

from datetime import timedelta

import pytest

from app.errors import StoreFaultError
from app.store.connection import Connection
from app.store.indexes import UPDATES_KEPT
from app.store.updates import MongoUpdates
from tests.builders import HERE, NOON, an_update, later

pytestmark = pytest.mark.anyio


async def test_what_is_due_is_found_by_an_index(prepared: Connection) -> None:
    """However many were handled: only what is open is looked at."""
    updates = MongoUpdates(prepared)
    for number in range(50):
        await updates.insert(an_update(number, open=number == 0))
    plan = await prepared.collection("updates").database.command(
        "explain",
        {
            "aggregate": "updates",
            "pipeline": [{"$match": {"open": True}}, {"$sort": {"lane": 1, "_id": 1}}],
            "cursor": {},
        },
        verbosity="executionStats",
    )

    assert plan["executionStats"]["totalDocsExamined"] == 1
    assert await updates.due(HERE, NOON, 10) == ("chat:4711",)


async def test_handled_ones_expire_after_eight_days(prepared: Connection) -> None:
    """Open ones never do: they have been answered for."""
    indexes = await prepared.collection("updates").index_information()

    expiring = indexes["at_expires"]
    assert timedelta(seconds=expiring["expireAfterSeconds"]) == UPDATES_KEPT == timedelta(days=8)
    assert dict(expiring["partialFilterExpression"]) == {"open": False}
    conversations = await prepared.collection("conversations").index_information()
    assert any("expireAfterSeconds" in each for each in conversations.values())


async def test_a_damaged_one_holds_nobody_up(connection: Connection) -> None:
    """It is left where it is, for somebody to look at, and the next one has its turn."""
    updates = MongoUpdates(connection)
    await updates.insert(an_update(1))
    await connection.collection("updates").update_one({}, {"$set": {"raw": 5}})
    await updates.insert(an_update(2))

    assert await updates.claim("chat:4711", HERE, NOON, later(75)) is None
    following = await updates.claim("chat:4711", HERE, NOON, later(75))
    kept = await connection.collection("updates").find_one({"_id": 1})

    assert following is not None
    assert following.id == 2
    assert kept is not None
    assert kept["open"] is False
    assert kept["raw"] == 5


async def test_one_that_is_claimed_elsewhere_in_between_is_not_ours(
    connection: Connection,
) -> None:
    """A claim that changed between the look and the write is another's."""
    updates = MongoUpdates(connection)
    await updates.insert(an_update())
    claimed = await updates.claim("chat:4711", HERE, NOON, later(75))
    assert claimed is not None
    await connection.collection("updates").update_one({}, {"$set": {"open": False}})

    assert not await updates.done(claimed, NOON)
    assert await updates.claim("chat:4711", HERE, NOON, later(75)) is None


async def test_an_id_that_mongodb_cannot_hold_is_refused(connection: Connection) -> None:
    """Nobody gets here with one; it is a fault of ours if somebody does."""
    with pytest.raises(StoreFaultError):
        await MongoUpdates(connection).insert(an_update(2**64))
