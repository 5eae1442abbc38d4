"""sandbox.__main__: the process starts with one line and ends when it should."""

import asyncio
import json
import signal
import socket
import subprocess
import sys

import httpx
import pytest
import uvicorn

from sandbox.__main__ import Server, listening, main
from sandbox.app import create_app
from sandbox.settings import Settings
from tests.peers import a_sandbox
from tests.sandbox.comfydeploy.client import submitted
from tests.sandbox.receiver import Receiver, a_receiver

pytestmark = pytest.mark.anyio


async def test_tells_where_it_listens() -> None:
    """The first line names the addresses, all on one port."""
    async with a_sandbox() as peers:
        assert peers.comfydeploy == f"{peers.url}/comfydeploy/api"
        assert peers.telegram == f"{peers.url}/telegram"
        assert peers.replicate == f"{peers.url}/replicate/v1"
        assert peers.url == f"http://{peers.outputs_host}"


async def test_takes_the_secret_of_webhooks() -> None:
    """It is told as it was given; what is none is refused."""
    secret = "whsec_cGVlci10ZXN0LWtleS1ub3QtYS1yZWFsLW9uZQ=="
    async with a_sandbox("--replicate-secret", secret) as peers:
        assert peers.replicate_secret == secret
        assert (await peers.look("replicate/secrets"))["now"] == secret
    with pytest.raises(SystemExit):
        main(["--replicate-secret", secret.removeprefix("whsec_")])


async def test_shows_the_chats() -> None:
    """Unless quiet, what bots do is on stdout."""
    async with a_sandbox(quiet=False) as peers:
        await peers.client.post(
            f"{peers.telegram}/bot42:secret/sendMessage", json={"chat_id": 7, "text": "hello"}
        )
        assert peers.process.stdout is not None
        line = (await peers.process.stdout.readline()).decode()

    assert line == 'chat 7 │ text   #1    "hello"\n'


async def test_ends_with_its_parent(receiver: Receiver) -> None:
    """The end of stdin ends it, whatever hangs, with exit code 0; Ctrl-C does not."""
    async with a_sandbox(seconds=0) as peers:
        receiver.open.clear()
        await submitted(peers, receiver)
        await receiver.until(bool)
        peers.process.send_signal(signal.SIGINT)
        await peers.look("comfydeploy/runs")

    assert peers.process.returncode == 0


async def test_outlives_its_keeper() -> None:
    """What was shown meanwhile is read by the next one, whose word ends it; Ctrl-C does not."""
    process, told = await _kept("60")
    async with httpx.AsyncClient(trust_env=False) as client:
        reader, writer = await _keeping(told)
        assert json.loads(await reader.readline()) == told
        writer.close()
        process.send_signal(signal.SIGINT)
        body = {"chat_id": 7, "text": "hello"}
        await client.post(f"{told['telegram']}/bot42:secret/sendMessage", json=body)
    reader, writer = await _keeping(told)
    assert json.loads(await reader.readline()) == told
    assert (await reader.readline()).decode() == 'chat 7 │ text   #1    "hello"\n'
    writer.write(b"end\n")

    assert await reader.read() == b""
    assert await process.wait() == 0
    writer.close()


async def test_ends_when_nobody_comes_to_keep_it() -> None:
    """After the time given, with exit code 0."""
    process, _ = await _kept("0")

    assert await process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ends_by_signal(number: signal.Signals) -> None:
    """A stop by signal is an ordinary end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["url"]
    process.send_signal(number)
    await process.stdout.read()

    assert await process.wait() == 0


async def test_explains_itself() -> None:
    """The help names the wishes and the control calls."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--help"), stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()

    assert b"sandbox_late_progress" in out
    assert b"/control/telegram/faults" in out
    assert b"/control/replicate/predictions" in out


async def test_serves_inside_another_process() -> None:
    """The app alone shows outputs under the address it was asked at."""
    listening = asyncio.Event()
    config = uvicorn.Config(
        create_app(Settings(seconds=0)), port=0, log_config=None, timeout_graceful_shutdown=0
    )
    server = Server(config, listening.set)
    async with asyncio.TaskGroup() as group, httpx.AsyncClient(trust_env=False) as client:
        group.create_task(server.serve())
        await listening.wait()
        host, port = server.servers[0].sockets[0].getsockname()
        answer = await client.post(
            f"http://{host}:{port}/comfydeploy/api/file/upload",
            files={"file": ("sea.png", b"x")},
            headers={"Authorization": "Bearer a-key"},
        )
        server.should_exit = True

    assert answer.json()["file_url"].startswith(f"http://{host}:{port}/inputs/")


async def test_ends_what_still_goes_on_with_the_app() -> None:
    """A run in the middle of its life does not keep the app from ending."""
    async with a_receiver() as receiver, a_sandbox(seconds=1000) as peers:
        await submitted(peers, receiver)

    assert peers.process.returncode == 0


async def _kept(seconds: str) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    """Start a sandbox that must be kept; return it and what it tells."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--kept", seconds),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())


async def _keeping(
    told: dict[str, str],
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", told["keeper"])
    writer.write(f"{told['token']}\n".encode())
    return reader, writer


async def test_answers_are_sent_at_once() -> None:
    """Nothing waits until what was sent before is acknowledged (Nagle's algorithm)."""
    with listening("127.0.0.1", 0) as listener:
        client = socket.create_connection(listener.getsockname())
        with client, listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
