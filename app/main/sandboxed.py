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
    """A sandbox of our own."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, *arguments: str) -> "SandboxPeers":
        """Start a sandbox that ends when we do; it comes up by itself meanwhile."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sandbox",
            "--with-parent",
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C reaches us alone: they answer until we are done
        )
        return cls(process)

    async def listening(self) -> Addresses:
        """Wait until its peers listen, once, and return where.

        Raises:
            SetupError: They did not come up.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await _lines(self._process).readline()
            return Addresses.model_validate_json(line)
        except (TimeoutError, ValueError) as error:
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
