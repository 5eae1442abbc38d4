"""Fixtures for every test."""

from collections.abc import Iterator

import pytest

from tests.mongo import SharedMongod
from tests.redis import SharedRedis, a_redis

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


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[SharedRedis]:
    """One real redis-server for the whole session, which nobody kills."""
    with a_redis() as redis:
        yield redis
