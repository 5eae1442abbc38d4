"""The lease of the bot's one sender."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from app.usecases.calls import Calls
from app.usecases.duty import NAME, Duty, alone, begun
from schemas.base import InstanceName
from schemas.timing import Timing
from tests.app.telegram.conditions import until
from tests.app.telegram.fakes import FakeLeases
from tests.fakes.clock import LoopClock

pytestmark = pytest.mark.anyio

SHORT = Timing(sender_lease=timedelta(milliseconds=300))


@asynccontextmanager
async def a_keeper(duty: Duty) -> AsyncGenerator[None]:
    """Keep a duty for the length of the block, without giving it up after it."""
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(duty.keep())
        yield
        keeper.cancel()


def a_duty(leases: FakeLeases, me: str = "one", timing: Timing = SHORT) -> Duty:
    """A duty of a process."""
    return Duty(leases, InstanceName(me), LoopClock(), timing)


async def test_one_of_two_holds_it() -> None:
    """While one process has the duty no other does; given up, another takes it."""
    leases = FakeLeases()
    first, second = a_duty(leases), a_duty(leases, "two")

    async with a_keeper(second):
        await until(second.held)
        async with a_keeper(first):
            fence = leases.held[NAME].fence
            assert not first.held()
    await second.give_up()
    async with a_keeper(first):
        await until(first.held)

    assert not second.held()
    assert leases.held[NAME].fence == fence + 1


async def test_a_lease_that_runs_out_is_lost_at_once() -> None:
    """Without the database the duty ends with the lease, and comes back with the database."""
    leases = FakeLeases()
    duty = a_duty(leases)

    async with a_keeper(duty):
        await until(duty.held)
        leases.down = True
        await until(lambda: not duty.held())
        leases.down = False
        await until(duty.held)


async def test_a_lease_that_another_has_is_lost_at_once() -> None:
    """Whoever hears that another holds it stops."""
    leases = FakeLeases()
    duty = a_duty(leases)

    async with a_keeper(duty):
        await until(duty.held)
        leases.held[NAME] = leases.held[NAME]._replace(
            holder=InstanceName("two"), until=LoopClock().now() + timedelta(hours=1)
        )
        await until(lambda: not duty.held())


async def test_giving_up_without_a_database() -> None:
    """A process that stops while the database is away just stops."""
    leases = FakeLeases()
    duty = a_duty(leases)
    await duty.give_up()
    async with a_keeper(duty):
        await until(duty.held)
    leases.down = True
    await duty.give_up()

    assert not duty.held()


async def test_a_duty_lasts_as_long_as_it_is_to() -> None:
    """Each by its own name: whoever has one does not have another."""
    leases, clock = FakeLeases(), LoopClock()
    lasting = timedelta(hours=1)
    one, other = (
        Duty(leases, InstanceName("one"), clock, SHORT, name, lasting=lasting)
        for name in ("a", "b")
    )
    before = clock.now()
    await one.renew()

    assert (one.held(), other.held()) == (True, False)
    assert leases.held["a"].until >= before + lasting


async def test_a_duty_for_calls_is_had_while_one_is_open() -> None:
    """It is renewed meanwhile, and given up after the last of them."""
    leases, calls = FakeLeases(), Calls()
    duty = a_duty(leases)

    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(duty.keep_during(calls))
        await asyncio.sleep(1)
        assert not duty.held()
        for _ in range(2):
            calls.begin()
            calls.begin()
            await duty.tried()
            assert duty.held()
            calls.end()
            await asyncio.sleep(1)
            assert duty.held()
            calls.end()
            await duty.free()
            assert not duty.held()
        keeper.cancel()
    assert NAME not in leases.held


async def test_a_block_alone_excludes_those_of_the_same_process() -> None:
    """Until it ends, or its time is over."""
    leases, clock, me = FakeLeases(), LoopClock(), InstanceName("one")
    limit = timedelta(seconds=5)

    async with alone(leases, "x", me, clock, limit) as first:
        async with alone(leases, "x", me, clock, limit) as second:
            assert (first, second) == (True, False)
        await asyncio.sleep(6)
        async with alone(leases, "x", me, clock, limit) as third:
            assert third


async def test_what_was_begun_lately_is_not_begun_again() -> None:
    """By nobody, until its time has come."""
    leases, clock, every = FakeLeases(), LoopClock(), timedelta(hours=1)

    assert await begun(leases, "x", InstanceName("one"), clock, every)
    assert await begun(leases, "x", InstanceName("two"), clock, every) is None
    await asyncio.sleep(3600)
    assert await begun(leases, "x", InstanceName("two"), clock, every)
