"""The sandbox peers as a process: they end with us, but outlive our sudden end for a while.

Their chats show in our terminal. After a crash of ours the next start takes over those that are
left, so that a run that went on meanwhile is found again, and pictures are where they were:

    DATA_DIR/sandbox.json  where they are, and a token that tells them from anybody else there
"""

import asyncio
import contextlib
import os
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import structlog
from pydantic import BaseModel, Field, ValidationError

from app.errors import SetupError

TOKEN: Final = "4711:sandbox-bot-token-nobody-needs-to-hide"  # noqa: S105 - of a stand-in on loopback
KEY: Final = "sandbox"
START_SECONDS: Final = 30
ANSWER_SECONDS: Final = 5
"""How long a sandbox may take to say that it is ours; more than it gives our last life to end."""
STOP_SECONDS: Final = 10
OUTLIVES_SECONDS: Final = 300
"""How long a sandbox waits for our next life."""
_NOTE: Final = "sandbox.json"
LONGEST_LINE: Final = 2**20
"""Bytes of one line; what is longer is not shown."""


class Addresses(BaseModel):
    """The first line that the sandbox prints, and that it answers its keeper with.

    Attributes:
        url: Address of everything.
        comfydeploy: Base URL of the ComfyDeploy API.
        comfyui: Base URLs of the ComfyUI servers.
        telegram: Base URL of the Bot API.
        outputs_host: Host and port that outputs are kept at.
        replicate: Base URL of the Replicate API; empty where an older sandbox has none.
        replicate_token: A token that it takes.
        replicate_secret: What its webhooks are signed by.
        keeper: The port on 127.0.0.1 for whoever keeps it.
        pid: The process, for people who look; it is never signalled by this number.
        token: What the sandbox and its keeper know each other by.
    """

    url: str
    comfydeploy: str
    comfyui: list[str]
    telegram: str
    outputs_host: str
    replicate: str = ""
    replicate_token: str = ""
    replicate_secret: str = ""
    keeper: int = Field(ge=1, le=65_535)
    pid: int
    token: str


class SandboxPeers:
    """A sandbox of our own: a child, or one that our last life left."""

    def __init__(self, note: Path) -> None:
        self._note = note
        self._process: Process | None = None
        self._addresses: Addresses | None = None
        self._connection: tuple[StreamReader, StreamWriter] | None = None
        self._stopping = False

    @classmethod
    async def start(cls, data_dir: Path, *arguments: str) -> Self:
        """Take over the sandbox noted in `data_dir`, or start one; it comes up by itself meanwhile.

        The folder's lock must be held.

        Args:
            data_dir: DATA_DIR.
            arguments: Further options of a new one's command line.
        """
        peers = cls(data_dir / _NOTE)
        if not await peers._take_over():
            peers._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sandbox", "--kept", str(OUTLIVES_SECONDS), *arguments),
                stdin=DEVNULL,
                stdout=PIPE,
                start_new_session=True,  # Ctrl-C reaches us alone: they answer until we are done
            )
        return peers

    async def listening(self) -> Addresses:
        """Wait until its peers listen, once, and return where.

        Raises:
            SetupError: They did not come up.
        """
        if self._addresses is not None:
            return self._addresses
        with contextlib.suppress(TimeoutError, ValueError):
            async with asyncio.timeout(START_SECONDS):
                addresses = Addresses.model_validate_json(await _first_line(self._process))
            if await self._keep(addresses):
                _write(self._note, addresses)
                return addresses
        raise SetupError(["MODE: the sandbox peers did not start; see above"])

    async def relay(self, write: Callable[[str], object]) -> None:
        """Hand on what the sandbox shows, line by line, until it ends; say if it does by itself."""
        reader, _ = self._connected()
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                write("(a line of the sandbox is too long to be shown)\n")
                continue
            except OSError:
                break
            if not line:
                break
            write(line.decode(errors="replace"))
        if not self._stopping:
            code = None if self._process is None else await self._process.wait()
            log: Any = structlog.get_logger()
            log.error(
                "the sandbox ended: nobody stands in for ComfyDeploy and Telegram any more; "
                "stop the service and start it again",
                code=code,
            )

    async def stop(self, within: float = STOP_SECONDS) -> None:
        """End it, and wait for that; a child of ours that does not end in time is killed."""
        self._stopping = True
        if self._process is None:
            await self._end_what_was_left()
        elif self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(within):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._connection is not None:
            self._connection[1].close()
        self._note.unlink(missing_ok=True)

    async def _take_over(self) -> bool:
        """Keep the sandbox that our last life left, if it is there; say whether it is."""
        left = _read(self._note)
        if left is None or not await self._keep(left):
            return False
        log: Any = structlog.get_logger()
        log.info("the stand-ins outlived the last service, and go on with this one", pid=left.pid)
        return True

    async def _keep(self, addresses: Addresses) -> bool:
        """Connect to a sandbox, and say whether it is this one and takes us for its keeper."""
        with contextlib.suppress(OSError, ValueError):
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", addresses.keeper, limit=LONGEST_LINE
                )
                try:
                    writer.write(f"{addresses.token}\n".encode())
                    answer = Addresses.model_validate_json(await reader.readline())
                    if answer == addresses:
                        self._addresses, self._connection = addresses, (reader, writer)
                finally:
                    if self._connection is None:
                        writer.close()
        return self._connection is not None

    async def _end_what_was_left(self) -> None:
        """End a sandbox that is no child of ours by a word: its pid may be another's by now."""
        reader, writer = self._connected()
        with contextlib.suppress(OSError):
            async with asyncio.timeout(STOP_SECONDS):
                writer.write(b"end\n")
                while await reader.read(LONGEST_LINE):
                    pass

    def _connected(self) -> tuple[StreamReader, StreamWriter]:
        if self._connection is None:
            raise ValueError("the sandbox does not listen yet")
        return self._connection


def noted(data_dir: Path) -> Addresses | None:
    """Return where the sandbox of a data folder is; None where no service has one there."""
    return _read(data_dir / _NOTE)


async def _first_line(process: Process | None) -> bytes:
    if process is None or process.stdout is None:
        raise ValueError("the sandbox has no output")
    return await process.stdout.readline()


def _read(note: Path) -> Addresses | None:
    """Return what a start noted; None where none did, or it cannot be read."""
    with contextlib.suppress(OSError, ValidationError):
        return Addresses.model_validate_json(note.read_bytes())
    return None


def _write(note: Path, addresses: Addresses) -> None:
    """Note where the sandbox is, for our eyes only; a death in the middle leaves the old note."""
    fresh = note.with_suffix(".new")
    with open(fresh, "w", encoding="utf-8", opener=_private) as file:
        file.write(f"{addresses.model_dump_json()}\n")
    fresh.replace(note)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
