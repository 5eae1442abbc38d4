"""What every waker does: among processes in memory, and over a real Redis."""

import asyncio
from collections.abc import AsyncGenerator, MutableSequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Final

import pytest

from app.observability.metrics import Metrics
from app.ports import Waker
from tests.app.signals.wakers import a_waker, connected
from tests.fakes.waker import FakeWaker
from tests.redis import SharedRedis

pytestmark = pytest.mark.anyio

_CHANNELS: Final = count()


class Process:
    """A process that heeds wake-ups.

    Attributes:
        woken: Set by each wake-up.
        times: How many there were.
    """

    def __init__(self, waker: Waker) -> None:
        self.waker = waker
        self.woken = asyncio.Event()
        self.times = 0
        waker.heed(self._count)
        waker.heed(self.woken.set)

    def _count(self) -> None:
        self.times += 1


@pytest.fixture(params=["fake", "redis"])
def redis(request: pytest.FixtureRequest) -> SharedRedis | None:
    """The real redis-server, or None for the fake."""
    return None if request.param == "fake" else request.getfixturevalue("shared_redis")


@pytest.fixture
async def three(redis: SharedRedis | None) -> AsyncGenerator[list[Process]]:
    """Three processes of one database, which heed each other already."""
    others, name = list[FakeWaker](), f"contract_{next(_CHANNELS)}"
    async with AsyncExitStack() as stack:
        found = [
            await stack.enter_async_context(a_process(redis, others, name, f"process-{number}"))
            for number in range(3)
        ]
        yield found


async def test_all_others_are_woken(three: list[Process]) -> None:
    """Each of them; whoever wakes is awake already, and is not."""
    first, second, third = three
    first.waker.wake()
    await second.woken.wait()
    await third.woken.wait()
    second.waker.wake()
    await first.woken.wait()

    assert first.times == 1


async def test_a_burst_ends_with_everybody_woken(three: list[Process]) -> None:
    """However many there are in it, it wakes; and what comes after it wakes again."""
    first, second, _ = three
    for _ in range(10_000):
        first.waker.wake()
    await second.woken.wait()
    second.woken.clear()
    first.waker.wake()
    await second.woken.wait()


@asynccontextmanager
async def a_process(
    redis: SharedRedis | None, others: MutableSequence[FakeWaker], database: str, name: str
) -> AsyncGenerator[Process]:
    """Run a process that is sure to hear."""
    if redis is None:
        yield Process(FakeWaker(others))
        return
    metrics = Metrics()
    waker = a_waker(redis.url, database=database, name=name, metrics=metrics)
    process = Process(waker)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(waker.run())
        await connected(metrics)
        yield process
        running.cancel()
