"""app.usecases.people: an administrator finds people, and each act is written down first."""

from decimal import Decimal

import pytest

from app.errors import (
    ConflictError,
    ContendedError,
    IdempotencyMismatchError,
    NotFoundError,
    StoreDownError,
)
from app.usecases.money import Money
from app.usecases.people import People
from app.usecases.register_user import Accounts
from processors.errors import AmountError, KeyTakenError
from schemas.base import UserId
from schemas.user import Role, User
from tests.builders import CHAT, NOON, USER, a_user
from tests.fakes.clock import FakeClock
from tests.fakes.controls import FakeDeeds
from tests.fakes.ledger import FakeLedger
from tests.fakes.users import FakeUsers

pytestmark = pytest.mark.anyio

NOBODY = UserId("0" * 32)
BY = "cli:eve"


class Scene:
    """People, and what is done with them."""

    def __init__(self, *people: User, users: FakeUsers | None = None) -> None:
        self.users, self.ledger, self.deeds = users or FakeUsers(), FakeLedger(), FakeDeeds()
        self.users.records |= {each.id: each for each in people}
        clock = FakeClock()
        money = Money(self.ledger, clock)
        accounts = Accounts(self.users, money, clock, welcome=Decimal(0))
        self.people = People(self.users, accounts, self.ledger, self.deeds, clock)


@pytest.mark.parametrize("words", [USER, str(CHAT), "@ada", "ada", " AD ", "@love"])
async def test_somebody_is_found_by_whatever_is_known(words: str) -> None:
    """By our id, Telegram's, or the beginning of a name."""
    ada = a_user(username="lovelace")
    scene = Scene(ada, a_user(id=NOBODY, telegram_id=1, first_name="Eve"))

    assert await scene.people.find(words) == (ada,)


@pytest.mark.parametrize("words", ["", " ", "@", "0" * 32, "999", "nobody"])
async def test_nobody_is_found_by_what_nobody_is_called(words: str) -> None:
    """What is empty does not stand for everybody."""
    assert await Scene(a_user()).people.find(words) == ()


async def test_a_number_may_be_a_name() -> None:
    """Where it is nobody's id."""
    four = a_user(username="42nd_street")

    assert await Scene(four).people.find("42") == (four,)


async def test_a_person_comes_with_what_they_own() -> None:
    """Their welcome, too, which was promised and not given yet."""
    account = await Scene(a_user(welcome=Decimal(3))).people.get(USER)

    assert (account.user.id, account.balance) == (USER, 3)


async def test_a_ledger_is_shown_in_pages() -> None:
    """From its end; the last page has no next."""
    scene = Scene(a_user())
    for _ in range(3):
        await scene.people.grant(USER, Decimal(1), key=None, by=BY, reason=None)
    first, more = await scene.people.entries(USER, None, 2)
    rest, end = await scene.people.entries(USER, more, 2)

    assert [each.seq for each in (*first, *rest)] == [3, 2, 1]
    assert end is None


async def test_credits_are_given_once_under_a_key() -> None:
    """With who gave them and why; another amount, or person, under it is refused."""
    scene = Scene(a_user(), a_user(id=NOBODY, telegram_id=1))
    do = scene.people
    entry, new = await do.grant(USER, Decimal("2.5"), key="k", by=BY, reason="a prize")
    again, old = await do.grant(USER, Decimal("2.5"), key="k", by="cli:x", reason="a prize")

    assert (new, old) == (True, False)
    assert (entry, entry.by, entry.reason, entry.key) == (again, BY, "a prize", "grant:k")
    with pytest.raises(IdempotencyMismatchError):
        await do.grant(USER, Decimal(3), key="k", by=BY, reason="a prize")
    with pytest.raises(KeyTakenError):
        await do.grant(NOBODY, Decimal("2.5"), key="k", by=BY, reason="a prize")
    with pytest.raises(AmountError):
        await do.grant(USER, Decimal("NaN"), key=None, by=BY, reason=None)
    assert len(scene.ledger.kept) == 1


@pytest.mark.parametrize("when", ["forget_wanted_at", "forgotten_at"])
async def test_whoever_is_forgotten_is_given_nothing(when: str) -> None:
    """They could not spend it; who is blocked may be let in again."""
    scene = Scene(a_user(**{when: NOON}), a_user(id=NOBODY, telegram_id=1, blocked=True))

    with pytest.raises(ConflictError, match="forgotten"):
        await scene.people.grant(USER, Decimal(1), key=None, by=BY, reason=None)
    await scene.people.grant(NOBODY, Decimal(1), key=None, by=BY, reason=None)
    assert [each.user for each in scene.ledger.kept] == [NOBODY]


async def test_somebody_is_blocked_and_let_in_again() -> None:
    """What is so already is not done again."""
    scene = Scene(a_user())
    blocked = await scene.people.block(USER, by=BY, reason="spam")
    await scene.people.block(USER, by="cli:x")
    free = await scene.people.unblock(USER, by=BY)

    assert (blocked.blocked, blocked.version, free.blocked) == (True, 2, False)
    done = [(each.verb, each.by, each.said) for each in await scene.people.deeds(USER)]
    assert done == [("unblock", BY, None), ("block", BY, "spam")]
    assert scene.users.records[USER] == free


async def test_roles_are_named_anew() -> None:
    """Words of the operator's own among them; each once."""
    scene = Scene(a_user(roles=(Role.ADMIN,)))
    after = await scene.people.set_roles(USER, [Role("member"), Role("a"), Role("member")], by=BY)
    await scene.people.set_roles(USER, [], by=BY)

    assert after.roles == ("a", "member")
    assert [each.said for each in scene.deeds.done] == ["a, member", "none"]


@pytest.mark.parametrize("named", [NOBODY, "x", "../"])
async def test_nothing_is_done_to_nobody(named: str) -> None:
    """And nothing is written down of it."""
    scene, user = Scene(a_user()), UserId(named)
    for done in (
        scene.people.get(user),
        scene.people.entries(user, None, 9),
        scene.people.grant(user, Decimal(1), key=None, by=BY, reason=None),
        scene.people.block(user, by=BY),
        scene.people.unblock(user, by=BY),
        scene.people.set_roles(user, [], by=BY),
    ):
        with pytest.raises(NotFoundError, match="no such user"):
            await done
    assert (scene.deeds.done, scene.ledger.kept) == ([], [])


async def test_what_cannot_be_written_down_is_not_done() -> None:
    """Nobody is blocked by nobody knows whom."""
    scene = Scene(a_user())

    async def away() -> None:
        raise StoreDownError("away")

    scene.deeds.gate = away
    with pytest.raises(StoreDownError):
        await scene.people.block(USER, by=BY)
    assert not scene.users.records[USER].blocked


async def test_a_lost_race_is_run_again_and_written_down_once() -> None:
    """Up to a point."""

    class Contended(FakeUsers):
        losses = 2

        async def write(self, before: User, after: User) -> bool:
            self.losses -= 1
            return False if self.losses >= 0 else await super().write(before, after)

    users = Contended()
    scene = Scene(a_user(), users=users)
    assert (await scene.people.block(USER, by=BY)).blocked
    users.losses = 99
    with pytest.raises(ContendedError):
        await scene.people.unblock(USER, by=BY)
    assert [(each.verb, each.at) for each in scene.deeds.done] == [
        ("block", NOON),
        ("unblock", NOON),
    ]
