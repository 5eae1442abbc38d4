"""app.engines.comfyui.engine: many servers, each run at its own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest

from app.bootstrap import Peers as Places
from app.bootstrap import make_client, make_comfyui, make_engines
from app.engines.comfyui import ComfyUI, described
from app.errors import PeerBusyError, PeerDownError, PeerLostError, PeerRefusedError
from app.observability.metrics import Metrics
from app.usecases.seen_servers import SeenServers
from processors.protocols.comfyui import Stats
from schemas.base import InstanceName
from schemas.run import RunAt, RunStatus
from schemas.server import ServerSettings
from tests.app.engines.comfyui.scene import CLIENT, TIMING, a_run, a_workflow, until
from tests.builders import COMFYUI, HERE, NOON, a_server_seen, an_order
from tests.fakes.clock import FakeClock
from tests.fakes.servers import FakeServers
from tests.peers import Peers, a_sandbox

pytestmark = pytest.mark.anyio

THERE: Final = InstanceName("there")


@pytest.fixture(scope="module")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return a sandbox of this module's own."""
    async with a_sandbox(seconds=0.05) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the sandbox as if it had just started."""
    await sandbox.control("reset")
    return sandbox


@asynccontextmanager
async def an_engine(*urls: str) -> AsyncGenerator[ComfyUI]:
    """Return the engine of servers called ``a``, ``b`` and so on."""
    places = Places(
        webhook_base="http://127.0.0.1:1",
        comfydeploy_url=None,
        comfyui_servers=tuple(
            ServerSettings(name=name, url=url) for name, url in zip("abc", urls, strict=False)
        ),
        telegram_url=None,
        allow_private=False,
    )
    async with make_client() as client:
        assert bool(urls) == bool(make_engines(places, client, TIMING, Metrics()))
        yield make_comfyui(places, client, TIMING, Metrics())


async def test_a_run_is_where_it_was_posted(peers: Peers) -> None:
    """Another server knows nothing of it, and is not asked."""
    async with an_engine(*peers.comfyui) as engine:
        await engine.post("b", a_workflow(), a_run(), CLIENT)

        async def over() -> bool:
            report = await engine.read(RunAt(a_run(), "b"))
            return report.status is RunStatus.COMPLETED

        await until(over)
        await engine.cancel(RunAt(a_run(), "b"))
        with pytest.raises(PeerLostError) as caught:
            await engine.read(RunAt(a_run(), "a"))

    assert caught.value.peer == engine.peer("a") == "comfyui:a"
    posts = [each for each in await peers.look("comfyui/1/requests") if each["method"] == "POST"]
    assert posts == []


@pytest.mark.parametrize("server", ["gone", None])
async def test_what_a_server_had_that_is_not_named_any_more_is_lost(server: str | None) -> None:
    """Nobody could ever say how it went."""
    async with an_engine() as engine:
        for ask in (engine.read(RunAt(a_run(), server)), engine.cancel(RunAt(a_run(), server))):
            with pytest.raises(PeerLostError, match="COMFYUI_SERVERS"):
                await ask


async def test_what_another_process_sees_to_is_not_lost() -> None:
    """Its settings name the server: what we cannot ask or cancel is left to it."""
    clock, board = FakeClock(), FakeServers(a_server_seen("two", by=THERE))
    seen = SeenServers(board, COMFYUI, me=HERE, clock=clock, timing=TIMING)
    engine = ComfyUI({}, seen)
    for ask in (engine.read(RunAt(a_run(), "two")), engine.cancel(RunAt(a_run(), "two"))):
        with pytest.raises(PeerBusyError, match="another process has it") as caught:
            await ask
        assert caught.value.retry_after is not None
    clock.move(timedelta(seconds=20))
    with pytest.raises(PeerLostError):
        await engine.read(RunAt(a_run(), "two"))


async def test_nothing_is_sent_to_the_engine_as_a_whole() -> None:
    """Runs and files are sent to one of its servers; there is nothing to look for."""

    async def nothing() -> AsyncGenerator[bytes]:
        yield b""

    async with an_engine("http://127.0.0.1:9") as engine:
        with pytest.raises(PeerRefusedError):
            await engine.submit(an_order(), "http://127.0.0.1:1")
        with pytest.raises(PeerRefusedError):
            await engine.upload("a.png", nothing(), 0, "image/png")
        assert [each async for each in engine.recent(an_order(), NOON)] == []
        assert engine.peer(None) == "comfyui"


async def test_files_are_fetched_from_its_servers_only() -> None:
    """By host and port."""
    async with an_engine("http://[::1]:8188/a", "https://gpu.example.com", "http://b:1") as engine:
        assert engine.hosts == ("[::1]:8188", "gpu.example.com:443", "b:1")


async def test_every_server_is_looked_at(peers: Peers) -> None:
    """What is wrong with one is said beside how the others stand."""
    async with an_engine(peers.comfyui[0], "http://127.0.0.1:9") as engine:
        first, second = await engine.looks()
        said = await engine.check()

    assert first.stats is not None
    assert (first.trouble, second.stats) == (None, None)
    assert said.startswith("a: ComfyUI 0.30.2")
    assert said.endswith("; b: cannot be reached (ConnectError)")
    async with an_engine("http://127.0.0.1:9") as nobody:
        with pytest.raises(PeerDownError, match="no server answers: a: cannot be reached"):
            await nobody.check()


@pytest.mark.parametrize(
    ("stats", "said"),
    [
        (
            Stats("0.30.2", "cuda:0 NVIDIA", 25_000_000_000, 24_100_000_000),
            "ComfyUI 0.30.2 on cuda:0 NVIDIA, 24.1 of 25.0 GB free",
        ),
        (Stats("0.30.2", "cpu", 8, None), "ComfyUI 0.30.2 on cpu"),
        (Stats("0.30.2", None, None, None), "ComfyUI 0.30.2"),
    ],
)
def test_a_server_is_described_by_what_it_says(stats: Stats, said: str) -> None:
    """What it leaves out is left out."""
    assert described(stats) == said
