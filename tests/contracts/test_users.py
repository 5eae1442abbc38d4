"""What every keeper of people does."""

import pytest

from app.ports import Users
from schemas.base import UserId
from schemas.user import Role, User
from tests.builders import CHAT, NOON, USER, a_user, later
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


async def many(users: Users) -> list[User]:
    """Five people, by their ids."""
    names = [("ada", "Ada"), ("Adam", "Eve"), (None, "adele"), ("b", "Ádám"), (None, None)]
    made = [
        a_user(id=UserId(f"{place:032x}"), telegram_id=place, username=username, first_name=first)
        for place, (username, first) in enumerate(names, 1)
    ]
    for each in made:
        assert await users.insert(each)
    return made


async def test_a_person_is_found_by_our_id(users: Users) -> None:
    """Nobody else is."""
    await users.insert(a_user())

    assert await users.get(USER) == a_user()
    assert await users.get(OTHER) is None


async def test_people_are_found_by_the_beginning_of_a_name(users: Users) -> None:
    """Capitals or not, those found by username first and nobody twice."""
    ada, adam, adele, adam2, _ = await many(users)

    assert await users.named("AD", 9) == (ada, adam, adam2, adele)
    assert await users.named("ad", 2) == (ada, adam)
    assert await users.named("ádá", 9) == (ada, adam, adam2)
    assert await users.named("ade", 9) == (adele,)
    assert await users.named("adx", 9) == ()
    assert await users.named("$", 9) == ()


async def test_people_are_listed_by_pages(users: Users) -> None:
    """The newest first, until there are no more."""
    made = await many(users)
    first = await users.page(None, 3)
    rest = await users.page(first.next, 3)

    assert [*first.items, *rest.items] == made[::-1]
    assert rest.next is None


async def test_those_who_are_being_forgotten_are_known(users: Users) -> None:
    """Until they are; then they are known by a digest."""
    wanted = a_user(forget_wanted_at=NOON)
    await users.insert(a_user(id=OTHER, telegram_id=1))
    await users.insert(wanted)

    assert await users.to_forget(9) == (wanted,)
    stub = wanted.change(
        version=2, telegram_id=None, forget_wanted_at=None, forgotten_at=NOON, telegram_digest="d"
    )
    assert await users.write(wanted, stub)
    assert await users.to_forget(9) == ()
    assert await users.forgotten(("c", "d")) == (stub,)
    assert await users.forgotten(("c",)) == ()
    assert await users.insert(a_user(id=UserId("x")))
