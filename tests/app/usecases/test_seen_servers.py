"""app.usecases.seen_servers: which servers are other processes'."""

import pytest

from app.usecases.seen_servers import SeenServers
from schemas.base import EngineName, InstanceName
from tests.builders import COMFYUI, HERE, NOON, TIMING, a_server_seen, later
from tests.fakes.clock import FakeClock
from tests.fakes.servers import FakeServers

pytestmark = pytest.mark.anyio

THERE = InstanceName("there")


async def test_what_another_process_has_seen_lately_is_elsewhere() -> None:
    """However it found it; not what we saw ourselves, nor what nobody looks at any more."""
    lasting = TIMING.health_every * 4
    board = FakeServers(
        a_server_seen("well", by=THERE),
        a_server_seen("unwell", by=THERE, healthy=False),
        a_server_seen("last", by=THERE, at=later(0.001) - lasting),
        a_server_seen("old", by=THERE, at=NOON - lasting),
        a_server_seen("ours", by=HERE),
        a_server_seen("other", by=THERE).change(engine=EngineName("another"), id="another/other"),
    )
    seen = SeenServers(board, COMFYUI, me=HERE, clock=FakeClock(), timing=TIMING)

    assert await seen.elsewhere() == {"well", "unwell", "last"}
    assert seen.lasting == lasting
