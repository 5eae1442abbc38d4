"""sandbox.background: tasks are independent of each other and end with their group."""

import asyncio
import logging

import pytest

from sandbox.background import Background

pytestmark = pytest.mark.anyio


async def test_survives_a_broken_task(caplog: pytest.LogCaptureFixture) -> None:
    """An error is logged and the other tasks go on; leaving cancels them."""
    reached, cancelled = asyncio.Event(), asyncio.Event()

    async def break_down() -> None:
        raise LookupError

    async def go_on() -> None:
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with caplog.at_level(logging.ERROR):
        async with Background() as background:
            background.start(break_down())
            background.start(go_on())
            await reached.wait()

    assert cancelled.is_set()
    assert "A background task broke." in caplog.text
