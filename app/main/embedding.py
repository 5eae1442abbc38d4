"""The embedded mongod, started and watched for as long as somebody uses it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog

from app.settings import Settings
from app.store.embedded.binary import check_mongod, find_mongod
from app.store.embedded.errors import MongodStartError
from app.store.embedded.mongod import Death, EmbeddedMongod


def prepared(settings: Settings, environ: Mapping[str, str]) -> EmbeddedMongod:
    """Return the mongod under DATA_DIR, not started yet.

    Raises:
        MongodNotFoundError: There is none on this machine.
    """
    given = {"MONGOD_BINARY": str(settings.mongod_binary)} if settings.mongod_binary else {}
    return EmbeddedMongod(settings.data_dir, binary=find_mongod({**environ, **given}))


async def start(mongod: EmbeddedMongod) -> None:
    """Start a mongod, the lock of whose DATA_DIR must be held.

    Raises:
        EmbeddedMongoError: It does not start, or does not run here at all.
    """
    try:
        await mongod.start()
    except (MongodStartError, OSError):
        # Whether it runs here at all is looked into only now: it would delay every start.
        await asyncio.to_thread(check_mongod, mongod.binary)
        raise


@asynccontextmanager
async def watched(
    mongod: EmbeddedMongod, report: Callable[[Death], None] | None = None
) -> AsyncGenerator[str]:
    """Yield the address of a started mongod; it is started again when it dies, ended at the end.

    Args:
        mongod: Started already.
        report: Told of each death, after the log; must not raise.
    """
    log: Any = structlog.get_logger()

    def died(death: Death) -> None:
        log.error("the embedded mongod died", why=death.why, deaths=death.deaths)
        if report is not None:
            report(death)

    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(mongod.watch(died))
            try:
                yield mongod.uri
            finally:
                watching.cancel()
    finally:
        await mongod.stop()
