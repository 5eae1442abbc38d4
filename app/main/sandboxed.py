"""The sandbox peers as a child process: they die with us, and their chats show in our terminal."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Final

from pydantic import BaseModel

from app.errors import SetupError

TOKEN: Final = "4711:sandbox-bot-token-nobody-needs-to-hide"  # noqa: S105 - of a stand-in on loopback
KEY: Final = "sandbox"
START_SECONDS: Final = 30


class Addresses(BaseModel):
    """The first line that the sandbox prints."""

    url: str
    comfydeploy: str
    telegram: str
    outputs_host: str


class SandboxPeers:
    """A running sandbox.

    Attributes:
        addresses: Where its peers listen.
    """

    def __init__(self, process: Process, addresses: Addresses) -> None:
        self._process = process
        self.addresses: Final = addresses

    @classmethod
    async def start(cls, *arguments: str) -> "SandboxPeers":
        """Start a sandbox that ends when we do.

        Raises:
            SetupError: It did not come up.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", "--with-parent", *arguments, stdin=PIPE, stdout=PIPE
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await _lines(process).readline()
            return cls(process, Addresses.model_validate_json(line))
        except (TimeoutError, ValueError) as error:
            process.kill()
            await process.wait()
            raise SetupError(["MODE: the sandbox peers did not start; see above"]) from error

    async def relay(self, write: Callable[[str], object]) -> None:
        """Hand on what the sandbox shows, line by line, until it ends."""
        while line := await _lines(self._process).readline():
            write(line.decode(errors="replace"))

    async def stop(self) -> None:
        """End it, and wait for that."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()


def _lines(process: Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise ValueError("the sandbox has no output")
    return process.stdout
