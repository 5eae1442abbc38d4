"""200 runs followed at once by one process: what it has in memory, and how busy that keeps it.

Each of the four servers may have 50 of them, and works on one at a time, so that nearly all
wait in the servers' own queues, and every one is followed. What is counted is the service's
process alone, before it has followed anything, and until all have ended.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final, NamedTuple

from benchmarks.comfyui.ordering import Order, picture, place
from benchmarks.comfyui.servers import COUNT, Stage
from benchmarks.records import LOOK_SECONDS, statuses
from benchmarks.report import Figures
from benchmarks.world import Service

RUNS: Final = 200
SLOTS: Final = RUNS // COUNT
PATIENCE_SECONDS: Final = 120


class Course(NamedTuple):
    """How it goes.

    Attributes:
        seconds: How long each run takes.
        idle: Seconds for which the service is watched with nothing to follow.
        window: Seconds for which it is watched with all of them.
    """

    seconds: float
    idle: float
    window: float


async def measure(stage: Stage, course: Course, *, dead: bool) -> Figures:
    """Have 200 runs followed.

    Args:
        stage: A service that has followed nothing yet, each of whose servers has 50 slots.
        course: How it goes.
        dead: Whether all sockets are dropped and new ones refused.
    """
    service, servers, records = stage
    if dead:
        await servers.silence()
    idle = await _share(service, course.idle)
    before, most = service.memory_mb(), [0.0]
    orders = [Order(f"person {number}", picture(course.seconds, number)) for number in range(RUNS)]
    # The first at each server goes on once all of them are there.
    await servers.turn(hold="*")
    async with records.ends() as ends, _watched(service, most):
        await place(service, orders)
        await records.until(records.sent, RUNS)
        await servers.turn(hold=None)
        share = await _share(service, course.window)
        left = RUNS - len(ends.at)
        await ends.until(RUNS, PATIENCE_SECONDS + RUNS * course.seconds)
    kept, prompts = await records.since(), await servers.prompts()
    return {
        "followed": f"{RUNS} to {left}",
        "memory_before_mb": round(before, 1),
        "memory_added_mb": round(most[0] - before, 1),
        "idle_share_of_a_core": idle,
        "share_of_a_core": share,
        "window_s": course.window,
        "ended": statuses(kept),
        "once": sorted(each.id for each in prompts) == sorted(each.run_id or "" for each in kept),
    }


async def _share(service: Service, seconds: float) -> float:
    """Return the share of one core that the service uses for so many seconds."""
    began, used = monotonic(), service.processor_seconds()
    await asyncio.sleep(seconds)
    return round((service.processor_seconds() - used) / (monotonic() - began), 3)


@asynccontextmanager
async def _watched(service: Service, most: list[float]) -> AsyncGenerator[None]:
    """Note the most that the service has resident as long as the block lasts."""

    async def watch() -> None:
        while True:
            most[0] = max(most[0], service.memory_mb())
            await asyncio.sleep(LOOK_SECONDS)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
