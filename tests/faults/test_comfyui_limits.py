"""Runs that take too long, and servers that do not stop them: everybody is told, slots are free."""

from collections.abc import AsyncGenerator
from decimal import Decimal

import pytest

from tests.faults.buying import a_shop
from tests.faults.farm import HELD, Farm, Order, a_farm
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import until

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def whole_farm(
    sandbox: Peers, mongod: SharedMongod, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Farm]:
    """A service whose runs may take a second or two, and wait for not much longer."""
    folder = tmp_path_factory.mktemp("farm")
    limits = {"limit_running": 1.5, "limit_waiting": 3.0, "cancel_grace": 1.0}
    async with a_farm(folder, sandbox, mongod.uri, limits=limits) as farm:
        yield farm


@pytest.mark.parametrize("version", ["0.30.2", "0.9.0", "0.3.50"])
async def test_a_run_is_slower_than_its_limit(farm: Farm, version: str) -> None:
    """It is interrupted at its server, told as `timeout`, once, and its slot is free."""
    await farm.behave(hold=HELD, version=version)
    order = await farm.order()
    box = await farm.held(order)
    record = await _timed_out(farm, order)
    assert record["statusReason"] == "overdue"
    assert [each["status"] for each in await box.posted(order)] == ["interrupted"]
    await farm.behave(hold=None)
    for each in [await farm.order() for _ in farm.boxes]:
        await farm.ended(each)
    assert await _timed_out(farm, order) == record


async def test_a_run_waits_for_longer_than_its_limit(farm: Farm) -> None:
    """No server was there: that is told, and when one is back it is not sent any more."""
    for box in farm.boxes:
        await box.door.close()
        await farm.seen(box, healthy=False)
    order = await farm.order()
    record = await farm.ended(order, "timeout", by="us", posts=0)
    assert (record["statusReason"], record.get("runs", [])) == ("overdue", [])
    for box in farm.boxes:
        await box.door.open()
    await farm.ended(await farm.order())
    assert await farm.posted(order) == []


async def test_the_worker_of_a_server_dies(farm: Farm, mongod: SharedMongod) -> None:
    """It answers and never ends anything: the time limit does, and its person is told.

    Runs go elsewhere until the server has been restarted. Then the run is surely not there any
    more, and what was held for it is given back.
    """
    async with a_shop(farm, mongod.uri) as shop:
        await farm.behave(hold=HELD)
        bought = await shop.buy(time_limit=10)
        dead = await farm.held(bought.order)
        await dead.behave(dead_worker=True, hold=None)
        await farm.behave(hold=None)
        record = await farm.service.until(bought.order.id, "timeout")
        assert record["statusReason"] == "overdue"
        await farm.witness.told(bought.order.chat)
        assert "does not stop" in (await farm.seen(dead, healthy=False))["trouble"]
        record = await farm.ended(await farm.order())
        assert record["runs"][0]["server"] == farm.other(dead).name
        await dead.behave(dead_worker=False)
        await dead.act("restart")
        await farm.seen(dead, healthy=True)
        await _timed_out(farm, bought.order)
        await shop.settled(bought, paid=Decimal(0))


async def test_a_dead_worker_is_found_by_whoever_comes_next(farm: Farm) -> None:
    """The process that wrote the time limit's word is gone: the server's queue tells the next."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    dead = await farm.held(order)
    await dead.behave(dead_worker=True, hold=None)
    await farm.behave(hold=None)
    await farm.service.until(order.id, "timeout")
    assert await farm.service.stop() == 0
    await farm.database["servers"].delete_many({})
    await farm.service.start()
    assert "does not stop" in (await farm.seen(dead, healthy=False))["trouble"]
    await dead.behave(dead_worker=False)
    await dead.act("restart")
    await farm.seen(dead, healthy=True)
    await _timed_out(farm, order)


async def _timed_out(farm: Farm, order: Order) -> Json:
    """See that a run timed out by our word, which its server has confirmed since; told once."""
    await until(lambda: farm.witness.stored(order.id), lambda it: it.get("endedBy") == "engine")
    record = await farm.witness.settled(order.id)
    said = [each["source"] for each in record["history"] if each["status"] == "timeout"]
    assert (record["status"], said) == ("timeout", ["us", "engine"])
    assert record.get("slot") is None
    assert len(await farm.posted(order)) == 1
    assert len(await farm.witness.told(order.chat)) == 1
    return record
