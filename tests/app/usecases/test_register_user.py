"""People are registered once, and welcomed once, whoever dies in between."""

import asyncio
from decimal import Decimal

import pytest

from app.errors import ContendedError, IdempotencyMismatchError, StoreDownError
from app.usecases.money import Money
from app.usecases.register_user import Accounts
from schemas.user import User
from schemas.wire.api import NewUser
from tests.builders import a_user
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Gate, Turnstile, ajar
from tests.fakes.ledger import FakeLedger
from tests.fakes.users import FakeUsers

pytestmark = pytest.mark.anyio

ADA = NewUser.model_validate({"telegramId": 4711, "firstName": "Ada", "language": "pt-br"})


class Scene:
    """People, their ledger, and the use case; several may share what is kept."""

    def __init__(self, gate: Gate = ajar, welcome: str = "5") -> None:
        self.users = FakeUsers(gate=gate)
        self.ledger = FakeLedger(gate)
        self.clock = FakeClock()
        self.accounts = self.at(welcome)

    def at(self, welcome: str) -> Accounts:
        """The use case where newcomers are given so much."""
        money = Money(self.ledger, self.clock)
        return Accounts(self.users, money, self.clock, welcome=Decimal(welcome))

    def gate(self, gate: Gate) -> None:
        """Have everything pass this gate."""
        self.users.gate = self.ledger.gate = gate


def said(**fields: object) -> NewUser:
    """What Telegram says of Ada now."""
    return NewUser.model_validate({"telegramId": 4711, **fields})


async def test_somebody_new_is_welcomed() -> None:
    """With what is given to newcomers, once, however often they come."""
    scene = Scene()
    account, new = await scene.accounts.register(ADA)
    again, old = await scene.accounts.register(ADA)

    assert (new, old) == (True, False)
    assert again == account
    assert account.balance == 5
    assert (account.user.first_name, account.user.language) == ("Ada", "pt-br")
    [entry] = scene.ledger.kept
    assert (entry.key, entry.by) == (f"welcome:{account.user.id}", "us")


async def test_without_a_welcome_nothing_is_granted() -> None:
    """No entry of nothing is made."""
    scene = Scene(welcome="0")
    account, _ = await scene.accounts.register(ADA)

    assert account.balance == 0
    assert scene.ledger.kept == []


async def test_two_at_once_make_one() -> None:
    """Both get the same person and the same balance; one is told that they are new."""

    async def turn() -> None:
        await asyncio.sleep(0)

    scene = Scene(turn)
    one, other = await asyncio.gather(*(scene.accounts.register(ADA) for _ in range(2)))

    assert one[0] == other[0]
    assert sorted([one[1], other[1]]) == [False, True]
    assert len(scene.users.records) == len(scene.ledger.kept) == 1


async def test_a_crash_at_any_point_is_healed_by_the_next() -> None:
    """Somebody is there once and has their welcome once, wherever it ended before."""
    crashes = 0
    for place in range(30):
        scene = Scene(Turnstile([None] * place + [StoreDownError("away")]))
        try:
            await scene.accounts.register(ADA, key="k", digest="d")
        except StoreDownError:
            crashes += 1
        scene.gate(ajar)
        account, _ = await scene.accounts.register(ADA, key="k", digest="d")

        assert account.balance == 5
        assert len(scene.users.records) == len(scene.ledger.kept) == 1
    assert crashes > 10


async def test_whoever_is_looked_for_is_healed_too() -> None:
    """A balance that is shown holds what was promised."""
    scene = Scene()
    account, _ = await scene.accounts.register(ADA)
    scene.ledger.kept.clear()

    assert await scene.accounts.by_telegram_id(4711) == account
    assert await scene.accounts.by_telegram_id(1) is None


async def test_a_later_welcome_is_for_newcomers() -> None:
    """What somebody was promised stays, whatever others are given later."""
    scene = Scene(welcome="0")
    await scene.accounts.register(ADA)

    account, _ = await scene.at("100").register(ADA)
    assert account.balance == 0


async def test_names_follow_telegram_and_the_language_stays() -> None:
    """What is not said is not forgotten; what did not change is not written."""
    scene = Scene()
    await scene.accounts.register(said(firstName="Ada"))
    first, _ = await scene.accounts.register(said(username="ada", language="pt"))
    second, _ = await scene.accounts.register(said(firstName="Ada L.", language="ru"))
    third, _ = await scene.accounts.register(said())

    assert (first.user.first_name, first.user.username, first.user.language) == ("Ada", "ada", "pt")
    assert (second.user.first_name, second.user.language) == ("Ada L.", "pt")
    assert second.user.version == 3
    assert third == second


async def test_a_key_with_another_body_is_refused() -> None:
    """Whether it comes later or at the same time."""
    scene = Scene()
    await scene.accounts.register(ADA, key="k", digest="d")

    with pytest.raises(IdempotencyMismatchError):
        await scene.accounts.register(said(), key="k", digest="other")

    async def turn() -> None:
        await asyncio.sleep(0)

    scene.gate(turn)
    people = [NewUser.model_validate({"telegramId": number}) for number in (1, 2)]
    results = await asyncio.gather(
        *(scene.accounts.register(each, key="k2", digest=str(each)) for each in people),
        return_exceptions=True,
    )
    assert sum(isinstance(each, IdempotencyMismatchError) for each in results) == 1
    assert len(scene.users.records) == 2


async def test_a_write_that_is_never_won_is_given_up() -> None:
    """Somebody else keeps changing the person."""

    class Rivals(FakeUsers):
        """Somebody is always first."""

        async def write(self, before: User, after: User) -> bool:
            """Lose."""
            return await super().write(before.change(version=0), after)

    scene = Scene()
    scene.users = Rivals()
    accounts = scene.at("0")
    await accounts.register(ADA)
    with pytest.raises(ContendedError):
        await accounts.register(said(firstName="Eve"))


@pytest.mark.parametrize("blocked", [True, False])
async def test_who_was_forgotten_and_comes_again_is_somebody_new(*, blocked: bool) -> None:
    """With no second welcome, and no way round being blocked."""
    scene = Scene()
    stub = a_user(telegram_id=None, telegram_digest="d4711", blocked=blocked)
    scene.users.records[stub.id] = stub
    money = Money(scene.ledger, scene.clock)
    accounts = Accounts(
        scene.users,
        money,
        scene.clock,
        welcome=Decimal(5),
        digests=lambda telegram_id: ("x", f"d{telegram_id}"),
    )
    account, new = await accounts.register(ADA)
    eve, _ = await accounts.register(said(telegramId=1))

    assert new
    assert account.user.id != stub.id
    assert (account.balance, account.user.blocked) == (0, blocked)
    assert (eve.balance, eve.user.blocked) == (5, False)
