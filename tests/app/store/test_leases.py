"""Leases in MongoDB, raced for. See also tests/contracts."""

import asyncio

import pytest

from app.store.connection import Connection
from app.store.leases import MongoLeases
from schemas.base import InstanceName
from tests.builders import NOON, later

pytestmark = pytest.mark.anyio


async def test_of_many_who_want_a_free_duty_one_gets_it(connection: Connection) -> None:
    """The unique id decides, whether the lease was never there or has run out."""
    leases = MongoLeases(connection)
    for fence, at in ((1, 0), (2, 100)):
        taken = await asyncio.gather(
            *(
                leases.acquire("bot", InstanceName(f"p{number}-{fence}"), later(at), later(at + 15))
                for number in range(8)
            )
        )
        held = [each for each in taken if each is not None]
        assert [each.fence for each in held] == [fence]


async def test_only_the_holder_with_its_fence_gives_up(connection: Connection) -> None:
    """A release that comes late takes nothing from the next holder."""
    leases = MongoLeases(connection)
    here = InstanceName("here")
    first = await leases.acquire("bot", here, NOON, later(1))
    assert first is not None
    await leases.acquire("bot", InstanceName("there"), later(2), later(9))
    await leases.release(first)

    stored = await connection.collection("leases").find_one({"_id": "bot"})
    assert stored is not None
    assert (stored["holder"], stored["fence"]) == ("there", 2)
