"""Take a picture that somebody gives: make a plain one of it, and keep that."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import Executor
from datetime import timedelta
from functools import partial
from typing import Final

from app.clock import Clock
from app.errors import DiskFullError, OverloadedError
from app.ports import Storage
from processors.errors import ImageFault, ImageRefusedError
from processors.images import keys, preparing
from processors.images.preparing import LIMITS, Limits
from schemas.base import UserId
from schemas.image import Image

AT_ONCE: Final = 4
"""Pictures that are made and stored at once. Those that are being read are bounded by whoever
reads them: the API by its memory, the bot by its lanes."""
THREADS: Final = 2
"""Pictures that are decoded at once; each may take 350 MB meanwhile."""
WAITS: Final = timedelta(seconds=20)
"""Longest wait until there is room for another."""
WRITE_LIMIT: Final = timedelta(seconds=30)


class TakeImage:
    """Takes pictures in, a few at once.

    Args:
        storage: Where they are kept.
        clock: The day is a part of their keys.
        threads: Where they are decoded; it bounds how many at once.
        disk_full: Whether there is too little disk left to take on anything new.
        limits: What they may have at most.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        *,
        threads: Executor,
        disk_full: Callable[[], bool],
        limits: Limits = LIMITS,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._threads = threads
        self._disk_full = disk_full
        self._limits = limits
        self._room = asyncio.Semaphore(AT_ONCE)

    async def __call__(
        self, content: AsyncIterable[bytes] | bytes, *, owner: UserId | None
    ) -> Image:
        """Return a picture as it is kept by now; the same one of the same day is the same.

        Args:
            content: The file as it was given; it is read no further than the limit, and before
                anything else is waited for.
            owner: Whose it is; None where nobody is named.

        Raises:
            ImageRefusedError: It is none that is taken.
            DiskFullError: Nothing new is taken on.
            OverloadedError: Too many are being taken already.
            PeerDownError: It could not be stored.
        """
        if self._disk_full():
            raise DiskFullError("the disk is nearly full")
        # Whoever sends slowly must not keep a place from those whose picture is there.
        given = content if isinstance(content, bytes) else await self._gathered(content)
        try:
            async with asyncio.timeout(WAITS.total_seconds()):
                await self._room.acquire()
        except TimeoutError:
            raise OverloadedError("too many pictures are being taken in") from None
        try:
            return await self._taken(given, owner)
        finally:
            self._room.release()

    async def _taken(self, given: bytes, owner: UserId | None) -> Image:
        prepare = partial(preparing.prepare, given, self._limits)
        made = await asyncio.get_running_loop().run_in_executor(self._threads, prepare)
        day = self._clock.now().date()
        key = keys.key_of(made.content, made.content_type, owner=owner, day=day)
        size = await self._storage.put(
            key, _whole(made.content), limit_bytes=len(made.content), limit=WRITE_LIMIT
        )
        return Image(
            key=key,
            content_type=made.content_type,
            width=made.width,
            height=made.height,
            size=size,
        )

    async def _gathered(self, chunks: AsyncIterable[bytes]) -> bytes:
        gathered, most = bytearray(), self._limits.size
        async for chunk in chunks:
            gathered += chunk
            if len(gathered) > most:
                raise ImageRefusedError(ImageFault.TOO_LARGE, {"maxBytes": most})
        return bytes(gathered)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
