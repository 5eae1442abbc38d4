"""What everybody who keeps how servers were seen does."""

import pytest

from app.ports import ServerBoard
from tests.builders import a_server_seen, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def servers(ports: Ports) -> ServerBoard:
    """The port under test."""
    return ports.servers


async def test_a_server_is_kept_as_it_was_seen_last(servers: ServerBoard) -> None:
    """Whole, in place of what was kept before."""
    assert await servers.all() == ()
    troubled = a_server_seen("one", healthy=False, trouble="cannot be reached", at=later(5))
    for seen in (a_server_seen("one", version="0.3.64", memory_free=2**34), troubled):
        await servers.put(seen)

    assert await servers.all() == (troubled,)


async def test_all_servers_are_had_by_name(servers: ServerBoard) -> None:
    """Whoever put them, and whenever."""
    for name in ("two", "10.0.0.5:8188", "one"):
        await servers.put(a_server_seen(name))

    assert [each.name for each in await servers.all()] == ["10.0.0.5:8188", "one", "two"]
