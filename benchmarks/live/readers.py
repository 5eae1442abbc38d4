"""Readers of a stream, a thousand in one process: raw sockets that note when each state came."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

from benchmarks import world

MARK: Final = re.compile(rb'"liveStatus":"sent (\d+\.\d+)"')
"""When a state was written, in seconds of the monotonic clock, as the writer has it say."""
PATIENCE_SECONDS: Final = 60
_AT_ONCE: Final = 50
"""Connections that are being made at a time: a server's backlog is no benchmark."""


class Reader(asyncio.Protocol):
    """One reader.

    Attributes:
        waits: Seconds from each write until its state was here, since `begin`.
        ready: Set once the snapshot is complete.
        lost: Set once the connection is.
    """

    def __init__(self) -> None:
        self.waits = list[float]()
        self.ready = asyncio.Event()
        self.lost = asyncio.Event()
        self._rest = b""
        self._counts = False

    def begin(self) -> None:
        """Count from now on."""
        self._counts = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what leads to the server."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Note what came."""
        now = monotonic()
        text = self._rest + data
        if not self.ready.is_set() and b"event: ready" in text:
            self.ready.set()
        last = 0
        for found in MARK.finditer(text):
            last = found.end()
            if self._counts:
                self.waits.append(now - float(found[1]))
        # A mark may have been cut in two.
        self._rest = text[max(last, len(text) - 64) :]

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so."""
        del exc
        self.lost.set()


@asynccontextmanager
async def readers(url: str, paths: Sequence[str]) -> AsyncGenerator[list[Reader]]:
    """Have a reader at each path, all of them ready; they are gone at the end."""
    host, _, port = url.removeprefix("http://").partition(":")
    loop, gate, made = asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE), list[Reader]()

    async def connect(path: str) -> None:
        async with gate:
            transport, reader = await loop.create_connection(Reader, host, int(port))
            made.append(reader)
            transport.write(
                f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n"
                f"Authorization: Bearer {world.API_KEY}\r\n\r\n".encode()
            )
            await reader.ready.wait()

    try:
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for path in paths:
                group.create_task(connect(path))
        yield made
    finally:
        for reader in made:
            reader.transport.close()
        for reader in made:
            await reader.lost.wait()
