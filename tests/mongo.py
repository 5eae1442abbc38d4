"""The real mongod that tests share: started once in a folder of its own, and killable."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from app.store.embedded.binary import find_mongod
from app.store.embedded.mongod import EmbeddedMongod


class SharedMongod:
    """One mongod in a temporary folder, for a whole session of tests.

    Each test takes a database of its own name. `start` and `stop` are for ordinary code, outside
    an event loop, in the main thread; a test that kills the mongod calls `kill` and then awaits
    `start_again`, which keeps the port.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="runrelay-mongo-"))
        self._mongod = EmbeddedMongod(self._folder, binary=find_mongod(os.environ))

    @property
    def uri(self) -> str:
        """The address for a driver."""
        return self._mongod.uri

    def start(self) -> str:
        """Start it and return its URI."""
        return asyncio.run(self._mongod.start())

    def stop(self) -> None:
        """End it, unclean since nobody needs its data, and remove the folder."""
        asyncio.run(self.remove())

    async def remove(self) -> None:
        """Do what `stop` does, inside an event loop."""
        self.kill()
        await self._mongod.stop()
        shutil.rmtree(self._folder)

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, and gone on return."""
        pid = self._mongod.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            # Waited for but left to be reaped by whoever started it.
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    async def start_again(self) -> str:
        """Start it on the same port and data, and return its URI."""
        return await self._mongod.start()


@asynccontextmanager
async def a_mongod() -> AsyncGenerator[str]:
    """Run a mongod of one's own for the length of the block; yields its URI."""
    shared = SharedMongod()
    try:
        yield await shared.start_again()
    finally:
        await shared.remove()
