"""Memory for uploads: so many bytes in all, given out in the order they are asked for."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from app.telegram.errors import busy

BYTES: Final = 64_000_000
"""Most bytes of files that are held for uploads at a time, in all chats together."""
PATIENCE: Final = timedelta(seconds=5)
"""Longest wait for room that is waited out in memory."""


class Share:
    """Room that somebody has; `keep` gives back what turned out not to be needed."""

    def __init__(self, room: "Room", size: int) -> None:
        self._room = room
        self._size = size

    def keep(self, size: int) -> None:
        """Keep no more than `size` bytes of it."""
        kept = min(size, self._size)
        self._room.give_back(self._size - kept)
        self._size = kept


class Room:
    """The bytes that all uploads share."""

    def __init__(self, most: int = BYTES, patience: timedelta = PATIENCE) -> None:
        """Give out at most so many bytes, to whoever can wait that long for them."""
        self._free = most
        self._patience = patience.total_seconds()
        # Whoever is next holds the door, so that many small wishes cannot starve a large one.
        self._door = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def share(self, size: int) -> AsyncGenerator[Share]:
        """Hold room for `size` bytes.

        Raises:
            PeerBusyError: None came free in time; it names a wait.
        """
        await self._take(size)
        share = Share(self, size)
        try:
            yield share
        finally:
            share.keep(0)

    def give_back(self, size: int) -> None:
        """Let others have `size` bytes."""
        self._free += size
        self._freed.set()

    async def _take(self, size: int) -> None:
        try:
            async with asyncio.timeout(self._patience), self._door:
                while self._free < size:
                    self._freed.clear()
                    await self._freed.wait()
                self._free -= size
        except TimeoutError:
            raise busy("other uploads fill the memory", timedelta(seconds=self._patience)) from None
