"""Wakers over a real Redis, and what their figures say."""

import asyncio
from typing import Final

from app.observability.metrics import Metrics
from app.signals.redis import RedisWaker
from schemas.base import InstanceName
from schemas.timing import Timing
from tests.service import until

HASTY: Final = Timing.model_validate({"wake_limit": 0.3, "wake_quiet": 0.1}, strict=False)
"""Limits so short that a connection is asked for a sign of life while a test looks on."""


def a_waker(
    url: str,
    metrics: Metrics,
    *,
    database: str = "test",
    name: str = "here",
    timing: Timing | None = None,
) -> RedisWaker:
    """Return a waker that does not run yet."""
    return RedisWaker(
        url,
        database=database,
        me=InstanceName(name),
        jitter=lambda: 0.5,
        timing=timing or Timing(),
        metrics=metrics,
    )


def figure(metrics: Metrics, sample: str) -> float:
    """Return a figure by its sample, as in ``wakeups_total{way="received"}``."""
    for line in metrics.render().decode().splitlines():
        if line.startswith(f"runrelay_{sample} "):
            return float(line.rpartition(" ")[2])
    return 0.0


async def connected(metrics: Metrics, *, is_so: bool = True) -> None:
    """Wait until a waker is connected, or is not."""

    async def look() -> float:
        await asyncio.sleep(0)
        return figure(metrics, "redis_connected")

    await until(look, lambda said: said == is_so)
