"""What moves credits, on every ledger: races are decided by what the ledger keeps unique."""

import asyncio
from decimal import Decimal

import pytest

from app.clock import Clock
from app.usecases.money import Money
from app.usecases.register_user import Accounts
from processors import ledger
from processors.errors import InsufficientCreditsError
from schemas.base import GenerationId
from schemas.ledger import Entry
from schemas.wire.api import NewUser
from tests.builders import USER, none_odd
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


def a_money(ports: Ports) -> Money:
    """The use case as another process has it."""
    return Money(ports.ledger, Clock())


async def sound(ports: Ports) -> Decimal:
    """Return the balance of a ledger that has no flaw."""
    audit = ledger.check([each async for each in ports.ledger.entries(odd=none_odd)])
    assert audit.flaws == ()
    return audit.balance


async def test_holds_at_once_spend_what_there_is(ports: Ports) -> None:
    """Of ten with credits for three, three are held and seven refused."""
    await a_money(ports).grant(USER, Decimal("3.5"), key="g", by="us")
    results = await asyncio.gather(
        *(
            a_money(ports).hold(USER, f"job{each}", {GenerationId(str(each)): Decimal(1)}, by="us")
            for each in range(10)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Entry) for each in results) == 3
    assert sum(isinstance(each, InsufficientCreditsError) for each in results) == 7
    assert await sound(ports) == Decimal("0.5")


async def test_the_same_at_once_is_done_once(ports: Ports) -> None:
    """Twenty times, among other movements of the same person."""
    same = [a_money(ports).grant(USER, Decimal(1), key="same", by="us") for _ in range(20)]
    others = [
        a_money(ports).grant(USER, Decimal(1), key=f"other{each}", by="us") for each in range(5)
    ]
    made = await asyncio.gather(*same, *others)

    assert len({each.id for each in made}) == 6
    assert await sound(ports) == 6


async def test_newcomers_at_once_are_one(ports: Ports) -> None:
    """With one welcome."""
    new = NewUser.model_validate({"telegramId": 4711})
    desks = [Accounts(ports.users, a_money(ports), Clock(), welcome=Decimal(5)) for _ in range(10)]
    made = await asyncio.gather(*(each.register(new) for each in desks))

    assert len({account.user.id for account, _ in made}) == 1
    assert sum(fresh for _, fresh in made) == 1
    assert {account.balance for account, _ in made} == {Decimal(5)}
    assert await sound(ports) == 5
