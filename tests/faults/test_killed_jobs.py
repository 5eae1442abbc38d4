"""The service is killed between the writes of a job's life: money is right, and people are told."""

from asyncio import Task, TaskGroup
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import NamedTuple

import httpx
import pytest

from app.bootstrap import Store
from schemas.job import Job
from tests.faults.jobs import Order, a_shop, key_of, ordered, paid_once, somebody
from tests.faults.proxy import Proxy, Stop
from tests.faults.witness import Witness
from tests.mongo import SharedMongod
from tests.peers import Peers
from tests.service import Service

pytestmark = pytest.mark.anyio


class Life(NamedTuple):
    """A job under way, whose run ends when it is told to."""

    order: Order
    job: Job
    run: str


@pytest.fixture
async def store(service: Service, mongod: SharedMongod) -> AsyncGenerator[Store]:
    """What the service keeps; its presets make runs that end by themselves, and that do not."""
    del service  # Its database is made with it.
    async with a_shop(mongod.uri, "faults") as kept:
        yield kept


async def test_a_job_is_killed_at_every_step_at_once(
    *,
    service: Service,
    store: Store,
    wire: Proxy,
    witness: Witness,
    peers: Peers,
    chats: Iterator[int],
) -> None:
    """One kill hits one life between each two writes; each comes to one price, told once.

    Only where Telegram has taken the telling, and we could not note it, is it told twice.
    """
    late = [await _running(service, store, next(chats)) for _ in range(7)]
    ends = _late_stops(wire, late)
    for each in late:
        await peers.control(f"comfydeploy/runs/{each.run}", status="success")
    for stop in ends:
        await stop.reached()
    early = [await somebody(store, next(chats), "quick") for _ in range(7)]
    begun = _early_stops(wire, early)
    async with TaskGroup() as group:
        asked: list[Task[None]] = [group.create_task(_asked(service, each)) for each in early]
        for stop in begun:
            await stop.reached()
        await service.kill()
        for task in asked:
            task.cancel()
    wire.resume()
    await service.start()
    for life in late:
        await paid_once(store, life.job.id, life.order)
    for each in early:
        await paid_once(store, await ordered(service, each), each)
    told = [len(await witness.ends(each.order.chat)) for each in late]
    assert told[:-1] == [1] * 6
    assert told[-1] in {1, 2}
    assert [len(await witness.ends(each.chat)) for each in early] == [1] * 7


def _late_stops(wire: Proxy, lives: list[Life]) -> list[Stop]:
    """Stop before the end, before and after the close, the outcome and the price, and the note."""
    steps = [each.job.steps[0].generation for each in lives]
    jobs = [each.job.id for each in lives]
    return [
        wire.stop_at("update", steps[0], "endedBy", side="before"),
        wire.stop_at("insert", f"close:{steps[1]}", side="before"),
        wire.stop_at("insert", f"close:{steps[2]}", side="after"),
        wire.stop_at("update", jobs[3], "priceReason", side="before"),
        wire.stop_at("update", jobs[4], "priceReason", side="after"),
        wire.stop_at("update", steps[5], "priceReason", side="before"),
        wire.stop_at("update", jobs[6], "delivered", side="before"),
    ]


def _early_stops(wire: Proxy, orders: list[Order]) -> list[Stop]:
    """Stop around the insert of the job, the hold, and the generation, and before the submit."""
    keys = [key_of(each) for each in orders]
    users = [each.user for each in orders]
    return [
        wire.stop_at("insert", "jobs", keys[0], side="before"),
        wire.stop_at("insert", "jobs", keys[1], side="after"),
        wire.stop_at("insert", "hold:", users[2], side="before"),
        wire.stop_at("insert", "hold:", users[3], side="after"),
        wire.stop_at("insert", "requestPayload", users[4], side="before"),
        wire.stop_at("insert", "requestPayload", users[5], side="after"),
        # The last of them is held before its job is noted as begun, like any other by now.
        wire.stop_at("update", "jobs", "active", side="before"),
    ]


async def _running(service: Service, store: Store, chat: int) -> Life:
    order = await somebody(store, chat, "held")
    job = await store.jobs.get(await ordered(service, order))
    assert job is not None
    generation = job.steps[0].generation
    run = await service.run_id(generation)
    await service.until(generation, "running")
    return Life(order, job, run)


async def _asked(service: Service, order: Order) -> None:
    """Order, whether or not there is an answer."""
    with suppress(httpx.HTTPError):
        await ordered(service, order)
