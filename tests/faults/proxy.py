"""A wire between the service and its database that tests can hold, cut and stop at a message."""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

_LENGTH: Final = struct.Struct("<i")
"""A message of MongoDB's protocol begins with its length, itself included."""
_NEVER: Final = 90
"""Seconds; what a test waits for comes within a few, also on a crowded machine."""


@dataclass(eq=False)
class Stop:
    """A message at which the wire stops, until `Proxy.resume`.

    Attributes:
        marks: What the message holds, all of it.
        side: Whether the message itself is held back, or only the answer to it.
        held: Set once such a message, or the answer to it, is held.
    """

    marks: tuple[bytes, ...]
    side: Literal["before", "after"]
    held: asyncio.Event = field(default_factory=asyncio.Event)

    async def reached(self) -> None:
        """Wait until such a message, or the answer to it, is held.

        Raises:
            TimeoutError: None came for so long that none will.
        """
        async with asyncio.timeout(_NEVER):
            await self.held.wait()

    def fits(self, message: bytes) -> bool:
        """Say whether a message is one to stop at."""
        return all(mark in message for mark in self.marks)


class Proxy:
    """The wire; `uri` leads through it.

    Attributes:
        uri: Address for a driver.
    """

    def __init__(self, port: int) -> None:
        """Lead to a port of this machine."""
        self.uri = ""
        self._port = port
        self._stops = list[Stop]()
        self._open = asyncio.Event()
        self._open.set()
        self._cut = False
        self._writers = set[StreamWriter]()

    def hold(self) -> None:
        """Keep everything where it is."""
        self._open.clear()

    def cut(self) -> None:
        """Break every connection and let none be made."""
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def resume(self) -> None:
        """Let everything flow."""
        self._cut = False
        self._stops.clear()
        self._open.set()

    def stop_at(self, *marks: str, side: Literal["before", "after"]) -> Stop:
        """Hold whatever message to the database has all these marks in it, or its answer."""
        self._open.clear()
        stop = Stop(tuple(mark.encode() for mark in marks), side)
        self._stops.append(stop)
        return stop

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        if self._cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers |= {writer, ours}
            awaited = set[Stop]()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._up(reader, ours, awaited))
                    group.create_task(self._down(theirs, writer, awaited))
            finally:
                self._writers -= {writer, ours}
        writer.transport.abort()

    async def _up(self, reader: StreamReader, writer: StreamWriter, awaited: set[Stop]) -> None:
        with suppress(OSError, EOFError):
            while True:
                message = await _message(reader)
                for stop in (each for each in self._stops if each.fits(message)):
                    if stop.side == "before":
                        stop.held.set()
                        await self._open.wait()
                    else:
                        awaited.add(stop)
                await self._flow()
                writer.write(message)
        writer.transport.abort()

    async def _down(self, reader: StreamReader, writer: StreamWriter, awaited: set[Stop]) -> None:
        with suppress(OSError, EOFError):
            while True:
                message = await _message(reader)
                if awaited:
                    for stop in awaited:
                        stop.held.set()
                    await self._open.wait()
                    awaited.clear()
                await self._flow()
                writer.write(message)
        writer.transport.abort()

    async def _flow(self) -> None:
        """Wait while everything is held; a stop holds only what it fits."""
        if not self._stops:
            await self._open.wait()


@asynccontextmanager
async def a_proxy(uri: str) -> AsyncGenerator[Proxy]:
    """Lay a wire to the database at `uri`, a replica set of one."""
    port = urlsplit(uri).port
    assert port is not None
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0, limit=2**26)
    listens = server.sockets[0].getsockname()[1]
    # The set's own address would lead past the wire.
    proxy.uri = f"mongodb://127.0.0.1:{listens}/?directConnection=true"
    try:
        yield proxy
    finally:
        proxy.resume()
        proxy.cut()
        server.close()
        await server.wait_closed()


async def _message(reader: StreamReader) -> bytes:
    head = await reader.readexactly(_LENGTH.size)
    (length,) = _LENGTH.unpack(head)
    return head + await reader.readexactly(length - _LENGTH.size)
