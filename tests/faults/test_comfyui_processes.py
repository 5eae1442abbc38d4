"""Processes that follow ComfyUI servers are killed, stopped and doubled; no run is run twice."""

import os
import signal
from collections.abc import AsyncGenerator
from http import HTTPStatus
from itertools import pairwise
from operator import itemgetter

import pytest
from pymongo import AsyncMongoClient

from app.main.instance import name_of
from tests.faults.farm import HELD, Box, Farm, Order, a_farm, another_service
from tests.faults.proxy import Proxy, a_proxy
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import Service, until

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def own_wire(mongod: SharedMongod) -> AsyncGenerator[Proxy]:
    """The wire between this module's service and its database."""
    async with a_proxy(mongod.uri) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def whole_farm(
    sandbox: Peers,
    mongod: SharedMongod,
    own_wire: Proxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Farm]:
    """A service whose servers have slots for many runs, which wait there."""
    folder = tmp_path_factory.mktemp("farm")
    wire, slots = own_wire.uri, {"slots": 4}
    async with a_farm(folder, sandbox, mongod.uri, wire=wire, more=slots) as farm:
        yield farm


@pytest.fixture(scope="module")
async def whole_pair(
    whole_farm: Farm, sandbox: Peers, mongod: SharedMongod
) -> AsyncGenerator[tuple[Service, Service]]:
    """The service, and a second one with the same servers and database."""
    async with another_service(whole_farm, sandbox, mongod.uri) as second:
        yield whole_farm.service, second


@pytest.fixture
async def pair(whole_pair: tuple[Service, Service], farm: Farm) -> tuple[Service, Service]:
    """Both, running."""
    del farm  # It is put right after each test.
    for each in whole_pair:
        if not each.runs:
            await each.start()
    return whole_pair


async def test_killed_at_every_step_at_once(farm: Farm, own_wire: Proxy) -> None:
    """One kill hits six runs; the next life ends each of them, and posts none twice.

    Before the end is written, while it runs, before the answer to the POST is written down,
    before that answer, after the write that places it, and before that write.
    """
    ended = await farm.order()
    ending = own_wire.stop_at("update", "endedBy", ended.id, side="before")
    await ending.reached()
    await farm.behave(hold=HELD)
    running = await farm.order()
    await farm.held(running)
    taken = await farm.order()
    taking = own_wire.stop_at("update", "queuedAt", taken.id, side="before")
    await taking.reached()
    await farm.behave(post_delay=30)
    unanswered = await farm.order()
    await until(lambda: farm.posted(unanswered), bool)
    placed = await farm.order()
    placing = own_wire.stop_at("update", "clientId", placed.id, side="after")
    await placing.reached()
    unplaced = await farm.order()
    choosing = own_wire.stop_at("update", "clientId", unplaced.id, side="before")
    await choosing.reached()
    await farm.service.kill()
    await farm.behave(hold=None, post_delay=0)
    # What is held back shall not arrive any more.
    own_wire.cut()
    own_wire.resume()
    await farm.service.start()
    for order in (ended, running, taken, unanswered, unplaced):
        assert len((await farm.ended(order))["runs"]) == 1
    # It was never sent, which nobody knows but the server: it has no such run.
    assert len((await farm.ended(placed))["runs"]) == 2
    assert {each["status"] for box in farm.boxes for each in await box.prompts()} == {"success"}


async def test_a_run_ends_while_nobody_is_there(farm: Farm) -> None:
    """Its history tells the next life."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    await farm.service.kill()
    await box.behave(hold=None)
    await box.becomes(order, "success")
    await farm.service.start()
    record = await farm.ended(order)
    assert (record["attempt"], record["durationSource"]) == (1, "engine")


async def test_stopped_while_runs_are_sent(farm: Farm) -> None:
    """What was being sent is sent, and what waited waits: the next life ends each, once."""
    await farm.behave(post_delay=0.5)
    orders = [await farm.order() for _ in range(6)]
    await until(lambda: farm.posted(orders[0]), bool)
    assert await farm.service.stop() == 0
    await farm.behave(post_delay=0)
    await farm.service.start()
    for order in orders:
        assert (await farm.ended(order))["attempt"] == 1


async def test_stopped_while_a_server_does_not_answer(farm: Farm) -> None:
    """What it was asked is not waited for, and the run is followed by the next life."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    await box.behave(hang=True)
    asked = len(await box.requests("/queue"))
    await until(lambda: box.requests("/queue"), lambda requests: len(requests) > asked)
    before = len(farm.service.printed)
    assert await farm.service.stop() == 0
    assert "Traceback" not in farm.service.printed[before:]
    await farm.behave(hang=False, hold=None)
    await farm.service.start()
    assert (await farm.ended(order))["attempt"] == 1


async def test_the_database_is_killed_in_the_middle_of_a_run(
    farm: Farm, mongod: SharedMongod
) -> None:
    """The run ends meanwhile; when the database is back the end is written, and told once."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    mongod.kill()
    await box.behave(hold=None)
    await box.becomes(order, "success")
    await mongod.start_again()
    assert (await farm.ended(order))["attempt"] == 1


async def test_the_database_s_primary_steps_down_in_the_middle_of_a_run(
    farm: Farm, mongod: SharedMongod
) -> None:
    """While nobody may write, the run ends; it is told once all the same."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    async with AsyncMongoClient[Json](mongod.uri) as client:
        await client.admin.command("replSetStepDown", 1, secondaryCatchUpPeriodSecs=0, force=True)
    await box.behave(hold=None)
    assert (await farm.ended(order))["attempt"] == 1


