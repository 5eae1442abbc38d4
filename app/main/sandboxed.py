"""The sandbox peers as a child process: they die with us, and their chats show in our terminal."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any, Final

import structlog
from pydantic import BaseModel

from app.errors import SetupError

TOKEN: Final = "4711:sandbox-bot-token-nobody-needs-to-hide"  # noqa: S105 - of a stand-in on loopback
KEY: Final = "sandbox"
START_SECONDS: Final = 30
LONGEST_LINE: Final = 2**20
"""Bytes of one line; what is longer is not shown."""


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
        self._stopping = False

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
            limit=LONGEST_LINE,
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
        """Hand on what the sandbox shows, line by line, until it ends; say if it does by itself."""
        while True:
            try:
                line = await _lines(self._process).readline()
            except ValueError:
                write("(a line of the sandbox is too long to be shown)\n")
                continue
            if not line:
                break
            write(line.decode(errors="replace"))
        code = await self._process.wait()
        if not self._stopping:
            log: Any = structlog.get_logger()
            log.error(
                "the sandbox ended: nobody stands in for ComfyDeploy and Telegram any more; "
                "stop the service and start it again",
                code=code,
            )

    async def stop(self) -> None:
        """End it, and wait for that."""
        self._stopping = True
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()


def _lines(process: Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise ValueError("the sandbox has no output")
    return process.stdout
