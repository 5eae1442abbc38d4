"""How MongoDB keeps people. See also tests/contracts."""

import pytest

from app.errors import UnreadableError
from app.store.connection import Connection
from app.store.users import MongoUsers
from tests.builders import CHAT, a_user

pytestmark = pytest.mark.anyio


async def test_what_a_newer_version_added_is_left_alone(prepared: Connection) -> None:
    """Only what changed is set."""
    users, raw = MongoUsers(prepared), prepared.collection("users")
    await users.insert(a_user())
    await raw.update_one({}, {"$set": {"later": 1, "blocked": True}})
    await users.write(a_user(), a_user(version=2, username="ada"))

    found = await raw.find_one({})
    assert found is not None
    assert (found["later"], found["blocked"], found["username"]) == (1, True, "ada")


async def test_a_damaged_record_is_nobody_new(prepared: Connection) -> None:
    """It is named, without what it holds."""
    users, raw = MongoUsers(prepared), prepared.collection("users")
    await users.insert(a_user())
    await raw.update_one({}, {"$set": {"createdAt": "yesterday"}})

    with pytest.raises(UnreadableError, match=f"user {a_user().id}") as caught:
        await users.by_telegram_id(CHAT)
    assert "yesterday" not in str(caught.value)
