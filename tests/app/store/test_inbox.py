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
