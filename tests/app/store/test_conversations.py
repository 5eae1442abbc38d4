"""Conversations in MongoDB. See also tests/contracts."""

import pytest

from app.store.connection import Connection
from app.store.conversations import MongoConversations
from tests.builders import NOON

pytestmark = pytest.mark.anyio


async def test_a_conversation_is_one_document(connection: Connection) -> None:
    """With the time from which it expires; its data are JSON."""
    conversations = MongoConversations(connection)
    await conversations.set_state(-1, 2, "Order:prompt", NOON)
    await conversations.set_data(-1, 2, {"$where": "é"}, NOON)

    assert await connection.collection("conversations").find_one({}) == {
        "_id": "-1:2",
        "state": "Order:prompt",
        "data": '{"$where":"é"}'.encode(),
        "at": NOON,
    }
