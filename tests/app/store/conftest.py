"""A database of the real mongod for each test."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.store.connection import Connection, Keep
from tests.databases import a_database


@pytest.fixture
async def connection(mongo_uri: str) -> AsyncIterator[Connection]:
    """A connection to an empty database without indexes."""
    async with a_database(mongo_uri) as connection:
        yield connection


@pytest.fixture
async def prepared(connection: Connection) -> Connection:
    """The same, stamped and indexed."""
    await connection.prepare("sandbox", Keep(timedelta(days=14)))
    return connection
