"""Orders over HTTP: a fleet of clients with so many connections, each of which stays open."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final, NamedTuple

from benchmarks import world

_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
PATIENCE_SECONDS: Final = 60.0
BROKEN: Final = 0
"""Stands for a status where there was no answer."""


class Answer(NamedTuple):
    """What an order was answered.

    Attributes:
        status: The HTTP status, or `BROKEN`.
        due: When it was to be sent, in seconds of the monotonic clock.
        sent: When it was.
        at: When the answer was there.
    """

    status: int
    due: float
    sent: float
    at: float


class Fleet:
    """Clients that share connections: who finds none free waits for one."""

    def __init__(self, url: str, path: str, connections: int) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._host, self._port, self._connections = host, int(port), connections
        self._head: Final = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer "
            f"{world.API_KEY}\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self._idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )

    async def open(self) -> None:
        """Connect."""
        for _ in range(self._connections):
            self._idle.put_nowait(await self._connect())

    def close(self) -> None:
        """Disconnect."""
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()

    async def post(self, body: bytes, due: float) -> Answer:
        """Send one body once a connection is free, and wait for its answer."""
        reader, writer = await self._idle.get()
        sent, status = monotonic(), BROKEN
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                writer.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
                head = await reader.readuntil(b"\r\n\r\n")
                found, length = _STATUS.match(head), _LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                status = int(found[1]) if found else BROKEN
        except (OSError, EOFError, TimeoutError):
            writer.close()
            reader, writer = await self._connect()
        self._idle.put_nowait((reader, writer))
        return Answer(status, due, sent, monotonic())

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._host, self._port)


async def send(
    post: Callable[[bytes, float], Awaitable[Answer]],
    bodies: Sequence[bytes],
    rate: float | None,
) -> list[Answer]:
    """Send bodies at so many a second whatever the answers take; without a rate, all at once."""
    start = monotonic() + 0.1

    async def at(number: int, body: bytes) -> Answer:
        due = start + (number / rate if rate else 0.0)
        await asyncio.sleep(due - monotonic())
        return await post(body, due)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(at(number, body)) for number, body in enumerate(bodies)]
    return [task.result() for task in tasks]
