"""app.web.memory: bodies share so many bytes, and none waits for another for ever."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.errors import OverloadedError
from app.web.memory import Memory

pytestmark = pytest.mark.anyio

SHORT = timedelta(milliseconds=1)


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    """Yield parts of a body, of these sizes."""
    for size in sizes:
        yield bytes(size)


async def test_what_does_not_fit_is_refused() -> None:
    """By count, not by promise; what is over makes room."""
    memory = Memory(10, SHORT)
    with memory.body() as first:
        assert [len(each) async for each in first.counted(pieces(4, 4))] == [4, 4]
        with memory.body() as second, pytest.raises(OverloadedError):
            assert [len(each) async for each in second.counted(pieces(2, 1))] == []
        assert second.size == 2
        with memory.body() as third:
            await memory.take(third, 2)
    with memory.body() as fourth:
        await memory.take(fourth, 10)


async def test_whoever_began_first_goes_on() -> None:
    """Though all is taken; the next is the first once that one is done."""
    memory = Memory(10)
    with memory.body() as second, memory.body() as third:
        await memory.take(second, 6)
        await memory.take(third, 4)
        await memory.take(second, 6)
        assert second.size == 12
    waiting = asyncio.Event()

    async def later() -> None:
        with memory.body() as held:
            waiting.set()
            await memory.take(held, 5)
            await memory.take(held, 9)

    async with asyncio.TaskGroup() as group:
        with memory.body() as first:
            await memory.take(first, 8)
            group.create_task(later())
            await waiting.wait()
            await asyncio.sleep(0)
