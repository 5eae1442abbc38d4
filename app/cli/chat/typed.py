"""The lines that are typed, or that come through a pipe."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

QUIT: Final = "@quit"
_BYTES: Final = 65_536


async def typed(descriptor: int = 0) -> AsyncGenerator[str]:
    """Yield what is typed, line by line, until the end or `@quit`."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def put(line: str | None) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, line)

    def read() -> None:
        # The loop may be gone by the time a line comes: nobody waits for it then.
        with suppress(RuntimeError):
            rest = b""
            # os.read, because a thread inside sys.stdin makes the interpreter's own end fail.
            while data := _read(descriptor):
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    put(line.decode(errors="replace"))
            if rest:
                put(rest.decode(errors="replace"))
            put(None)

    # A terminal and a file cannot both be watched by the loop; a daemon thread is left behind.
    threading.Thread(target=read, daemon=True).start()
    while (line := await queue.get()) is not None:
        if line.strip() == QUIT:
            return
        yield line


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _BYTES)
    except OSError:
        return b""
