"""The ComfyUI servers that are measured with: four of a sandbox, and our service beside them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import yaml

from benchmarks import world
from benchmarks.records import LOOK_SECONDS, Records
from benchmarks.world import Service

COUNT: Final = 4
PATIENCE_SECONDS: Final = 60


class Prompt(NamedTuple):
    """What a server tells of a prompt that it took.

    Attributes:
        id: Its id.
        server: Which server.
        posted_at: When it was taken, in milliseconds since 1970.
        started_at: When it was begun; None where it was not.
        stored_at: When its history entry came to be; None where there is none.
        stored: The same in seconds of the machine's monotonic clock.
    """

    id: str
    server: str
    posted_at: int
    started_at: int | None
    stored_at: float | None
    stored: float | None


class Servers:
    """Some ComfyUI servers of a sandbox.

    Args:
        sandbox_url: The sandbox.
        group: What the servers' names begin with; no two groups share one.
        client: Asks.
    """

    def __init__(self, sandbox_url: str, group: str, client: httpx.AsyncClient) -> None:
        self._sandbox = sandbox_url
        self._client = client
        self.names: Final = [f"{group}-{number}" for number in range(1, COUNT + 1)]

    def urls(self) -> list[str]:
        """Return their addresses."""
        return [f"{self._sandbox}/comfyui/{name}" for name in self.names]

    def settings(self, path: Path, slots: int) -> str:
        """Write the file that names them to a service; return what the setting is."""
        listed = [
            {"name": name, "url": url, "slots": slots}
            for name, url in zip(self.names, self.urls(), strict=True)
        ]
        path.write_text(yaml.safe_dump({"servers": listed}))
        return str(path)

    async def turn(self, **switches: object) -> None:
        """Turn switches at all of them; see docs/sandbox-comfyui.md."""
        for name in self.names:
            await self._told(name, "", switches)

    async def silence(self) -> None:
        """Have every socket break, and refuse new ones."""
        await self.turn(refuse_sockets=True)
        for name in self.names:
            await self._told(name, "/acts", {"act": "drop"})

    async def prompts(self) -> list[Prompt]:
        """Return what they took, each server's in the order in which it came."""
        found = list[Prompt]()
        for name in self.names:
            for each in await self._told(name, "/prompts"):
                fields = {field: each[field] for field in Prompt._fields[2:-1]}
                found.append(
                    Prompt(each["prompt_id"], name, stored=each["stored_monotonic"], **fields)
                )
        return found

    async def _told(self, name: str, what: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        url = f"{self._sandbox}/control/comfyui/{name}{what}"
        answer = await (
            self._client.get(url) if body is None else self._client.post(url, json=body)
        )
        return answer.raise_for_status().json()


class Stage(NamedTuple):
    """Where something is measured: a service, its servers, and its records."""

    service: Service
    servers: Servers
    records: Records


@asynccontextmanager
async def a_stage(
    folder: Path, uri: str, sandbox_url: str, name: str, slots: int
) -> AsyncGenerator[Stage]:
    """Run a service beside servers of its own; it has begun to follow them.

    Args:
        folder: Where its files are.
        uri: The database.
        sandbox_url: Where the servers are.
        name: Of the database, and of the servers.
        slots: Of each server.
    """
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        servers = Servers(sandbox_url, name, client)
        listed = servers.settings(folder / f"{name}.yaml", slots)
        engine = f"{sandbox_url}/comfydeploy/api"
        async with (
            world.a_service(folder, uri, name, engine, COMFYUI_SERVERS=listed) as service,
            Records(uri, name) as records,
        ):
            await followed(records, servers.names)
            yield Stage(service, servers, records)


async def followed(records: Records, names: Sequence[str]) -> None:
    """Wait until the service has seen every server well, its socket open; a minute at most."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await records.well() < set(names):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(LOOK_SECONDS)
