"""How MongoDB keeps people. See also tests/contracts."""

import pytest

from app.errors import UnreadableError
from app.store.connection import Connection
from app.store.indexes import LOOSELY
from app.store.users import MongoUsers
from schemas.base import UserId
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


async def test_people_are_found_by_an_index(prepared: Connection) -> None:
    """However many there are: as many are looked at as are found, and one more."""
    users, raw = MongoUsers(prepared), prepared.collection("users")
    for number in range(50):
        name = f"{'abcde'[number % 5]}{number}"
        await users.insert(a_user(id=UserId(f"{number:032x}"), telegram_id=number, username=name))
    found = raw.find({"username": {"$gte": "B", "$lt": "B\uffff"}}).collation(LOOSELY)
    plan = await found.explain()

    assert len(await users.named("B", 50)) == 10
    assert plan["executionStats"]["totalDocsExamined"] == 10


async def test_a_record_that_cannot_be_read_hides_nobody_else(prepared: Connection) -> None:
    """It is left out of lists."""
    users, raw = MongoUsers(prepared), prepared.collection("users")
    await users.insert(a_user())
    await users.insert(a_user(id=UserId("0" * 32), telegram_id=1))
    await raw.update_one({"telegramId": 1}, {"$set": {"createdAt": "yesterday"}})

    assert (await users.page(None, 9)).items == (a_user(),)
    assert await users.named("ada", 9) == (a_user(),)
