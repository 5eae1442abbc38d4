"""What every keeper of people does."""

import pytest

from app.ports import Users
from schemas.base import UserId
from schemas.user import Role
from tests.builders import CHAT, a_user, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

OTHER = UserId("0198c0ffee0198c0ffee0198c0ffee98")


@pytest.fixture
def users(ports: Ports) -> Users:
    """The port under test."""
    return ports.users


async def test_a_person_is_found_by_telegram_id_and_by_key(users: Users) -> None:
    """As they were stored; nobody else is."""
    user = a_user(roles=(Role.ADMIN,), idempotency_key="k", telegram_id=2**52 - 1)
    assert await users.insert(user)

    assert await users.get(user.id) == user
    assert await users.get(OTHER) is None
    assert await users.by_telegram_id(2**52 - 1) == user
    assert await users.by_idempotency_key("k") == user
    assert await users.get(OTHER) is None
    assert await users.by_telegram_id(1) is None
    assert await users.by_idempotency_key("x") is None


async def test_a_telegram_id_is_one_person(users: Users) -> None:
    """Of two at once one is told so."""
    assert await users.insert(a_user())

    assert not await users.insert(a_user(id=OTHER))
    assert await users.insert(a_user(id=OTHER, telegram_id=1))


async def test_a_key_makes_one_person(users: Users) -> None:
    """The insert is the claim."""
    assert await users.insert(a_user(idempotency_key="k"))

    assert not await users.insert(a_user(id=OTHER, telegram_id=1, idempotency_key="k"))


async def test_people_without_telegram_or_key_are_no_rivals(users: Users) -> None:
    """What is absent is not unique."""
    assert await users.insert(a_user(telegram_id=None))
    assert await users.insert(a_user(id=OTHER, telegram_id=None))


async def test_a_write_names_the_version_it_replaces(users: Users) -> None:
    """The second of two changes nothing."""
    before = a_user()
    await users.insert(before)
    after = before.change(version=2, first_name=None, username="ada", updated_at=later(1))

    assert await users.write(before, after)
    assert not await users.write(before, after.change(username="eve"))
    assert await users.by_telegram_id(CHAT) == after


async def test_nobody_cannot_be_written(users: Users) -> None:
    """A record that is not there is not made."""
    assert not await users.write(a_user(), a_user(version=2))
    assert await users.by_telegram_id(CHAT) is None
