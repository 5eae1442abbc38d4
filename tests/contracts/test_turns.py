"""What everybody who remembers who was served does."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from app.clock import Clock
from app.ports import Turns
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

NOON: Final = Clock().now()
"""Not long ago: what is older than it is kept may be forgotten at any moment."""


def later(seconds: float) -> datetime:
    """So many seconds after that."""
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def turns(ports: Ports) -> Turns:
    """The port under test."""
    return ports.turns


async def test_nobody_was_served_in_the_beginning(turns: Turns) -> None:
    """Who never was is not among them."""
    assert await turns.last(["ada"]) == {}
    assert await turns.last([]) == {}


async def test_the_last_time_stands(turns: Turns) -> None:
    """For each person, whoever asks; a process whose word comes late takes nothing back."""
    for user, at in (("ada", later(1)), ("ada", NOON), ("bob", NOON), ("", later(2))):
        await turns.served(user, at)

    assert await turns.last(["ada", "", "eve"]) == {"ada": later(1), "": later(2)}
    await turns.served("ada", later(3))
    assert await turns.last(["bob", "ada"]) == {"ada": later(3), "bob": NOON}
