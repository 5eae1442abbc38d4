"""The database that the service runs on: the operator's, or one embedded under DATA_DIR."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from app.bootstrap import Store, open_store
from app.clock import Answer, Clock, closest, monotonic
from app.errors import SetupError, StoreDownError, StoreShutOutError
from app.main import embedding
from app.settings import Settings

PATIENCE: Final = timedelta(seconds=30)
"""How long a database that does not answer is waited for at the start."""
PAUSE: Final = 0.5
QUESTIONS: Final = 5
"""How often the database is asked for its time whenever it is wanted."""
SLOW: Final = 3.0
"""Seconds after which whoever waits is told what for."""


@asynccontextmanager
async def database_uri(settings: Settings, environ: dict[str, str]) -> AsyncGenerator[str]:
    """Yield the database's address, an embedded mongod running for as long as it is used.

    Raises:
        EmbeddedMongoError: The embedded one does not start.
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri.get_secret_value()
        return
    mongod = embedding.prepared(settings, environ)
    await embedding.start(mongod)
    async with embedding.watched(mongod) as uri:
        yield uri


@asynccontextmanager
async def opened(settings: Settings, uri: str, clock: Clock) -> AsyncGenerator[Store]:
    """Yield the database, stamped, indexed and with its clock followed.

    Raises:
        SetupError: It is not for us.
        UnavailableError: It does not answer.
    """
    store = open_store(settings, uri)
    try:
        await answering(store, clock)
        with _told_if_slow("the database's indexes are being made; nothing can start before"):
            await store.connection.prepare(settings.mode.value, store.keep)
        yield store
    finally:
        store.connection.close()


async def time_of(store: Store) -> datetime:
    """Return what time it is for the database.

    Raises:
        StoreShutOutError: It does not let us in.
        StoreDownError: It does not answer.
    """
    answers = list[Answer]()
    for _ in range(QUESTIONS):
        asked = monotonic()
        theirs = await store.connection.time()
        answers.append(Answer(theirs, asked, monotonic()))
    return closest(answers, monotonic())


async def answering(store: Store, clock: Clock, patience: timedelta = PATIENCE) -> None:
    """Wait until the database answers, and follow its clock from then on.

    Raises:
        SetupError: It does not let us in.
        StoreDownError: It does not answer within `patience`.
    """
    deadline = clock.now() + patience
    while True:
        try:
            clock.sample(await time_of(store))
        except StoreShutOutError as error:
            raise SetupError([f"MONGODB_URI: {error}"]) from None
        except StoreDownError as error:
            if clock.now() >= deadline:
                raise StoreDownError(f"MONGODB_URI: {error}; is it running?") from error
            await asyncio.sleep(PAUSE)
        else:
            return


@contextmanager
def _told_if_slow(what: str) -> Generator[None]:
    """Log what goes on in this block where it takes longer than anybody expects."""
    log: Any = structlog.get_logger()
    telling = asyncio.get_running_loop().call_later(SLOW, log.warning, what)
    try:
        yield
    finally:
        telling.cancel()
