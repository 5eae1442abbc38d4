"""Chats in MongoDB. See also tests/contracts."""

import pytest

from app.store.chats import MongoChats
from app.store.connection import Connection
from tests.builders import NOON

pytestmark = pytest.mark.anyio


async def test_what_is_known_of_a_chat_is_one_document(connection: Connection) -> None:
    """Where it moved, and why it refuses us, beside each other."""
    chats = MongoChats(connection)
    await chats.migrated(-1, -100)
    await chats.blocked(-1, "kicked", NOON)

    assert await connection.collection("chats").find_one({"_id": -1}) == {
        "_id": -1,
        "migratedTo": -100,
        "blockedAt": NOON,
        "blockedWhy": "kicked",
    }
    await chats.opened(-1)
    assert await connection.collection("chats").find_one({"_id": -1}) == {
        "_id": -1,
        "migratedTo": -100,
    }
