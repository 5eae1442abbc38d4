"""app.engines.comfyui.post: the runs of a server that is gone are tried where there is room."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.engines.comfyui import ComfyServer, Sink
from app.engines.comfyui.post import Post
from app.usecases.duty import Duty
from processors.protocols import comfyui
from schemas.base import GenerationId, RunId
from schemas.generation import EngineRun, Generation
from schemas.run import RunStatus
from schemas.server import ServerSeen
from tests.app.engines.comfyui.scene import TIMING, a_server, an_odd_server
from tests.app.engines.comfyui.test_tenure_counts import following
from tests.builders import COMFYUI, HERE, ID, NOON, RUN, a_generation, some_metadata
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.leases import FakeLeases
from tests.fakes.servers import FakeServers

pytestmark = pytest.mark.anyio

STEP = timedelta(microseconds=1)
"""How far the clock moves at each call of the board."""
TOUCHY = TIMING.change(
    server_gone=STEP,
    health_every=timedelta(milliseconds=5),
    tidy_every=timedelta(milliseconds=5),
    cancel_grace=timedelta(milliseconds=-1),
)
"""A server is gone at the second look; whoever is told to stop has had its time for that."""
OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")
LOOKS = 12
"""Calls of the board by which several looks are over."""


class Deaf:
    """A socket that does not open."""

    trouble: str | None = "cannot be reached"

    async def run(self, sink: Sink) -> None:
        """Wait for ever."""
        del sink
        await asyncio.Event().wait()


def another(slots: int) -> ServerSeen:
    """Return another server, which is well."""
    return ServerSeen(
        id="comfyui/other",
        engine=comfyui.NAME,
        name="other",
        at=NOON,
        healthy=True,
        slots=slots,
        load=0,
        by=HERE,
    )


def counted(
    over: asyncio.Event, until: Callable[[], bool], clock: FakeClock
) -> Callable[[], Awaitable[None]]:
    """Return a gate that says when it was passed often enough, and something holds."""
    passed = 0

    async def gate() -> None:
        nonlocal passed
        passed += 1
        clock.move(STEP)
        if passed >= LOOKS and until():
            over.set()

    return gate


@asynccontextmanager
async def watched(
    server: ComfyServer,
    generations: FakeGenerations,
    *,
    slots: int = 1,
    alerts: FakeAlerts | None = None,
    until: Callable[[], bool] = lambda: True,
) -> AsyncGenerator[FakeServers]:
    """Look at a server several times, and until something holds, beside another.

    Returns:
        The board, once that is over.
    """
    clock, over = FakeClock(), asyncio.Event()
    board = FakeServers(another(slots), gate=counted(over, until, clock))
    post = Post(
        server,
        lambda _: Deaf(),
        duty=Duty(FakeLeases(), HERE, clock, TOUCHY, server.peer),
        follow=following(server, generations, clock),
        board=board,
        alerts=alerts or FakeAlerts(),
        me=HERE,
        clock=clock,
        timing=TOUCHY,
    )
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(post.run())
        await over.wait()
        task.cancel()
    yield board


def running() -> Generation:
    """Return a generation whose run is at the server."""
    run = EngineRun(attempt=1, run_id=RUN, server="box", submitted_at=NOON)
    return a_generation(
        RunStatus.RUNNING, engine=COMFYUI, runs=(run,), slot="box#1", max_attempts=3
    )


@pytest.mark.parametrize(("slots", "status"), [(0, RunStatus.RUNNING), (1, RunStatus.PENDING)])
async def test_runs_are_left_to_servers_that_have_slots(slots: int, status: RunStatus) -> None:
    """One that is drained takes none: they wait for their own server."""
    generations, alerts = FakeGenerations({ID: running()}), FakeAlerts()
    async with (
        a_server("http://127.0.0.1:1", timing=TOUCHY) as server,
        watched(server, generations, slots=slots, alerts=alerts),
    ):
        assert generations.records[ID].status is status

    assert alerts.raised == ["server_unwell"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(401), RunStatus.RUNNING),
        (httpx.Response(403), RunStatus.RUNNING),
        (httpx.Response(302, headers={"location": "/login"}), RunStatus.RUNNING),
        (httpx.Response(404), RunStatus.RUNNING),
        (httpx.Response(429), RunStatus.RUNNING),
        (httpx.Response(500), RunStatus.RUNNING),
        (httpx.Response(200, json={}), RunStatus.PENDING),
    ],
)
async def test_runs_are_left_at_a_server_that_answers(
    answer: httpx.Response, status: RunStatus
) -> None:
    """It takes no more of them, but it has those: credentials or a proxy in front are at fault.

    One that answers everything and says nothing is as good as none.
    """
    generations = FakeGenerations({ID: running()})
    async with (
        an_odd_server(answer) as server,
        watched(server, generations) as board,
    ):
        assert not board.kept["comfyui/box"].healthy

    assert generations.records[ID].status is status


async def test_runs_of_a_stuck_server_are_tried_elsewhere() -> None:
    """It answers, and works for ever on one that it was told to stop."""
    over = RunId("0b8f1d6e-0000-4222-8333-444455556666")
    ended = EngineRun(attempt=1, run_id=over, server="box", submitted_at=NOON)
    record = a_generation(
        RunStatus.TIMEOUT,
        id=OTHER,
        engine=COMFYUI,
        runs=(ended,),
        metadata=some_metadata(run_id=over),
    )

    def told(request: httpx.Request) -> httpx.Response:
        answers: dict[str, Any] = {
            "system_stats": {"system": {"comfyui_version": "0.30.2"}, "devices": []},
            "prompt": {"exec_info": {"queue_remaining": 2}},
            "queue": {"queue_running": [[0, over]], "queue_pending": [[1, RUN]]},
        }
        return httpx.Response(200, json=answers.get(request.url.path.rpartition("/")[2], {}))

    generations = FakeGenerations({ID: running(), OTHER: record})

    def moved() -> bool:
        return generations.records[ID].status is RunStatus.PENDING

    async with (
        an_odd_server(told) as server,
        watched(server, generations, until=moved) as board,
    ):
        assert "does not stop" in (board.kept["comfyui/box"].trouble or "")