async def test_the_database_is_away_while_a_run_is_placed(farm: Farm, own_wire: Proxy) -> None:
    """Whether the write that places it arrived is found out before anything is sent."""
    order = await farm.order()
    own_wire.cut()
    away = HTTPStatus.SERVICE_UNAVAILABLE
    ready = lambda: farm.service.call("GET", "/readyz")  # noqa: E731 - what is asked each time
    await until(ready, lambda answer: answer.status_code == away)
    own_wire.resume()
    assert (await farm.ended(order))["attempt"] == 1


async def test_one_of_two_processes_has_a_server(farm: Farm, pair: tuple[Service, Service]) -> None:
    """Its socket is the only one there, whoever is ordered of; what both take is posted once."""
    begun = [len(await box.sockets()) for box in farm.boxes]
    orders = [await farm.order(of=of) for of in pair * 3]
    for order in orders:
        assert (await farm.ended(order))["attempt"] == 1
    assert [len(await box.sockets()) for box in farm.boxes] == begun
    assert [len(await box.open_sockets()) for box in farm.boxes] == [1, 1]


async def test_the_process_that_has_a_server_is_stopped(
    farm: Farm, pair: tuple[Service, Service]
) -> None:
    """It gives its servers back as it goes, and the other one takes its runs over."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    first = await box.open_sockets()
    holder, other = await _holder(farm, box, pair)
    assert await holder.stop() == 0
    assert await _held_by(farm, box) != name_of(holder.data_dir)
    await _taken_over(box, first)
    waiting = await farm.order(of=other)
    await farm.place(waiting)
    await farm.behave(hold=None)
    await _see_through(farm, [order, waiting], other)
    await _one_after_the_other(box, first)


async def test_the_process_that_has_a_server_is_killed(
    farm: Farm, pair: tuple[Service, Service]
) -> None:
    """Once its lease has run out the other one takes its runs over, and none is run twice."""
    await farm.behave(hold=HELD)
    orders = [await farm.order()]
    box = await farm.held(orders[0])
    orders += [await farm.order() for _ in range(2)]
    for order in orders:
        await farm.place(order)
    first = await box.open_sockets()
    holder, other = await _holder(farm, box, pair)
    await holder.kill()
    await _taken_over(box, first)
    await farm.behave(hold=None)
    await _see_through(farm, orders, other)
    await _one_after_the_other(box, first)


async def test_a_process_sleeps_for_longer_than_its_lease(
    farm: Farm, pair: tuple[Service, Service]
) -> None:
    """When it wakes its server is another's: it closes its socket, and sends no more runs there."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    (asleep,) = await box.open_sockets()
    holder, _ = await _holder(farm, box, pair)
    os.kill(holder.pid, signal.SIGSTOP)
    await until(box.open_sockets, lambda sockets: len(sockets) == 2)
    os.kill(holder.pid, signal.SIGCONT)
    await until(box.open_sockets, lambda sockets: len(sockets) == 1)
    later = [await farm.order(of=of) for of in pair * 2]
    await farm.behave(hold=None)
    for each in (order, *later):
        assert (await farm.ended(each))["attempt"] == 1
        theirs = {one["client_id"] for one in await farm.posted(each)}
        assert (asleep["client_id"] in theirs) is (each is order)


async def _held_by(farm: Farm, box: Box) -> str:
    """Return the process that has a server."""
    lease = await farm.database["leases"].find_one({"_id": f"comfyui:{box.name}"})
    assert lease is not None
    return lease["holder"]


async def _holder(farm: Farm, box: Box, pair: tuple[Service, Service]) -> tuple[Service, Service]:
    """Return the service that has a server, and the other one."""
    one, other = pair
    has = await _held_by(farm, box) == name_of(one.data_dir)
    return (one, other) if has else (other, one)


async def _taken_over(box: Box, first: list[Json]) -> None:
    """Wait until another's socket is at a server."""
    known = {each["client_id"] for each in first}
    await until(
        box.open_sockets,
        lambda sockets: sockets and not known & {each["client_id"] for each in sockets},
    )


async def _see_through(farm: Farm, orders: list[Order], other: Service) -> None:
    """See that runs end while only the other service is there, each once and at its first try."""
    for order in orders:
        await other.until(order.id, "completed")
    if not farm.service.runs:
        await farm.service.start()
    for order in orders:
        assert (await farm.ended(order))["attempt"] == 1


async def _one_after_the_other(box: Box, first: list[Json]) -> None:
    """See that no socket was opened before the one before it was closed."""
    since = first[0]["opened_at"]
    sockets = sorted(await box.sockets(), key=itemgetter("opened_at"))
    later = [each for each in sockets if each["opened_at"] >= since]
    for one, next_one in pairwise(later):
        assert one["closed_at"] <= next_one["opened_at"]
