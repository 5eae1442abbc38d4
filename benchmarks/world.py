"""Everything that a measurement needs running: a mongod, servers, our service, and its figures."""

import asyncio
import os
import re
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import httpx

from app.main.sandboxed import Addresses, noted
from app.store.connection import Connection
from app.store.embedded.binary import find_mongod
from app.store.embedded.mongod import EmbeddedMongod
from app.usecases import duty
from benchmarks import events

API_KEY: Final = "an-api-key-for-measuring-only"
BOT_TOKEN: Final = "4711:a-bot-token-for-measuring-only-0000"  # noqa: S105 - as above
START_SECONDS: Final = 60
_ROOT: Final = Path(__file__).resolve().parent.parent
_SERVE: Final = "from app.cli import main; main()"


class Served:
    """A server in a process of its own.

    Attributes:
        url: Its base URL.
        pid: Its process.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url: Final = url
        self.pid: Final = pid

    def memory_mb(self) -> float:
        """Return its resident memory in MB of 1,000,000 bytes."""
        return self._status("VmRSS")

    def most_mb(self) -> float:
        """Return the most that its resident memory has been; 0 once it has ended."""
        return self._status("VmHWM")

    def processor_seconds(self) -> float:
        """Return the processor time that it has used, of its own and of the system's."""
        # Behind the name, which may hold anything, utime and stime are fields 14 and 15 (proc(5)).
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> float:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except FileNotFoundError:
            return 0.0
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) * 1024 / 1e6 if found else 0.0


class Figures(dict[str, float]):
    """The service's own figures: each series by its name and labels, without our prefix."""

    @property
    def waiting(self) -> int:
        """Events accepted and not applied."""
        return int(self.get("events_waiting", 0))

    @property
    def ends(self) -> int:
        """Ends that have been written."""
        return int(self.get('debts_tried_total{kind="end",outcome="done"}', 0))


class Service(Served):
    """Our service."""

    async def figures(self, client: httpx.AsyncClient) -> Figures:
        """Return its figures, from ``/metrics``."""
        answer = await client.get(
            f"{self.url}/metrics", headers={"Authorization": f"Bearer {API_KEY}"}
        )
        answer.raise_for_status()
        lines = (line.rsplit(" ", 1) for line in answer.text.splitlines() if line[:1] != "#")
        return Figures({name.removeprefix("runrelay_"): float(value) for name, value in lines})


class SandboxedService(Service):
    """Our service in sandbox mode.

    Attributes:
        home: Its folder.
        environ: Its settings, for the command line beside it.
        peers: Where its stand-ins are.
    """

    def __init__(self, url: str, pid: int, home: Path, environ: dict[str, str]) -> None:
        super().__init__(url, pid)
        peers = noted(home / "data")
        if peers is None:
            raise RuntimeError("the service has no sandbox")
        self.home: Final = home
        self.environ: Final = environ
        self.peers: Final[Addresses] = peers


class Told(NamedTuple):
    """What a command of ours came to.

    Attributes:
        code: Its exit code.
        said: All that it printed.
        seconds: How long it took.
        memory_mb: Its resident memory at the most, in MB of 1,000,000 bytes.
    """

    code: int
    said: str
    seconds: float
    memory_mb: float


@asynccontextmanager
async def a_folder() -> AsyncGenerator[Path]:
    """Make a folder for the length of the block."""
    with TemporaryDirectory(prefix="runrelay-bench-") as folder:
        yield Path(folder)


async def on_duty(uri: str, database: str) -> None:
    """Wait until the service's Telegram library is there, a minute at most."""
    connection = Connection(uri, database)
    leases = connection.collection("leases")
    try:
        async with asyncio.timeout(START_SECONDS):
            while await leases.find_one({"_id": duty.NAME}) is None:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.1)
    finally:
        connection.close()


@asynccontextmanager
async def a_mongod(folder: Path) -> AsyncGenerator[str]:
    """Run a mongod as the service would, a replica set of one; yields its URI."""
    mongod = EmbeddedMongod(folder / "mongod", binary=find_mongod(os.environ))
    async with mongod:
        yield mongod.uri


@asynccontextmanager
async def a_server(name: str, *arguments: str) -> AsyncGenerator[Served]:
    """Run one of `benchmarks.servers`."""
    port = str(free_port())
    command = ("-m", "benchmarks.servers", name, port, *arguments)
    async with _running(command, dict(os.environ), _ROOT, f"http://127.0.0.1:{port}") as pid:
        yield Served(f"http://127.0.0.1:{port}", pid)


