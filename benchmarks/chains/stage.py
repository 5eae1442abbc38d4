"""Where chains are measured: a service in sandbox mode, its stand-ins, and its records."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from app.clock import Clock
from benchmarks import people, world
from benchmarks.chains import ordering
from benchmarks.chains.stand_in import StandIn
from benchmarks.records import Records
from benchmarks.world import SandboxedService

PATIENCE_SECONDS: Final = 60


class Stage(NamedTuple):
    """A service, its stand-ins, its records, and what makes calls."""

    service: SandboxedService
    stand_in: StandIn
    records: Records
    client: httpx.AsyncClient


@asynccontextmanager
async def a_stage(folder: Path, uri: str, name: str, **more: str) -> AsyncGenerator[Stage]:
    """Run a service with presets to order, and have all that is asked about it at hand.

    Args:
        folder: Where its files are.
        uri: The database.
        name: Of the database.
        more: Further settings.
    """
    await people.make(uri, name, ordering.presets(Clock().now()))
    async with (
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client,
        world.a_sandboxed_service(folder, uri, name, **more) as service,
        Records(uri, name) as records,
    ):
        yield Stage(service, StandIn(service.peers.url, client), records, client)
