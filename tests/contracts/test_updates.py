"""What every keeper of updates does."""

import asyncio

import pytest

from app.ports import Updates
from schemas.base import InstanceName
from tests.builders import NOON, an_update, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

HERE, THERE = InstanceName("here"), InstanceName("there")
LANE = "chat:4711"


@pytest.fixture
def updates(ports: Ports) -> Updates:
    """The port under test."""
    return ports.updates


async def test_an_update_is_new_once(updates: Updates) -> None:
    """Of twenty that bring the same one at once a single one is told that it is new."""
    told = await asyncio.gather(*(updates.insert(an_update(2**63 - 1)) for _ in range(20)))

    assert sum(told) == 1


async def test_it_comes_back_as_it_was(updates: Updates) -> None:
    """Whatever bytes it has, claimed once."""
    given = an_update(raw=b"\x00\xff{", chat=-(2**52))
    await updates.insert(given)

    assert await updates.claim(given.lane, HERE, NOON, later(75)) == given.change(tries=1, faults=1)


async def test_a_lane_goes_by_the_order_of_ids(updates: Updates) -> None:
    """Each comes when the one before is done, in whatever order they were taken in."""
    for number in (3, 1, 2):
        await updates.insert(an_update(number))
    seen = list[int]()
    while (update := await updates.claim(LANE, HERE, NOON, later(75))) is not None:
        seen.append(update.id)
        assert await updates.done(update, later(1))

    assert seen == [1, 2, 3]
    assert await updates.due(HERE, later(9), 10) == ()


async def test_a_lane_has_one_holder(updates: Updates) -> None:
    """Others get nothing of it, though more is open, until it is released or has run out."""
    await updates.insert(an_update(1))
    await updates.insert(an_update(2))
    await updates.insert(an_update(3, chat=5))
    await updates.claim(LANE, HERE, NOON, later(75))

    assert await updates.due(THERE, later(74), 10) == ("chat:5",)
    assert await updates.due(HERE, later(74), 10) == (LANE, "chat:5")
    assert await updates.claim(LANE, THERE, later(74), later(149)) is None
    late = await updates.claim(LANE, THERE, later(75), later(150))
    assert late is not None
    assert (late.id, late.tries) == (1, 2)


async def test_whoever_lost_a_claim_writes_nothing(updates: Updates) -> None:
    """One that slept through its lease neither ends an update nor puts it off."""
    await updates.insert(an_update())
    slept = await updates.claim(LANE, HERE, NOON, later(75))
    taken = await updates.claim(LANE, THERE, later(75), later(150))
    assert slept is not None
    assert taken is not None

    assert not await updates.done(slept, later(76))
    assert not await updates.failed(slept, "late", later(76), later(80))
    await updates.release(LANE, HERE)
    assert await updates.due(HERE, later(76), 10) == ()
    assert await updates.done(taken, later(77))
    assert not await updates.done(taken, later(78))


async def test_one_that_failed_holds_its_lane_up(updates: Updates) -> None:
    """What came after it waits with it; released, anybody may go on when it is due."""
    await updates.insert(an_update(1))
    await updates.insert(an_update(2))
    update = await updates.claim(LANE, HERE, NOON, later(75))
    assert update is not None
    assert await updates.failed(update, "ValueError", later(1), later(10))
    assert await updates.claim(LANE, HERE, later(9), later(84)) is None
    await updates.release(LANE, HERE)

    assert await updates.due(THERE, later(9), 10) == ()
    assert await updates.due(THERE, later(10), 10) == (LANE,)
    again = await updates.claim(LANE, THERE, later(10), later(85))
    assert again is not None
    assert (again.id, again.tries, again.faults, again.error) == (1, 2, 2, "ValueError")
    assert await updates.failed(again, "no answer", later(11), later(11), blameless=True)
    third = await updates.claim(LANE, THERE, later(11), later(86))
    assert third is not None
    assert (third.tries, third.faults) == (3, 2)


async def test_one_that_is_given_up_lets_the_others_go_on(updates: Updates) -> None:
    """It is kept, and never comes again."""
    await updates.insert(an_update(1))
    await updates.insert(an_update(2))
    update = await updates.claim(LANE, HERE, NOON, later(75))
    assert update is not None
    assert await updates.failed(update, "ValueError", later(1), None)

    following = await updates.claim(LANE, HERE, later(2), later(77))
    assert following is not None
    assert following.id == 2
    assert not await updates.insert(an_update(1))


async def test_lanes_come_by_their_first_update(updates: Updates) -> None:
    """So many as are asked for."""
    for number, chat in ((3, 1), (1, 2), (2, 3)):
        await updates.insert(an_update(number, chat=chat))

    assert await updates.due(HERE, NOON, 2) == ("chat:2", "chat:3")


async def test_what_is_no_update_is_kept_beside(updates: Updates) -> None:
    """The same bytes once, and never to be handled."""
    await updates.keep_malformed(b"[]", NOON)
    await updates.keep_malformed(b"[]", later(1))

    assert await updates.due(HERE, later(9), 10) == ()
