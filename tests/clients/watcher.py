"""The JavaScript client in a Node.js of its own, told what to watch, and what it hears."""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.peers import Json

NODE: Final = shutil.which("node")
PATIENCE: Final = 30.0
"""Longest that anything is waited for, in seconds."""
_SCRIPT: Final = Path(__file__).with_name("watching.mjs")
_LINE_MOST: Final = 2**20


@dataclass
class Watcher:
    """One client.

    Attributes:
        heard: Everything that it has said so far.
    """

    process: asyncio.subprocess.Process
    heard: list[Json] = field(default_factory=list[Json])

    def tell(self, act: str, **given: object) -> None:
        """Have it do something, such as ``tell("watch", id=...)``."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"act": act, **given}).encode() + b"\n")

    async def until(self, kind: str, fits: Callable[[Json], object] = lambda _: True) -> Json:
        """Return the next that it says of a kind, and that fits."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                while line := await self.process.stdout.readline():
                    said: dict[str, Any] = json.loads(line)
                    self.heard.append(said)
                    if said["kind"] == kind and fits(said):
                        return said
        except TimeoutError:
            pass
        raise AssertionError(f"no {kind}: {self.heard[-5:]}")

    def versions(self, run: str) -> list[int]:
        """Return the versions of a run that it was told of, in their order."""
        return [
            said["version"]
            for said in self.heard
            if said["kind"] == "change" and said.get("id") == run
        ]


@asynccontextmanager
async def a_watcher(**way: object) -> AsyncGenerator[Watcher]:
    """Start a client that goes one of the two ways in; it ends by itself once all is done."""
    assert NODE is not None
    # Node.js has a WebSocket since 22, and this one before.
    arguments = (NODE, "--experimental-websocket", str(_SCRIPT), json.dumps(way))
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_MOST,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Watcher(process)
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            await process.stdout.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
