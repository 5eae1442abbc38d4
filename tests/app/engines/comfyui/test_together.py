"""The socket, the server and the fetcher with a stand-in's server: what one hears of a run."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.bootstrap import Peers as Places
from app.bootstrap import Service, build, open_store
from app.clock import Clock
from app.engines.fetching import Fetcher, FetchError
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.settings import SandboxSecrets, Settings
from schemas.base import InstanceName
from schemas.run import RunStatus
from tests.app.engines.comfyui.scene import (
    CLIENT,
    TIMING,
    a_run,
    a_server,
    a_settings,
    a_workflow,
    until,
)
from tests.app.engines.comfyui.test_socket import Noting, listening
from tests.peers import Peers, a_sandbox

pytestmark = pytest.mark.anyio

HEADER = {"name": "Authorization", "value": "Bearer nobody-reads-this"}
QUICK = TIMING.change(socket_retry=(timedelta(milliseconds=1),))


@pytest.fixture
async def peers() -> AsyncGenerator[Peers]:
    """Return a sandbox whose first server asks for a credential."""
    async with a_sandbox(seconds=0.05) as made:
        await made.control("comfyui/1", header=HEADER)
        yield made


async def heard(noting: Noting, kind: str) -> dict[str, Any]:
    """Return the data of the next message of a kind."""
    while True:
        message = json.loads(await noting.until("text"))
        if message["type"] == kind:
            return message["data"]


async def test_a_run_is_heard_from_start_to_end(peers: Peers) -> None:
    """With a preview that names it; then its file is fetched from a private address."""
    url, headers = peers.comfyui[0], {HEADER["name"]: HEADER["value"]}
    workflow = a_workflow(
        _3={
            "class_type": "SleepProgress",
            "inputs": {"steps": 2, "step_seconds": 0.01, "preview": True, "seed": 1, "text": ""},
        }
    )
    settings = a_settings(url, headers)
    async with a_server(url, headers) as server, listening(settings, QUICK) as (_, noting):
        await noting.until("connected")
        await server.prompt(workflow, a_run(), CLIENT)
        assert (await heard(noting, "execution_start"))["prompt_id"] == a_run()
        ended = await heard(noting, "execution_success")
        assert ended["prompt_id"] == a_run()

        async def over() -> bool:
            return (await server.read(a_run())).status is RunStatus.COMPLETED

        await until(over)
        [output] = (await server.read(a_run())).outputs
    fetcher = Fetcher(allow_private=False, own={settings.url: settings.headers})
    host = url.split("/")[2]
    fetched = await fetcher.fetch(
        str(output.url), hosts=(host,), limit_bytes=10_000_000, timeout_seconds=20
    )

    assert fetched.sniffed is not None
    assert fetched.sniffed.content_type == "image/png"
    other = str(output.url).replace("/comfyui/1/", "/comfyui/2/")
    with pytest.raises(FetchError, match="private_address"):
        await fetcher.fetch(other, hosts=(host,), limit_bytes=9, timeout_seconds=20)


async def test_a_restart_of_the_server_is_survived(peers: Peers) -> None:
    """There is never more than one socket, and the newest one is heard."""
    headers = {HEADER["name"]: HEADER["value"]}
    async with listening(a_settings(peers.comfyui[0], headers), QUICK) as (_, noting):
        for _ in range(3):
            await noting.until("connected")
            await noting.until("text")
            await peers.control("comfyui/1/acts", act="restart")
            await noting.until("disconnected")
        await noting.until("connected")
        sockets = await peers.look("comfyui/1/sockets")

    assert sum(each["open"] for each in sockets) == 1
    assert {each["client_id"] for each in sockets} == {CLIENT}


async def test_the_service_is_wired_with_its_servers(peers: Peers, tmp_path: Path) -> None:
    """The engine is on, takes no webhooks, and its files are fetched with its credential."""
    places = Places(
        webhook_base="http://127.0.0.1:1",
        comfydeploy_url=None,
        comfyui_servers=(a_settings(peers.comfyui[0], {HEADER["name"]: HEADER["value"]}),),
        telegram_url="http://127.0.0.1:1",
        allow_private=False,
    )
    service = wired(places, tmp_path)
    async with service.client, asyncio.timeout(20):
        service.store.connection.close()
        [engine] = service.engines.values()
        assert "ComfyUI 0.30.2" in await engine.check()

    assert service.hooks.doors == {}


def wired(places: Places, folder: Path) -> Service:
    """Wire a service that never runs."""
    settings = Settings(data_dir=folder).with_secrets(SandboxSecrets(*[SecretStr("a" * 32)] * 3))
    return build(
        settings,
        open_store(settings, "mongodb://127.0.0.1:1"),
        places,
        name=InstanceName("here"),
        clock=Clock(),
        timing=TIMING,
        journal=Journal(),
        metrics=Metrics(),
    )
