"""What every keeper of sessions does."""

import pytest

from app.ports import Sessions
from schemas.access import Session
from tests.builders import later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

ADA = Session("a" * 64, "1" * 32, later(3600))
BOB = Session("b" * 64, "1" * 32, later(7200))


@pytest.fixture
def sessions(ports: Ports) -> Sessions:
    """The port under test."""
    return ports.sessions


async def test_a_session_is_there_until_it_is_ended(sessions: Sessions) -> None:
    """Others stay; ending one that is not there is no fault."""
    for each in (ADA, BOB):
        await sessions.put(each)
    assert await sessions.get(ADA.digest) == ADA
    for _ in range(2):
        await sessions.remove(ADA.digest)

    assert await sessions.get(ADA.digest) is None
    assert await sessions.get(BOB.digest) == BOB