@asynccontextmanager
async def a_sandbox() -> AsyncGenerator[Served]:
    """Run stand-ins in a process of its own, which ends at the latest when this one does."""
    port = str(free_port())
    command = ("-m", "sandbox", "--quiet", "--with-parent", "--port", port)
    async with _running(command, dict(os.environ), _ROOT, f"http://127.0.0.1:{port}") as pid:
        yield Served(f"http://127.0.0.1:{port}", pid)


@asynccontextmanager
async def a_service(
    folder: Path,
    uri: str,
    database: str,
    engine_url: str,
    *,
    background: bool = True,
    telegram_url: str = "",
    **more: str,
) -> AsyncGenerator[Service]:
    """Run our service, as `runrelay serve` does in live mode, with stand-ins for its peers.

    Args:
        folder: Where its own is made.
        uri: The database.
        database: Its name, and the folder's.
        engine_url: Of the stand-in for ComfyDeploy.
        background: Whether it does more than answer.
        telegram_url: Of the stand-in for the Bot API; empty: nobody is told.
        more: Further settings.
    """
    home, port = folder / database, free_port()
    home.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT),
        "MODE": "live",
        "PORT": str(port),
        "DATA_DIR": str(home / "data"),
        "MONGODB_URI": uri,
        "MONGODB_DATABASE": database,
        "WEBHOOK_URL": "https://bench.example.com",
        "WEBHOOK_SECRET": events.SECRET,
        "INTERNAL_API_KEY": API_KEY,
        "COMFYDEPLOY_API_URL": engine_url,
        "COMFYDEPLOY_API_KEY": "measured",
        "RUN_BACKGROUND": "on" if background else "off",
        "LOG_FORMAT": "json",
        **more,
    }
    if telegram_url:
        environ |= {
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            # The stand-in is told, and tells nothing.
            "TELEGRAM_UPDATES": "off",
        }
    url = f"http://127.0.0.1:{port}"
    async with _running(("-c", _SERVE, "serve"), environ, home, url) as pid:
        yield Service(url, pid)


def settings(home: Path, uri: str, database: str, **more: str) -> dict[str, str]:
    """Return the environment of a service, or of a command, in sandbox mode."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT),
        "MODE": "sandbox",
        "DATA_DIR": str(home / "data"),
        "MONGODB_URI": uri,
        "MONGODB_DATABASE": database,
        "INTERNAL_API_KEY": API_KEY,
        "LOG_FORMAT": "json",
        **more,
    }


@asynccontextmanager
async def a_sandboxed_service(
    folder: Path, uri: str, database: str, **more: str
) -> AsyncGenerator[SandboxedService]:
    """Run our service as `runrelay serve` does in sandbox mode, with its own stand-ins."""
    home, port = folder / database, free_port()
    home.mkdir()
    environ = settings(home, uri, database, PORT=str(port), **more)
    url = f"http://127.0.0.1:{port}"
    async with _running(("-c", _SERVE, "serve"), environ, home, url) as pid:
        yield SandboxedService(url, pid, home, environ)


async def command(home: Path, environ: dict[str, str], *words: str) -> Told:
    """Run a command of `runrelay` to its end."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SERVE, *words), cwd=home, env=environ, stdout=PIPE, stderr=STDOUT
    )
    served, most = Served("", process.pid), 0.0
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(process.communicate())
        while not reading.done():
            most = max(most, served.most_mb())
            await asyncio.wait({reading}, timeout=0.1)
    said = reading.result()[0].decode()
    return Told(process.returncode or 0, said, round(loop.time() - began, 1), round(most, 1))


@asynccontextmanager
async def _running(
    command: tuple[str, ...], environ: dict[str, str], folder: Path, url: str
) -> AsyncGenerator[int]:
    """Run a Python until the block ends, once it listens; yields its pid."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command), cwd=folder, env=environ, stdin=PIPE, stdout=DEVNULL
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await _listening(url, process)
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listening(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                await client.get(f"{url}/livez")
            except httpx.TransportError:
                if process.returncode is not None:
                    raise RuntimeError(f"a server did not start: {process.returncode}") from None
                await asyncio.sleep(0.05)
            else:
                return


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def listening(port: int) -> socket.socket:
    """Bind a port on the loopback."""
    return socket.create_server(("127.0.0.1", port), backlog=2048)
