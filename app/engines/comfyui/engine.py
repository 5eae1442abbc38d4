"""All ComfyUI servers that the operator named, as one engine."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from app.engines.comfyui.server import ComfyServer
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerLostError,
    PeerRefusedError,
)
from app.usecases.seen_servers import SeenServers
from processors.protocols import comfyui
from processors.protocols.addresses import DEFAULT_PORTS
from processors.protocols.comfyui import Accepted, Stats, Workflow
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport

GIGABYTE = 10**9
ELSEWHERE: Final = timedelta(seconds=10)
"""Wait until what we cannot ask is taken up again, so that a process takes it up that can."""


class Look(NamedTuple):
    """How a server was found.

    Attributes:
        server: Its name.
        stats: What it said; None where it did not.
        trouble: What is wrong; None where nothing is.
    """

    server: str
    stats: Stats | None
    trouble: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        if self.stats is None:
            return f"{self.server}: {self.trouble}"
        return f"{self.server}: {described(self.stats)}"


class ComfyUI:
    """See app.ports.Engine. A run is at the server that it was posted to, and nowhere else.

    Args:
        servers: Those that the settings name, by their names.
        seen: The servers that other processes see to; None where there are none.
    """

    name: EngineName = comfyui.NAME

    def __init__(self, servers: Mapping[str, ComfyServer], seen: SeenServers | None = None) -> None:
        self.servers = servers
        self._seen = seen
        self.hosts = tuple(_host(server.base) for server in servers.values())

    async def at(self, server: str | None) -> ComfyServer:
        """Return a server.

        Raises:
            PeerBusyError: Our settings do not name it, and those of another process do.
            PeerLostError: Nobody's settings name it (any more): what it had is lost.
            StoreDownError: The database does not say which of both.
        """
        found = self.servers.get(server or "")
        if found is not None:
            return found
        why = "is not among COMFYUI_SERVERS"
        if self._seen is not None and server in await self._seen.elsewhere():
            raise PeerBusyError(self.peer(server), f"{why} here; another process has it", ELSEWHERE)
        raise PeerLostError(self.peer(server), why)

    def peer(self, server: str | None) -> str:
        """See app.ports.Engine."""
        return self.name if server is None else f"{self.name}:{server}"

    async def post(
        self, server: str, workflow: Workflow, run_id: RunId, client_id: str
    ) -> Accepted:
        """Send a prompt to a server; see `ComfyServer.prompt`."""
        return await (await self.at(server)).prompt(workflow, run_id, client_id)

    async def turn(self) -> None:
        """Return at once: each server has a line of its own."""

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """Refuse: a run is sent to a server, not to the engine."""
        del generation, webhook
        raise PeerRefusedError(self.name, "takes runs for a server of its own only")

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """Refuse: a file is uploaded to a server, not to the engine."""
        del name, content, size, content_type
        raise PeerRefusedError(self.name, "takes files for a server of its own only")

    def fetches(self, size: int) -> bool:
        """See app.ports.Engine."""
        del size
        return False

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        return await (await self.at(run.server)).read(run.run_id)

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine."""
        await (await self.at(run.server)).cancel(run.run_id)

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """Yield nothing: a run has the id that we gave it, and is looked for under that."""
        del generation, since
        for none in ():
            yield none

    async def looks(self) -> tuple[Look, ...]:
        """Look at every server, at once; in their order."""
        async with asyncio.TaskGroup() as group:
            looks = [group.create_task(_look(server)) for server in self.servers.values()]
        return tuple(look.result() for look in looks)

    async def check(self) -> str:
        """See app.ports.Engine."""
        looks = await self.looks()
        said = "; ".join(map(str, looks))
        if all(look.trouble is not None for look in looks):
            raise PeerDownError(self.name, f"no server answers: {said}")
        return said


def described(stats: Stats) -> str:
    """Write how a server stands, for people."""
    said = f"ComfyUI {stats.version}" + (f" on {stats.device}" if stats.device else "")
    if stats.memory_total is None or stats.memory_free is None:
        return said
    free, total = stats.memory_free / GIGABYTE, stats.memory_total / GIGABYTE
    return f"{said}, {free:.1f} of {total:.1f} GB free"


async def _look(server: ComfyServer) -> Look:
    try:
        return Look(server.name, await server.stats(), None)
    except PeerError as error:
        return Look(server.name, None, error.said)


def _host(base: str) -> str:
    """Return host and port, as a list of hosts has them."""
    parts = urlsplit(base)
    bare = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    return f"{bare}:{parts.port or DEFAULT_PORTS[parts.scheme]}"
