"""What every keeper of leases does."""

import pytest

from app.ports import Lease, Leases
from schemas.base import InstanceName
from tests.builders import NOON, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

HERE, THERE = InstanceName("here"), InstanceName("there")


@pytest.fixture
def leases(ports: Ports) -> Leases:
    """The port under test."""
    return ports.leases


async def test_one_holds_a_duty_at_a_time(leases: Leases) -> None:
    """Nobody else gets it while it is held; other duties are free."""
    assert await leases.acquire("bot", HERE, NOON, later(15)) == Lease("bot", HERE, 1, later(15))
    assert await leases.acquire("bot", THERE, later(14), later(29)) is None
    assert await leases.acquire("other", THERE, NOON, later(15)) is not None


async def test_a_renewal_keeps_the_fence(leases: Leases) -> None:
    """The holder may go on, even late, as long as nobody else took it."""
    await leases.acquire("bot", HERE, NOON, later(15))

    assert await leases.acquire("bot", HERE, later(20), later(35)) == Lease(
        "bot", HERE, 1, later(35)
    )


async def test_a_new_holder_gets_the_next_fence(leases: Leases) -> None:
    """Once it has run out anybody may take it, and who had it has lost it."""
    await leases.acquire("bot", HERE, NOON, later(15))

    assert await leases.acquire("bot", THERE, later(15), later(30)) == Lease(
        "bot", THERE, 2, later(30)
    )
    assert await leases.acquire("bot", HERE, later(16), later(31)) is None


async def test_a_duty_given_up_is_free_at_once(leases: Leases) -> None:
    """With the next fence; giving it up twice, or after it was lost, changes nothing."""
    lease = await leases.acquire("bot", HERE, NOON, later(15))
    assert lease is not None
    await leases.release(lease)
    taken = await leases.acquire("bot", THERE, NOON, later(15))
    await leases.release(lease)

    assert taken == Lease("bot", THERE, 2, later(15))
    assert await leases.acquire("bot", HERE, NOON, later(15)) is None
