"""Orders of one person at once, over the store as the fake keeps it and as MongoDB does."""

import asyncio
from decimal import Decimal

import pytest

from app.clock import Clock
from app.errors import LimitReachedError
from app.observability.journal import Journal
from app.usecases.limits import Limits
from app.usecases.money import Money
from app.usecases.orders import Order, Orders
from app.usecases.quoting import Quoting
from app.usecases.records import Records, RecordsOf
from app.usecases.start_job import StartJob
from app.usecases.taking import Taking
from processors import ledger
from schemas.base import InstanceName
from schemas.job import Job
from schemas.quota import Quota
from schemas.timing import Timing
from schemas.user import Role, User
from tests.builders import COMFYDEPLOY, USER, a_preset, a_user
from tests.contracts.conftest import Ports
from tests.fakes.hooks import own_hooks
from tests.fakes.presets import FakePresets
from tests.fakes.users import FakeUsers

pytestmark = pytest.mark.anyio

NONE = Quota(usual=None)
ORDERS = 20


def a_desk(ports: Ports, name: str, *, at_once: Quota = NONE, per_day: Quota = NONE) -> Orders:
    """What takes orders in one process of several."""
    clock, journal = Clock(), Journal()
    records, money = Records(ports.generations, clock, journal), Money(ports.ledger, clock)
    taking = Taking(InstanceName(name), Timing(), background=True, messenger=None)
    return Orders(
        records,
        RecordsOf[Job](ports.jobs, clock, journal.ordered),
        ports.jobs,
        FakeUsers(),
        quoting=Quoting(
            ports.generations,
            FakePresets(a_preset()),
            money,
            clock,
            engines=[COMFYDEPLOY],
            credits_per_usd=Decimal(100),
            limits=Limits(ports.jobs, clock, at_once=at_once, per_minute=NONE, per_day=per_day),
            checks=(),
            disk_full=lambda: False,
        ),
        money=money,
        starter=StartJob(records, ports.jobs, money, taking),
        hooks=own_hooks(),
        telegram=False,
        taking=taking,
    )


async def ordered(
    ports: Ports, user: User, **quotas: Quota
) -> tuple[list[Job], list[BaseException]]:
    """Return what two processes take of orders of one person, all at once, and what they refuse."""
    await Money(ports.ledger, Clock()).grant(user.id, Decimal(1000), key="grant:test", by="test")
    order = Order(user, "l4_t2i", {"prompt": "a lighthouse at dusk"}, None, "api")
    desks = (a_desk(ports, "here", **quotas), a_desk(ports, "there", **quotas))
    told = await asyncio.gather(
        *(
            desks[number % 2].place(order, key=f"key{number}", digest="d")
            for number in range(ORDERS)
        ),
        return_exceptions=True,
    )
    taken = [each[0] for each in told if not isinstance(each, BaseException)]
    return taken, [each for each in told if isinstance(each, BaseException)]


@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_are_taken_at_once_than_a_limit_allows(ports: Ports, most: int) -> None:
    """However many come in the same instant, to two processes; nothing is held for the others."""
    taken, refused = await ordered(ports, a_user(), at_once=Quota(usual=most))

    assert len(taken) == most
    assert {type(each) for each in refused} == {LimitReachedError}
    assert {each.id for each in (await ports.jobs.page(USER, None, 50)).items} == {
        each.id for each in taken
    }
    (last,) = await ports.ledger.history(USER, limit=1)
    assert ledger.balance(last) == 1000 - 5 * most


async def test_a_day_has_no_more_orders_than_its_limit(ports: Ports) -> None:
    """Of the last that is allowed there is one as well, and a key that was refused is free."""
    taken, refused = await ordered(ports, a_user(), per_day=Quota(usual=2))

    assert (len(taken), len(refused)) == (2, ORDERS - 2)
    keys = [await ports.jobs.by_idempotency_key(f"key{number}") for number in range(ORDERS)]
    assert sum(each is not None for each in keys) == 2


async def test_who_has_no_limits_takes_no_turns(ports: Ports) -> None:
    """All of an administrator's orders are taken, none of which waits for another."""
    taken, refused = await ordered(ports, a_user(roles=(Role.ADMIN,)), at_once=Quota(usual=1))

    assert (len(taken), refused) == (ORDERS, [])
    assert {each.turn for each in taken} == {None}
