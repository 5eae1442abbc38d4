"""Waiting for what happens, never for time."""

import asyncio
from collections.abc import Awaitable, Callable

_PATIENCE_SECONDS = 20.0
_LOOK_AGAIN_SECONDS = 0.005


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""

    async def asked() -> bool:
        return condition()

    await until_async(asked)


async def until_async(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds that has to be asked for."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - it may come true in another process
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
