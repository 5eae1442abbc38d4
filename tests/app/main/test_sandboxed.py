"""The sandbox as a process: what it shows, that its end is told, and who takes over one left."""

import asyncio
import json
import os
import signal
import stat
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.main.sandboxed import LONGEST_LINE, SandboxPeers

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
TOLD: Json = {
    "url": "http://127.0.0.1:1",
    "comfydeploy": "http://127.0.0.1:1/comfydeploy/api",
    "comfyui": ["http://127.0.0.1:1/comfyui/1"],
    "telegram": "http://127.0.0.1:1/telegram",
    "outputs_host": "127.0.0.1:1",
    "keeper": 1,
    "pid": 1,
    "token": "a-token",
}


@asynccontextmanager
async def left_in(folder: Path) -> AsyncGenerator[tuple[Process, Json]]:
    """Run a sandbox as a service leaves it that dies all of a sudden, its note included."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--kept", "60"), stdin=DEVNULL, stdout=PIPE
    )
    assert process.stdout is not None
    told: Json = json.loads(await process.stdout.readline())
    _note(folder).write_text(json.dumps(told))
    try:
        yield process, told
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def one_that_says(folder: Path, *answers: bytes) -> AsyncGenerator[None]:
    """Listen in a sandbox's place, as the folder's note says, and say something else perhaps."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readline()
        for each in answers:
            writer.write(each or json.dumps(told).encode() + b"\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        told = {**TOLD, "keeper": server.sockets[0].getsockname()[1]}
        _note(folder).write_text(json.dumps(told))
        yield


async def test_a_sandbox_is_started_and_ended(tmp_path: Path) -> None:
    """Where it is stands in a note for our eyes only, for as long as it is there."""
    sandbox = await SandboxPeers.start(tmp_path)
    told = await sandbox.listening()
    assert json.loads(_note(tmp_path).read_bytes()) == told.model_dump()
    assert stat.S_IMODE(_note(tmp_path).stat().st_mode) == 0o600
    await sandbox.stop()

    assert not _note(tmp_path).exists()
    assert not _runs(told.pid)


async def test_one_that_was_left_is_taken_over(tmp_path: Path) -> None:
    """Its addresses are the same, its chats are shown again, and our end is its own."""
    async with left_in(tmp_path) as (process, told):
        sandbox = await SandboxPeers.start(tmp_path)
        assert (await sandbox.listening()).model_dump() == told
        shown = asyncio.Queue[str]()
        async with asyncio.TaskGroup() as group:
            relaying = group.create_task(sandbox.relay(shown.put_nowait))
            await _say_hello(told["telegram"])
            assert await shown.get() == 'chat 7 │ text   #1    "hello"\n'
            relaying.cancel()
        await sandbox.stop()

        assert await process.wait() == 0
        assert not _note(tmp_path).exists()


@pytest.mark.parametrize(
    "note", ["", "no JSON", "{}", json.dumps(TOLD), json.dumps({**TOLD, "keeper": 70_000})]
)
async def test_a_stale_note_is_written_anew(tmp_path: Path, note: str) -> None:
    """Nobody is there, or nobody knows where: a sandbox of our own is started."""
    _note(tmp_path).write_text(note)
    assert await _starts_its_own(tmp_path)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"{}\n", b"x" * 3 * LONGEST_LINE]
)
async def test_somebody_else_at_the_address_is_left_alone(tmp_path: Path, answer: bytes) -> None:
    """What does not answer with the note's own words is no sandbox of ours."""
    async with one_that_says(tmp_path, answer):
        assert await _starts_its_own(tmp_path)


async def test_a_sandbox_of_another_start_is_left_alone(tmp_path: Path) -> None:
    """It has another token; it is neither used nor ended."""
    async with left_in(tmp_path) as (process, told):
        _note(tmp_path).write_text(json.dumps({**told, "token": "of-an-older-start"}))
        assert await _starts_its_own(tmp_path)
        await _say_hello(told["telegram"])
        assert process.returncode is None


async def test_a_line_too_long_is_left_out(tmp_path: Path) -> None:
    """The lines around it are shown, and nothing else stops."""
    async with one_that_says(tmp_path, b"", b"a\n", b"b" * 3 * LONGEST_LINE, b"\nc\n"):
        sandbox = await SandboxPeers.start(tmp_path)
        shown = list[str]()
        await sandbox.relay(shown.append)
        await sandbox.stop()

    assert (shown[0], shown[-1]) == ("a\n", "c\n")
    assert "too long" in "".join(shown)
    assert sum(map(len, shown)) < 3 * LONGEST_LINE


async def test_a_sandbox_that_dies_is_told(tmp_path: Path) -> None:
    """With its exit code; whoever waits for its lines goes on."""
    sandbox = await SandboxPeers.start(tmp_path)
    os.kill((await sandbox.listening()).pid, signal.SIGKILL)
    with capture_logs() as logged:
        await sandbox.relay(print)
    await sandbox.stop()

    assert [(each["log_level"], each["code"]) for each in logged] == [("error", -9)]


async def test_a_sandbox_that_is_stopped_is_not(tmp_path: Path) -> None:
    """It ended as it should."""
    sandbox = await SandboxPeers.start(tmp_path)
    await sandbox.listening()
    with capture_logs() as logged:
        async with asyncio.TaskGroup() as group:
            group.create_task(sandbox.relay(print))
            await sandbox.stop()

    assert logged == []


async def _starts_its_own(folder: Path) -> bool:
    """Start a sandbox and stop it; say whether it was a new one."""
    before = _note(folder).read_text()
    sandbox = await SandboxPeers.start(folder)
    told = await sandbox.listening()
    await _say_hello(told.telegram)
    await sandbox.stop()
    return told.token not in before


async def _say_hello(telegram: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        body = {"chat_id": 7, "text": "hello"}
        answer = await client.post(f"{telegram}/bot42:secret/sendMessage", json=body)
        assert answer.json()["ok"]


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _note(folder: Path) -> Path:
    return folder / "sandbox.json"


async def test_a_sandbox_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """The service's own end waits for nobody for ever."""
    peers = await SandboxPeers.start(tmp_path, "--quiet")
    told = await peers.listening()
    os.kill(told.pid, signal.SIGSTOP)
    await peers.stop(within=0.05)

    with pytest.raises(ProcessLookupError):
        os.kill(told.pid, 0)
