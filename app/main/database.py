"""The database that the service runs on: the operator's, or one embedded under DATA_DIR."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog

from app.bootstrap import Store, open_store
from app.clock import Clock
from app.errors import SetupError, StoreDownError
from app.settings import Settings
from app.store.embedded.binary import check_mongod, find_mongod
from app.store.embedded.mongod import Death, EmbeddedMongod

PATIENCE: Final = timedelta(seconds=30)
"""How long a database that does not answer is waited for at the start."""
PAUSE: Final = 0.5


@asynccontextmanager
async def database_uri(settings: Settings, environ: dict[str, str]) -> AsyncGenerator[str]:
    """Yield the database's address, an embedded mongod running for as long as it is used."""
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri.get_secret_value()
        return
    given = {"MONGOD_BINARY": str(settings.mongod_binary)} if settings.mongod_binary else {}
    binary = find_mongod({**environ, **given})
    await asyncio.to_thread(check_mongod, binary)
    mongod = EmbeddedMongod(settings.data_dir, binary=binary)
    uri = await mongod.start()
    log: Any = structlog.get_logger()

    def died(death: Death) -> None:
        log.error("the embedded mongod died", why=death.why, deaths=death.deaths)

    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(mongod.watch(died))
            try:
                yield uri
            finally:
                watching.cancel()
    finally:
        await mongod.stop()


@asynccontextmanager
async def opened(settings: Settings, uri: str, clock: Clock) -> AsyncGenerator[Store]:
    """Yield the database, stamped, indexed and with its clock followed.

    Raises:
        SetupError: It does not answer, or is not for us.
    """
    store = open_store(settings, uri)
    try:
        await _answering(store, clock)
        await store.connection.prepare(settings.mode.value, store.keep)
        yield store
    finally:
        store.connection.close()


async def _answering(store: Store, clock: Clock) -> None:
    deadline = clock.now() + PATIENCE
    while True:
        try:
            clock.sample(await store.connection.time())
        except StoreDownError as error:
            if clock.now() >= deadline:
                raise SetupError([f"MONGODB_URI: {error}; is it running?"]) from error
            await asyncio.sleep(PAUSE)
        else:
            return
