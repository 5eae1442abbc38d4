"""A fresh database of the real mongod for each test that wants one."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count

from app.store.connection import Connection

_NUMBERS = count()


@asynccontextmanager
async def a_database(uri: str) -> AsyncGenerator[Connection]:
    """Connect to a database of its own, empty, and drop it in the end."""
    name = f"test_{next(_NUMBERS)}"
    connection = Connection(uri, name)
    try:
        yield connection
    finally:
        await connection.collection("meta").database.client.drop_database(name)
        connection.close()
