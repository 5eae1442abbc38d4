"""One database, one sandbox and one service for all faults; tests that kill leave them running."""

from collections.abc import AsyncGenerator, Iterator
from itertools import count
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

import pytest

from tests.faults.chains import ORDINARY, Tailor, a_tailor
from tests.faults.farm import Farm, a_farm
from tests.faults.proxy import Proxy, a_proxy
from tests.faults.witness import Witness, a_witness
from tests.mongo import SharedMongod
from tests.peers import Peers, a_sandbox
from tests.service import Service, a_service

HASTY: Final = {
    "lease": 6,
    "unknown_submit": 3,
    "ask_waiting": 1,
    "ask_running": 1,
    "ask_most": 2,
    "hook_fresh": 0,
    "hook_limit": 3,
}
"""Limits of the shared service in seconds, shorter still than the quick ones."""
_CHATS = count(100_001)


@pytest.fixture(scope="package")
async def mongod() -> AsyncGenerator[SharedMongod]:
    """A mongod that tests may kill, if they start it again."""
    shared = SharedMongod()
    try:
        await shared.start_again()
        yield shared
    finally:
        await shared.remove()


@pytest.fixture(scope="package")
async def sandbox() -> AsyncGenerator[Peers]:
    """The peers, in one process for all tests."""
    async with a_sandbox(seconds=0.3) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> AsyncGenerator[Peers]:
    """The peers, as they behave when nobody told them otherwise, in the end as well."""
    yield sandbox
    ordinary = {"down": False, "hang": False, "hold_ends": False, "retry_scale": 1.0}
    await sandbox.control("comfydeploy", **ordinary)
    await sandbox.control("telegram", down=False, send_delay=0.0, edit_delay=0.0)
    await sandbox.control("replicate", **ORDINARY)


@pytest.fixture(scope="package")
async def wire(mongod: SharedMongod) -> AsyncGenerator[Proxy]:
    """The wire between the shared service and its database."""
    async with a_proxy(mongod.uri) as proxy:
        yield proxy


@pytest.fixture(scope="package")
async def shared_service(
    sandbox: Peers, wire: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Service]:
    """The service that most tests share."""
    folder = tmp_path_factory.mktemp("faults") / "data"
    async with a_service(folder, sandbox, wire.uri) as service:
        service.timing |= HASTY
        yield service


@pytest.fixture
async def service(shared_service: Service, wire: Proxy, peers: Peers) -> AsyncGenerator[Service]:
    """The shared service, which runs; tests may kill it and change how it starts again."""
    del peers  # It is put right after each test.
    if not shared_service.runs:
        await shared_service.start()
    usual = dict(shared_service.environ), dict(shared_service.timing)
    yield shared_service
    wire.resume()
    changed = (shared_service.environ, shared_service.timing) != usual
    shared_service.environ, shared_service.timing = usual
    if changed and shared_service.runs:
        await shared_service.kill()


@pytest.fixture
async def witness(service: Service, mongod: SharedMongod, peers: Peers) -> AsyncGenerator[Witness]:
    """Who sees what became of what was ordered of the shared service."""
    async with a_witness(service, peers, mongod.uri, "faults") as seeing:
        yield seeing


@pytest.fixture
async def tailor(service: Service, mongod: SharedMongod, peers: Peers) -> AsyncGenerator[Tailor]:
    """Who orders jobs of several steps of the shared service, and sees what becomes of them."""
    async with a_tailor(service, peers, mongod.uri, "faults") as ordering:
        yield ordering


@pytest.fixture(scope="module")
async def whole_farm(
    sandbox: Peers, mongod: SharedMongod, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Farm]:
    """A service with two ComfyUI servers, which the tests of a module share."""
    async with a_farm(tmp_path_factory.mktemp("farm"), sandbox, mongod.uri) as farm:
        yield farm


@pytest.fixture
async def farm(whole_farm: Farm) -> AsyncGenerator[Farm]:
    """That service and its servers, which behave as usual; in the end as well."""
    await whole_farm.well()
    yield whole_farm
    await whole_farm.ordinary()


@pytest.fixture
def chat() -> int:
    """A chat that no other test writes to."""
    return next(_CHATS)


@pytest.fixture
def chats() -> Iterator[int]:
    """Chats that no other test writes to, as many as wanted."""
    return _CHATS


@pytest.fixture
def dice() -> Random:
    """Dice that roll otherwise each time."""
    return SystemRandom()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder of the test's own, which does not exist yet."""
    return tmp_path / "data"
