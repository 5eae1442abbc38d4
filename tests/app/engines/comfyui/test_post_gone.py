"""app.engines.comfyui.post: the runs of a server that is gone are tried where there is room."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.engines.comfyui import Sink
from app.engines.comfyui.post import Post
from app.usecases.duty import Duty
from processors.protocols import comfyui
from schemas.generation import EngineRun
from schemas.run import RunStatus
from schemas.server import ServerSeen
from tests.app.engines.comfyui.scene import TIMING, a_server
from tests.app.engines.comfyui.test_tenure_counts import following
from tests.builders import HERE, ID, NOON, RUN, a_generation
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.leases import FakeLeases
from tests.fakes.servers import FakeServers

pytestmark = pytest.mark.anyio

TOUCHY = TIMING.change(server_gone=timedelta(), health_every=timedelta(milliseconds=5))
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


def counted(over: asyncio.Event) -> Callable[[], Awaitable[None]]:
    """Return a gate that says when it was passed often enough."""
    passed = 0

    async def gate() -> None:
        nonlocal passed
        passed += 1
        if passed >= LOOKS:
            over.set()

    return gate


@pytest.mark.parametrize(("slots", "status"), [(0, RunStatus.RUNNING), (1, RunStatus.PENDING)])
async def test_runs_are_left_to_servers_that_have_slots(slots: int, status: RunStatus) -> None:
    """One that is drained takes none: they wait for their own server."""
    run = EngineRun(attempt=1, run_id=RUN, server="box", submitted_at=NOON)
    record = a_generation(RunStatus.RUNNING, runs=(run,), slot="box#1", max_attempts=3)
    generations, clock, over = FakeGenerations({ID: record}), FakeClock(), asyncio.Event()
    alerts = FakeAlerts()
    async with a_server("http://127.0.0.1:1", timing=TOUCHY) as server:
        post = Post(
            server,
            lambda _: Deaf(),
            duty=Duty(FakeLeases(), HERE, clock, TOUCHY, server.peer),
            follow=following(server, generations, clock),
            board=FakeServers(another(slots), gate=counted(over)),
            alerts=alerts,
            me=HERE,
            clock=clock,
            timing=TOUCHY,
        )
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(post.run())
            await over.wait()
            task.cancel()

    assert generations.records[ID].status is status
    assert alerts.raised == ["server_unwell"]
