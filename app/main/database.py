"""The database that the service runs on: the operator's, or one embedded under DATA_DIR."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from app.bootstrap import Store, open_store
from app.clock import Clock
from app.errors import SetupError, StoreDownError
from app.main import embedding
from app.settings import Settings

PATIENCE: Final = timedelta(seconds=30)
"""How long a database that does not answer is waited for at the start."""
PAUSE: Final = 0.5


@asynccontextmanager
async def database_uri(settings: Settings, environ: dict[str, str]) -> AsyncGenerator[str]:
    """Yield the database's address, an embedded mongod running for as long as it is used.

    Raises:
        EmbeddedMongoError: The embedded one does not start.
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri.get_secret_value()
        return
    async with embedding.watched(await embedding.started(settings, environ)) as uri:
        yield uri


@asynccontextmanager
async def opened(settings: Settings, uri: str, clock: Clock) -> AsyncGenerator[Store]:
    """Yield the database, stamped, indexed and with its clock followed.

    Raises:
        SetupError: It does not answer, or is not for us.
    """
    store = open_store(settings, uri)
    try:
        await answering(store, clock)
        await store.connection.prepare(settings.mode.value, store.keep)
        yield store
    finally:
        store.connection.close()


async def answering(store: Store, clock: Clock, patience: timedelta = PATIENCE) -> None:
    """Wait until the database answers, and follow its clock from then on.

    Raises:
        SetupError: It does not within `patience`.
    """
    deadline = clock.now() + patience
    while True:
        try:
            clock.sample(await store.connection.time())
        except StoreDownError as error:
            if clock.now() >= deadline:
                raise SetupError([f"MONGODB_URI: {error}; is it running?"]) from error
            await asyncio.sleep(PAUSE)
        else:
            return
