"""Fixtures for every test."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests import loglines
from tests.mongo import SharedMongod
from tests.nursery import NURSERY
from tests.redis import SharedRedis, a_redis

pytest_plugins = ["tests.shout"]

# No test asserts a time, and machines are shared: neither does hypothesis.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

loglines.plain()


LONG: Final = ("tests/world/", "tests/faults/", "tests/conversation/", "tests/test_shout.py")
"""Tests whose files take longest, longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it in the end."""
    items.sort(key=lambda item: [not item.nodeid.startswith(each) for each in LONG])


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The drivers we use run on asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _nursery() -> Iterator[None]:
    """Who bears services ends with the session."""
    yield
    NURSERY.end()


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
