"""Outgoing webhooks: what was owed when a process died is sent by the next, as it was frozen."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

import pytest
from starlette.responses import Response

from processors.protocols import standard_webhooks
from tests.faults.proxy import Proxy
from tests.peers import Json, Peers
from tests.sandbox.receiver import Heard, Receiver, a_receiver
from tests.service import DEPLOYMENT, Program, Service, until

pytestmark = pytest.mark.anyio

PATH: Final = "/api/webhook-endpoints"
EVENTS: Final = ["generation.completed", "generation.failed", "generation.cancelled"]
EARLY: Final = ["generation.started", "generation.progress"]
MANY: Final = 6


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    """Somebody who listens."""
    async with a_receiver() as receiver:
        yield receiver


@pytest.fixture
async def endpoint(service: Service, receiver: Receiver) -> AsyncGenerator[Json]:
    """Where they listen, for the ends of generations."""
    asked = {"url": receiver.url, "events": EVENTS}
    made = await service.call("POST", PATH, asked)
    told: Json = made.raise_for_status().json()
    yield told
    (await service.call("DELETE", f"{PATH}/{told['id']}")).raise_for_status()


async def test_killed_between_an_end_and_its_delivery(
    service: Service, wire: Proxy, peers: Peers, receiver: Receiver, endpoint: Json
) -> None:
    """The end is on disk and nobody was told: the next life tells it, once, and signed."""
    stop = wire.stop_at("insert", "deliveries", side="before")
    generation = await completed(service, peers)
    await stop.reached()
    assert receiver.heard == []
    await service.kill()
    wire.resume()
    await service.start()
    [sent] = await deliveries(service, endpoint, 1)

    [heard] = receiver.heard
    assert sent["id"] == heard.headers["webhook-id"]
    assert sent["record"] == generation == heard.body["data"]["id"]
    assert (heard.body["type"], heard.body["data"]["status"]) == (EVENTS[0], "completed")
    assert well_signed(heard, endpoint["secret"])


async def test_the_same_is_sent_until_it_is_taken(
    service: Service, peers: Peers, receiver: Receiver, endpoint: Json
) -> None:
    """A receiver that fails twice, and a kill before its answer, change neither id nor body."""
    receiver.answers.extend([Response(status_code=500), Response(status_code=500)])
    receiver.open.clear()
    await completed(service, peers)
    await receiver.until(bool)
    await service.kill()
    receiver.open.set()
    await service.start()
    [sent] = await deliveries(service, endpoint, 1)

    tries = receiver.heard
    assert len(tries) >= 3
    assert {each.headers["webhook-id"] for each in tries} == {sent["id"]}
    assert len({each.raw for each in tries}) == 1
    assert all(well_signed(each, endpoint["secret"]) for each in tries)


async def test_an_order_is_told_of_from_its_start(
    service: Service, peers: Peers, receiver: Receiver
) -> None:
    """By the endpoint that it brings, whose secret its answer tells; to nobody else."""
    asked = {
        "engine": "comfydeploy",
        "deployment_id": DEPLOYMENT,
        "inputs": {"prompt": "a lighthouse at dusk", "sandbox_end": "none"},
        "webhook": {"url": receiver.url, "events": [*EARLY, EVENTS[0]]},
    }
    made: Json = (await service.call("POST", "/api/generations", asked)).json()
    await service.order()
    run = await service.run_id(made["id"])
    await receiver.until(lambda heard: {each.body["type"] for each in heard} >= set(EARLY))
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await receiver.until(lambda heard: heard[-1].body["type"] == EVENTS[0])

    assert {each.body["data"]["id"] for each in receiver.heard} == {made["id"]}
    asked_for = [each.body["data"]["requestPayload"]["inputs"] for each in receiver.heard]
    assert all(each == asked["inputs"] for each in asked_for), asked_for
    assert made["webhook"]["id"] == made["id"]
    assert all(well_signed(each, made["webhook"]["secret"]) for each in receiver.heard)


async def test_two_processes_tell_each_end_once(
    service: Service, peers: Peers, receiver: Receiver, endpoint: Json
) -> None:
    """A worker beside the service takes up what it can, and nobody hears anything twice."""
    worker = Program(
        data_dir=service.data_dir,
        environ=dict(service.environ),
        timing=dict(service.timing),
        command="worker",
        name="worker",
    )
    await worker.start()
    try:
        ordered = [await completed(service, peers) for _ in range(MANY)]
        sent = await deliveries(service, endpoint, MANY)
    finally:
        await worker.stop()

    assert sorted(ordered) == sorted(each["record"] for each in sent)
    assert sorted(each["id"] for each in sent) == sorted(
        each.headers["webhook-id"] for each in receiver.heard
    )


async def completed(service: Service, peers: Peers) -> str:
    """Have a generation complete; return its id."""
    generation, run = await service.order_running()
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    return generation


async def deliveries(service: Service, endpoint: Json, number: int) -> list[Json]:
    """Wait until so many were delivered to an endpoint; return them."""

    async def look() -> list[Json]:
        answer = await service.call("GET", f"{PATH}/{endpoint['id']}/deliveries?state=delivered")
        return answer.raise_for_status().json()["items"]

    return await until(look, lambda found: len(found) == number)


def well_signed(heard: Heard, secret: str) -> bool:
    """Return whether what came was signed by a secret, as of when it says."""
    named = [(name.encode(), value.encode()) for name, value in heard.headers.items()]
    signed = standard_webhooks.signed(named)
    keys = standard_webhooks.keys([secret])
    # Each try is signed anew, with the time that it was made at.
    at = datetime.fromtimestamp(int(heard.headers["webhook-timestamp"]), UTC)
    return signed is not None and standard_webhooks.verify(keys, signed, heard.raw, at) is None
