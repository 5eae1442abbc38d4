"""Fixtures for every test."""

from collections.abc import Iterator

import pytest

from tests.mongo import SharedMongod

pytest_plugins = ["tests.shout"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The drivers we use run on asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """One real mongod, a replica set of one, for the whole session."""
    mongod = SharedMongod()
    yield mongod.start()
    mongod.stop()
