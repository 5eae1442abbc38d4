"""The inbox in MongoDB. See also tests/contracts."""

import pytest

from app.store.connection import Connection
from app.store.inbox import MongoInbox
from schemas.run import Batch
from tests.builders import NOON, a_delivery, later

pytestmark = pytest.mark.anyio


async def test_what_is_stored_is_flat_and_raw(prepared: Connection) -> None:
    """A batch is one document; bodies are bytes, so none of them can spoil it."""
    raw = b'{"$where": 1e999, "a.b": "\xff"}'
    await MongoInbox(prepared).insert(Batch(id="a", at=NOON, events=(a_delivery(raw),)))

    stored = await prepared.collection("inbox").find_one({"_id": "a"})
    assert stored is not None
    assert (stored["applied"], stored["at"]) == (False, NOON)
    assert stored["events"][0]["raw"] == raw


async def test_the_stale_are_found_by_their_index(prepared: Connection) -> None:
    """However many applied ones there are."""
    inbox = prepared.collection("inbox")
    await inbox.insert_many(
        {"_id": f"{number}", "at": later(number), "events": [], "applied": number != 7}
        for number in range(300)
    )

    plan = await inbox.find({"applied": False, "at": {"$lt": later(999)}}).sort("at", 1).explain()
    assert plan["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] == "stale"
    assert [each.id for each in await MongoInbox(prepared).stale(later(999), 9)] == ["7"]


async def test_a_span_of_time_goes_by_its_indexes(prepared: Connection) -> None:
    """In their order, so that nothing is gathered before the first is given."""
    inbox = prepared.collection("inbox")
    await inbox.insert_many(
        {"_id": f"{number}", "at": later(number), "events": [], "applied": number != 7}
        for number in range(300)
    )
    between = {"$gte": later(5), "$lte": later(9)}
    query = {"$or": [{"applied": each, "at": between} for each in (True, False)]}

    for more in ({}, {"events.generation": {"$eq": "x"}}):
        plan = await inbox.find({**query, **more}).sort("at", 1).explain()
        assert "SORT_MERGE" in str(plan["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])


async def test_a_batch_of_a_newer_version_is_left_alone(prepared: Connection) -> None:
    """It neither stops the sweep nor takes the place of another, and stays for who can read it."""
    inbox = MongoInbox(prepared)
    odd = {"_id": "odd", "at": NOON, "applied": False, "events": [{"shape": 2}]}
    await prepared.collection("inbox").insert_one(odd)
    await inbox.insert(Batch(id="a", at=later(1), events=(a_delivery(),)))

    assert await inbox.stale(later(9), 1) == ()
    assert [each.id for each in await inbox.stale(later(9), 1)] == ["a"]
    assert await prepared.collection("inbox").find_one({"_id": "odd"}) == odd
