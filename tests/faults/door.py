"""A port that leads to the sandbox while it is open, and refuses connections while it is not."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_AT_ONCE = 65_536
"""Bytes that are carried at a time."""


class Door:
    """The port; `host` is its address for a URL."""

    def __init__(self, url: str) -> None:
        """Lead to the port of a URL of this machine."""
        port = urlsplit(url).port
        assert port is not None
        self.host = ""
        self._to = port
        self._listens = 0
        self._server: asyncio.Server | None = None
        self._writers = set[StreamWriter]()

    async def open(self) -> None:
        """Listen, on the same port each time."""
        if self._server is not None:
            return
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._listens)
        self._listens = self._server.sockets[0].getsockname()[1]
        self.host = f"127.0.0.1:{self._listens}"

    async def close(self) -> None:
        """Break every connection and refuse further ones."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        await server.wait_closed()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        with suppress(OSError):
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers |= {writer, ours}
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass(reader, ours))
                    group.create_task(_pass(theirs, writer))
            finally:
                self._writers -= {writer, ours}
        writer.transport.abort()


@asynccontextmanager
async def a_door(url: str) -> AsyncGenerator[Door]:
    """Open a door to the port of a URL."""
    door = Door(url)
    await door.open()
    try:
        yield door
    finally:
        await door.close()


async def _pass(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(_AT_ONCE):
            writer.write(some)
    writer.transport.abort()
