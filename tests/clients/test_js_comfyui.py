"""The JavaScript client and a bare ComfyUI."""

from collections.abc import AsyncGenerator

import pytest

from tests.clients.watcher import NODE, a_watcher
from tests.peers import Json, Peers, a_sandbox
from tests.sandbox.comfyui.client import sampling, sleeping

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(NODE is None, reason="there is no Node.js on the PATH"),
]


@pytest.fixture(scope="module")
async def sandbox() -> AsyncGenerator[Peers]:
    """One sandbox for all tests."""
    async with a_sandbox(seconds=0.2) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> AsyncGenerator[Peers]:
    """The peers, in the end as they were."""
    yield sandbox
    await sandbox.control("comfyui/1", hold=None, unsaid=[])


async def test_sees_a_run_to_its_end(peers: Peers) -> None:
    """Progress rises, a picture is shown on the way, and what was made can be had."""
    async with a_watcher(comfyui=peers.comfyui[0]) as watcher:
        watcher.tell("start", order={"workflow": sampling(steps=4)})
        shown = await watcher.until("preview")
        over = await watcher.until("complete")
    steps = [said["progress"] for said in watcher.heard if said["kind"] == "progress"]

    assert shown["bytes"] > 0
    assert steps == sorted(steps)
    assert len(set(steps)) > 2
    assert steps[-1] == 1
    assert watcher.versions(over["id"]) == sorted(set(watcher.versions(over["id"])))
    assert over["outputs"]
    for address in over["outputs"]:
        assert (await peers.client.get(address)).status_code == 200


async def test_cancels_what_runs_and_what_waits(peers: Peers) -> None:
    """One is interrupted, the other taken from the queue; both are told as cancelled."""
    await peers.control("comfyui/1", hold="SleepProgress")
    async with a_watcher(comfyui=peers.comfyui[0]) as watcher:
        ids = list[str]()
        for seed in (1, 2):
            watcher.tell("start", order={"workflow": sleeping(seed=seed)})
            ids.append((await watcher.until("started"))["id"])
        await watcher.until("progress", lambda said: said["id"] == ids[0] and said["progress"])
        running, waiting = ids
        watcher.tell("cancel", id=waiting)
        assert (await watcher.until("cancelling"))["status"] == "cancelled"
        watcher.tell("cancel", id=running)
        assert (await watcher.until("cancelling"))["status"] == "running"
        await peers.control("comfyui/1", hold=None)
        over = await watcher.until("change", lambda said: said["status"] == "cancelled")

    assert over["id"] == running


async def test_hears_of_an_end_that_no_socket_told(peers: Peers) -> None:
    """The socket breaks, and the server starts again meanwhile: runs end as they really did."""
    await peers.control("comfyui/1", hold="SleepProgress")
    async with a_watcher(comfyui=peers.comfyui[0]) as watcher:
        watcher.tell("start", order={"workflow": sleeping()})
        await watcher.until("progress", lambda said: said["progress"] > 0)
        await peers.control("comfyui/1", unsaid=["execution_success", "end"], hold=None)
        await peers.control("comfyui/1/acts", act="drop")
        await watcher.until("complete")
        await peers.control("comfyui/1", hold="SleepProgress", unsaid=[])
        watcher.tell("start", order={"workflow": sleeping(seed=9)})
        await watcher.until("progress", lambda said: said["progress"] > 0)
        await peers.control("comfyui/1/acts", act="restart")
        lost: Json = await watcher.until("error")

    assert lost["code"] == "failed"
    assert "knows nothing" in lost["message"]
