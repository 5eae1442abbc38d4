"""Being kept: whoever keeps the sandbox may die, and the next one finds it as it was.

A keeper connects to a port of its own, sends the token as a line, is told the addresses, and then
reads the chats for as long as the connection stands. One that just goes away died; one that sends
the line `end` first has the sandbox end at once.
"""

import asyncio
import contextlib
import json
import os
import secrets
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from sandbox.background import Background

HOST: Final = "127.0.0.1"
END: Final = b"end\n"
TURN_SECONDS: Final = 2
"""Long enough for a death to be noticed; whoever is still kept then is somebody else's."""
_MOST_TEXTS: Final = 1_000
"""How much of what is shown is held while nobody keeps the sandbox."""


class Keeping:
    """The keeper of a sandbox, one at a time; also the stream that the chats are shown on."""

    def __init__(
        self, seconds: float, addresses: Mapping[str, object], turn: float = TURN_SECONDS
    ) -> None:
        """Prepare.

        Args:
            seconds: How long the sandbox goes on while nobody keeps it, from its start on.
            addresses: Where its peers are.
            turn: How long, in seconds, a keeper waits for the end of the last one.
        """
        self._wait_for_turn = turn
        self._seconds = seconds
        self._addresses = addresses
        self._end: Callable[[], None] = lambda: None
        self._token = secrets.token_urlsafe(32)
        self._port = 0
        self._texts = deque[str](maxlen=_MOST_TEXTS)
        self._more = asyncio.Event()
        self._turn = asyncio.Lock()
        self._leaving: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def running(self, end: Callable[[], None]) -> AsyncGenerator[None]:
        """Take keepers in for the length of the block; nobody keeps the sandbox at first.

        Args:
            end: Ends the sandbox.
        """
        self._end = end
        async with Background() as background:
            server = await asyncio.start_server(
                # Not awaited by the server, which would log a cancelled one as broken.
                lambda reader, writer: background.start(self._meet(reader, writer)),
                HOST,
                0,
            )
            self._port = server.sockets[0].getsockname()[1]
            self._alone()
            try:
                yield
            finally:
                self._kept()
                # Its end is not waited for: since Python 3.12 that would be the keeper's, too.
                server.close()

    def told(self) -> dict[str, object]:
        """Return what a keeper must know: the addresses, and what proves that both are right."""
        return {**self._addresses, "keeper": self._port, "pid": os.getpid(), "token": self._token}

    def write(self, text: str, /) -> int:
        """Show a text to the keeper, or to the next one."""
        self._texts.append(text)
        self._more.set()
        return len(text)

    def flush(self) -> None:
        """Do nothing: what is written is on its way."""

    def isatty(self) -> bool:
        """Say that nobody looks at it as it comes: the keeper shows it elsewhere."""
        return False

    async def _meet(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve whoever connects, if it is a keeper and nobody keeps us yet."""
        try:
            async with asyncio.timeout(self._wait_for_turn):
                if not secrets.compare_digest(await reader.readline(), f"{self._token}\n".encode()):
                    return
                await self._turn.acquire()
            try:
                await self._serve(reader, writer)
            finally:
                self._turn.release()
        except (OSError, ValueError):  # gone, or no line: one timed out is an OSError as well
            pass
        finally:
            writer.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._kept()
        try:
            writer.write(json.dumps(self.told()).encode() + b"\n")
            async with asyncio.TaskGroup() as group:
                telling = group.create_task(self._tell(writer))
                with contextlib.suppress(OSError, ValueError):
                    if await reader.readline() == END:
                        self._end()
                        # The connection's end is ours.
                        await asyncio.Event().wait()
                telling.cancel()
        finally:
            self._alone()

    async def _tell(self, writer: StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                while self._texts:
                    writer.write(self._texts.popleft().encode())
                    await writer.drain()
                self._more.clear()
                await self._more.wait()

    def _kept(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()

    def _alone(self) -> None:
        self._kept()
        self._leaving = asyncio.get_running_loop().call_later(self._seconds, self._end)
