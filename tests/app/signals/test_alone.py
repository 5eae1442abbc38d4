"""A process without a way to the others goes on all the same."""

import asyncio

import pytest

from app.signals.alone import Alone

pytestmark = pytest.mark.anyio


async def test_nobody_is_woken_and_nobody_wakes() -> None:
    """It lasts until it is cancelled, like the others of its kind."""
    woken = list[str]()
    waker = Alone()
    waker.heed(lambda: woken.append("woken"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(waker.run())
        waker.wake()
        await asyncio.sleep(0)
        assert not running.done()
        running.cancel()

    assert woken == []
    assert running.cancelled()
