"""app.engines.comfyui.fleet: servers that are not set here, and others have."""

import asyncio
from datetime import timedelta

import pytest

from app.engines.comfyui.fleet import ComfyFleet
from app.errors import StoreDownError
from app.usecases.seen_servers import SeenServers
from processors import runs
from schemas.base import InstanceName
from schemas.generation import EngineRun
from schemas.run import RunStatus
from tests.app.engines.comfyui.scene import a_server
from tests.app.engines.comfyui.test_tenure_counts import following
from tests.builders import (
    COMFYUI,
    HERE,
    ID,
    NOON,
    RUN,
    TIMING,
    a_generation,
    a_server_seen,
    the_debt,
)
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Gate
from tests.fakes.generations import FakeGenerations
from tests.fakes.servers import FakeServers
from tests.fakes.workflows import FakeWorkflows

pytestmark = pytest.mark.anyio

TOUCHY = TIMING.change(health_every=timedelta(milliseconds=1))
LOOKS = 4
"""Looks at the board after which nothing new comes of one."""


def counted(over: asyncio.Event) -> Gate:
    """Return a gate that fails at first, and says when it was passed often enough."""
    passed = 0

    async def gate() -> None:
        nonlocal passed
        passed += 1
        if passed == 1:
            raise StoreDownError("away")
        if passed > LOOKS:
            over.set()

    return gate


@pytest.mark.parametrize(("by", "told"), [("there", ["server_unset"]), (HERE, [])])
async def test_a_server_that_is_not_set_here(by: str, told: list[str]) -> None:
    """Another process's is told of, once, and its runs are left alone; ours of old are orphans."""
    run = EngineRun(attempt=1, run_id=RUN, server="two", submitted_at=NOON)
    record = a_generation(RunStatus.RUNNING, engine=COMFYUI, runs=(run,), slot="two#1")
    generations, clock, over = FakeGenerations({ID: record}), FakeClock(), asyncio.Event()
    alerts = FakeAlerts()
    board = FakeServers(a_server_seen("two", by=InstanceName(by)), gate=counted(over))
    seen = SeenServers(board, COMFYUI, me=HERE, clock=clock, timing=TOUCHY)
    async with a_server("http://127.0.0.1:1") as server:
        follow = following(server, generations, clock)
        fleet = ComfyFleet({}, FakeWorkflows(), follow, seen=seen, alerts=alerts)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(fleet.run())
            await over.wait()
            task.cancel()

    assert alerts.raised == told
    asked = the_debt(generations.records[ID], runs.ASK).next_at <= clock.now()
    assert asked is not bool(told)
