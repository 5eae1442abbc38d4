"""Updates in MongoDB. See also tests/contracts."""

from datetime import timedelta

import pytest

from app.errors import StoreFaultError
from app.store.connection import Connection
from app.store.indexes import UPDATES_KEPT
from app.store.updates import MongoUpdates
from schemas.base import InstanceName
from tests.app.store.profiling import profiled
from tests.builders import HERE, NOON, an_update, later

pytestmark = pytest.mark.anyio

THERE = InstanceName("there")
OPEN, LANES = 20_000, 5_000


async def test_what_is_due_is_found_by_an_index_alone(prepared: Connection) -> None:
    """However many are open: one key of each lane, and none of the updates."""
    documents = [
        an_update(number, chat=number % LANES, open=number >= LANES).document()
        for number in range(OPEN + LANES)
    ]
    await prepared.collection("updates").insert_many(documents)
    updates = MongoUpdates(prepared)
    await updates.claim("chat:0", THERE, NOON, later(75))
    async with profiled(prepared, "updates") as profile:
        found = await updates.due(HERE, NOON, 3)

    assert found == ("chat:1", "chat:2", "chat:3")
    assert (profile.documents, len(profile.plans)) == (0, 2)
    assert profile.keys <= LANES + 2


async def test_that_nothing_is_open_is_found_by_one_small_question(prepared: Connection) -> None:
    """However many were handled: none of them is looked at."""
    documents = [an_update(number, open=False).document() for number in range(OPEN)]
    await prepared.collection("updates").insert_many(documents)
    async with profiled(prepared, "updates") as profile:
        found = await MongoUpdates(prepared).due(HERE, NOON, 3)

    assert found == ()
    assert (profile.documents, profile.keys, len(profile.plans)) == (0, 0, 1)


async def test_the_first_of_a_lane_is_found_by_an_index(prepared: Connection) -> None:
    """However many wait in it: it alone is read."""
    documents = [an_update(number, open=number > 0).document() for number in range(500)]
    await prepared.collection("updates").insert_many(documents)
    async with profiled(prepared, "updates") as profile:
        update = await MongoUpdates(prepared).claim("chat:4711", HERE, NOON, later(75))

    assert update is not None
    assert (update.id, profile.documents) == (1, 1)


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
