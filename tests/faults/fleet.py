"""A service that only answers, and workers beside it, each a process of its own."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.conftest import HASTY
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.redis import SharedRedis
from tests.service import Program, Service, a_service, until

SELDOM: Final[Json] = {"sweep_every": 3600}
"""With these limits nothing is found by looking for it."""


class Fleet(NamedTuple):
    """One that answers and some that work, on one DATA_DIR."""

    service: Service
    workers: Sequence[Program]

    async def start(self) -> None:
        """Start all of them, the one that answers first."""
        await self.service.start()
        async with asyncio.TaskGroup() as group:
            for each in self.workers:
                group.create_task(each.start())

    async def end(self) -> None:
        """Kill those that run."""
        for each in (self.service, *self.workers):
            if each.runs:
                await each.kill()

    async def hear(self, redis: SharedRedis) -> None:
        """Wait until all workers would hear a wake-up."""
        channel = f"runrelay:{self.service.environ['MONGODB_DATABASE']}:wake"

        async def listening() -> str:
            return redis.say("PUBSUB", "NUMSUB", channel, lines=4)

        await until(listening, lambda said: said.endswith(f":{len(self.workers)}"))


@asynccontextmanager
async def a_fleet(
    data_dir: Path,
    peers: Peers,
    mongod: SharedMongod,
    database: str,
    *,
    redis_url: str = "",
    wires: Sequence[str] = ("", ""),
    **limits: float,
) -> AsyncGenerator[Fleet]:
    """Make a service and workers that are not started yet; in the end none is left running.

    Args:
        data_dir: Their folder, which need not exist.
        peers: The sandbox that they talk to.
        mongod: Their database.
        database: Its name.
        redis_url: What they wake each other by.
        wires: An address of the database for each worker; empty: the usual one.
        limits: Limits in seconds that differ from the quick ones.
    """
    async with a_service(data_dir, peers, mongod.uri, database) as service:
        service.timing |= HASTY | limits
        service.environ |= {"REDIS_URL": redis_url}
        workers = [
            Program(
                data_dir=data_dir,
                # It works, whatever is said to the one that answers.
                environ=service.environ | {"MONGODB_URI": wire or mongod.uri},
                timing=dict(service.timing),
                command="worker",
                name=f"worker-{number}",
            )
            for number, wire in enumerate(wires, 1)
        ]
        service.environ |= {"RUN_BACKGROUND": "off"}
        fleet = Fleet(service, workers)
        try:
            yield fleet
        finally:
            await fleet.end()
            # Shown where the test has failed.
            sys.stdout.write("".join(each.printed[-4000:] for each in (service, *workers)))
    leaked = list(service.leaked(*workers))
    assert not leaked, f"printed: {leaked}"
