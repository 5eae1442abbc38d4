"""The database that the settings name, opened for one command."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

from app.bootstrap import Store, open_store
from app.cli.settling import settled
from app.clock import Clock
from app.main import database
from app.observability import logs
from app.settings import Settings
from app.store.answering import unhurried
from app.store.embedded.lock import DataDirLock
from app.store.embedded.mongod import running_uri

PATIENCE: Final = timedelta(seconds=5)
"""How long a command waits for a database that does not answer."""


def quietly_settled() -> Settings:
    """Return the settings; the log goes to stderr, and only what a person must know."""
    settings = settled()
    logs.configure("warning", settings.log_format, sys.stderr)
    return settings


@asynccontextmanager
async def address(settings: Settings, *, alone: bool = False) -> AsyncGenerator[str]:
    """Yield the database's address: the running service's, or of one started for the moment.

    Args:
        settings: What the operator decided.
        alone: Whether the data folder must be nobody else's meanwhile.

    Raises:
        DataDirInUseError: It must, and a service runs on it.
        EmbeddedMongoError: The embedded database does not start.
    """
    async with AsyncExitStack() as stack:
        embedded = settings.mongodb_uri is None
        running = running_uri(settings.data_dir) if embedded and not alone else None
        if alone or (embedded and running is None):
            stack.enter_context(DataDirLock(settings.data_dir))
        yield running or await stack.enter_async_context(
            database.database_uri(settings, dict(os.environ))
        )


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncGenerator[Store]:
    """Yield the database for a look or a small change; nothing is made in it.

    What is asked of it takes as long as it takes: a person waits, and may end it.

    Raises:
        SetupError: It does not let us in, or needs a newer version of us.
        UnavailableError: It does not answer.
        EmbeddedMongoError: The embedded one does not start.
    """
    async with address(settings) as uri:
        store = open_store(settings, uri)
        try:
            await database.answering(store, clock, PATIENCE)
            await store.connection.check_reader()
            with unhurried():
                yield store
        finally:
            store.connection.close()
