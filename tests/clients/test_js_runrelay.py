"""The JavaScript client and the service itself."""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.clients.watcher import NODE, a_watcher
from tests.peers import Peers, a_sandbox
from tests.service import API_KEY, DEPLOYMENT, Service, a_service

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(NODE is None, reason="there is no Node.js on the PATH"),
]


@pytest.fixture(scope="module")
async def sandbox() -> AsyncGenerator[Peers]:
    """One sandbox for all tests."""
    async with a_sandbox(seconds=0.2) as peers:
        yield peers


@pytest.fixture(scope="module")
async def service(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Peers, mongo_uri: str
) -> AsyncGenerator[Service]:
    """One service for all tests, one of which kills it."""
    folder: Path = tmp_path_factory.mktemp("clients") / "data"
    async with a_service(folder, sandbox, mongo_uri, "clients") as service:
        await service.start()
        yield service


async def test_sees_a_run_through_a_restart_of_the_service(
    service: Service, sandbox: Peers
) -> None:
    """The stream breaks with the service, goes on with the next one, and brings the end."""
    generation, run = await service.order_running()
    view = {"generation": generation}
    async with a_watcher(server=service.url, key=API_KEY, view=view) as watcher:
        watcher.tell("watch", id=generation)
        await watcher.until("change", lambda said: said["status"] == "running")
        await watcher.until("connection", lambda said: said["connected"])
        await service.restart()
        await watcher.until("connection", lambda said: said["connected"])
        await sandbox.control(f"comfydeploy/runs/{run}", status="success")
        over = await watcher.until("complete")
    versions = watcher.versions(generation)

    assert over["status"] == "completed"
    assert over["progress"] == 1
    assert versions == sorted(set(versions))
    assert over["outputs"]
    for address in over["outputs"]:
        assert (await service.client.get(address)).status_code == HTTPStatus.OK


async def test_orders_and_cancels(service: Service) -> None:
    """What is ordered by the client is watched, and cancelled as it runs."""
    order = {
        "engine": "comfydeploy",
        "deployment_id": DEPLOYMENT,
        "inputs": {"prompt": "a lighthouse at dusk", "sandbox_end": "none"},
    }
    async with a_watcher(server=service.url, token=API_KEY) as watcher:
        watcher.tell("start", order=order)
        started = await watcher.until("started")
        service.ordered.append(started["id"])
        await watcher.until("progress", lambda said: said["status"] == "running")
        watcher.tell("cancel", id=started["id"])
        cancelled = await watcher.until("error")

    assert cancelled["name"] == "RunError"
    assert cancelled["code"] == "cancelled"


async def test_watches_all_with_tokens_that_expire(service: Service, sandbox: Peers) -> None:
    """What is open is there at once, what comes and ends is told, whatever token it is."""
    generation, run = await service.order_running()
    view = {"all": True, "seconds": 1}
    async with a_watcher(server=service.url, key=API_KEY, view=view) as watcher:
        watcher.tell("watchAll")
        assert generation in (await watcher.until("ready"))["ids"]
        await watcher.until("token")
        await watcher.until("connection", lambda said: said["connected"])
        other = await service.order()
        await watcher.until("change", lambda said: said["id"] == other)
        await sandbox.control(f"comfydeploy/runs/{run}", status="success")
        ends = {generation, other}
        while ends:
            said = await watcher.until("change", lambda said: said["status"] == "completed")
            ends.discard(said["id"])
