"""Memory for bodies that are files: so many bytes in all, given out as they come."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from app.errors import OverloadedError

BYTES: Final = 128 * 2**20
"""Most bytes of bodies that are held at a time, in all requests together."""
PATIENCE: Final = timedelta(seconds=20)
"""Longest wait for room; meanwhile nothing more of that body is read."""


class Held:
    """What is held of one body."""

    def __init__(self, memory: "Memory") -> None:
        self._memory = memory
        self.size = 0

    async def counted(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Yield a body as it comes, each part once there is room for it.

        Raises:
            OverloadedError: None came free in time.
        """
        async for chunk in chunks:
            await self._memory.take(self, len(chunk))
            yield chunk


class Memory:
    """The bytes that all bodies share.

    They are counted as they come, so whoever promises much and sends little is in nobody's way.
    Whoever began first may go on though all is taken: otherwise many, each half-way, could wait
    for each other.
    """

    def __init__(self, most: int = BYTES, patience: timedelta = PATIENCE) -> None:
        """Give out at most so many bytes, and one body more, to whoever can wait for them."""
        self._most = most
        self._patience = patience.total_seconds()
        self._held = list[Held]()
        self._freed = asyncio.Event()

    @contextmanager
    def body(self) -> Generator[Held]:
        """Hold a body for the length of the block."""
        held = Held(self)
        self._held.append(held)
        try:
            yield held
        finally:
            self._held.remove(held)
            self._freed.set()

    async def take(self, held: Held, size: int) -> None:
        """Hold `size` bytes more of a body.

        Raises:
            OverloadedError: None came free in time.
        """
        try:
            async with asyncio.timeout(self._patience):
                while not self._fits(held, size):
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            raise OverloadedError("too many files are being taken in") from None
        held.size += size

    def _fits(self, held: Held, size: int) -> bool:
        return held is self._held[0] or sum(each.size for each in self._held) + size <= self._most
