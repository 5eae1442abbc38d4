"""The sandbox as a process of its own, for tests that talk to the peers over real sockets."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

_ROOT = Path(__file__).parents[1]
_PATIENCE = 20.0
BRIEF: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2)
"""Servers close a connection that has been quiet for 5 s, as httpx does: then whoever asks on it in
that moment gets no answer. We let go of it sooner."""

Json = dict[str, Any]
"""Answers of a peer, looked into by tests and nowhere else."""


@dataclass(frozen=True)
class Peers:
    """A sandbox that listens.

    Attributes:
        url: Address of everything.
        comfydeploy: Base URL of the ComfyDeploy API.
        comfyui: Base URLs of the ComfyUI servers.
        replicate: Base URL of the Replicate API.
        replicate_token: A token that it takes.
        replicate_secret: What its webhooks are signed by.
        telegram: Base URL of the Bot API, for `TelegramAPIServer.from_base`.
        outputs_host: Host and port that outputs are kept at.
        process: The process, its stdout behind the first line.
        client: For calls of the test's own.
    """

    url: str
    comfydeploy: str
    comfyui: list[str]
    replicate: str
    replicate_token: str
    replicate_secret: str
    telegram: str
    outputs_host: str
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient

    async def control(self, path: str, **body: object) -> Any:  # noqa: ANN401 - any JSON
        """Make a control call, such as `control("telegram/faults", kind="429")`.

        Raises:
            httpx.HTTPStatusError: The sandbox does not know what was asked of it.
        """
        answer = await self.client.post(f"{self.url}/control/{path}", json=body)
        return answer.raise_for_status().json()

    async def look(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what a control call tells, such as `look("telegram/requests")`."""
        answer = await self.client.get(f"{self.url}/control/{path}")
        return answer.raise_for_status().json()

    async def chat(self, chat_id: int) -> list[Json]:
        """Return the messages of a chat as they stand, oldest first."""
        return await self.look(f"telegram/chats/{chat_id}")

    async def run(self, run_id: str) -> Json:
        """Return a run with every try to deliver its webhooks."""
        return next(run for run in await self.look("comfydeploy/runs") if run["run_id"] == run_id)

    async def prediction(self, prediction_id: str) -> Json:
        """Return a prediction with every try to deliver its webhooks."""
        told = await self.look("replicate/predictions")
        return next(one for one in told if one["id"] == prediction_id)


@asynccontextmanager
async def a_sandbox(
    *options: str, quiet: bool = True, seconds: float = 0.2
) -> AsyncGenerator[Peers]:
    """Start a sandbox and end it on leaving.

    Args:
        options: Further options of its command line.
        quiet: Whether the chats are kept off its stdout; if not, the test must read that.
        seconds: Length of runs that name none.
    """
    arguments = ["--with-parent", "--seconds", str(seconds), *options]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", *arguments, *(["--quiet"] if quiet else [])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            assert process.stdout is not None
            line: dict[str, Any] = json.loads(await process.stdout.readline())
        async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE, limits=BRIEF) as client:
            yield Peers(**line, process=process, client=client)
    finally:
        await _end(process)


async def end_left(data_dir: Path) -> None:
    """End the sandbox that a killed service has left to its next life, if there is one."""
    note = data_dir / "sandbox.json"
    if not note.exists():
        return
    left = json.loads(note.read_bytes())
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", left["keeper"])
        try:
            writer.write(f"{left['token']}\nend\n".encode())
            async with asyncio.timeout(_PATIENCE):
                await reader.read()
        finally:
            writer.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a sandbox the gentle way, by the end of its stdin; by force if that does not do."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.stdout.read()
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
