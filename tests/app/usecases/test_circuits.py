"""A peer that is down is left alone, but for one who tries."""

import asyncio

import pytest

from app.usecases.circuits import SPREAD, Circuits
from tests.app.usecases.scenes import METRICS, TIMING
from tests.builders import NOON
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


async def test_one_probes_and_the_others_wait() -> None:
    """Until the wait is over nobody tries; then the first who asks."""
    clock, alerts = FakeClock(), FakeAlerts()
    circuits = Circuits(clock, TIMING, alerts, METRICS)
    await asyncio.sleep(0)
    assert circuits.closed_until("engine") is None

    until = circuits.failed("engine", "unreachable")
    assert until == NOON + TIMING.probe_every + SPREAD / 2
    assert circuits.closed_until("engine") == until
    assert circuits.closed_until("another") is None
    clock.move(TIMING.probe_every)
    assert circuits.closed_until("engine") is None
    assert circuits.closed_until("engine") == until + TIMING.probe_every


async def test_it_is_said_once_that_it_is_down_and_once_that_it_is_back() -> None:
    """However often it fails and works."""
    alerts = FakeAlerts()
    circuits = Circuits(FakeClock(), TIMING, alerts, METRICS)
    for _ in range(3):
        circuits.failed("engine", "unreachable")
    for _ in range(3):
        circuits.worked("engine")

    assert alerts.raised == ["engine_down", "engine_back"]
    assert circuits.closed_until("engine") is None
