"""What is owed is taken up for as long as a call lasts, and no longer."""

import asyncio
from datetime import timedelta

import pytest

from app.errors import PeerBusyError, StoreDownError
from schemas.run import RunStatus
from tests.app.usecases.hosts import Host, Many, Slow, now

pytestmark = pytest.mark.anyio

HANDS = 32
"""Submits that are done at once."""


async def test_nothing_is_taken_up_between_calls() -> None:
    """However often it is looked; within a call it is, with what follows from it."""
    host = Host()
    async with host.scene.running() as scene:
        generation = await scene.order()
        await scene.sweep.once()
        await asyncio.sleep(100)
        assert scene.engine.submitted == []
        async with host.shift.open():
            await host.shift.work(now() + 10)
        assert scene.record(generation).status is RunStatus.QUEUED
        assert len(scene.messenger.shown) == 1
        assert not scene.messenger.duty


async def test_what_was_not_begun_is_given_back_after_the_last_call() -> None:
    """What is under way is finished, and nothing is done twice."""
    host = Host(engine=Many)
    async with host.scene.running() as scene:
        scene.engine.gate = Slow(20)
        ids = [await scene.order() for _ in range(HANDS + 8)]
        async with host.shift.open():
            async with host.shift.open():
                await host.shift.work(now() + 5)
            assert _claimed(host) == len(ids)
        assert _claimed(host) == HANDS
        assert not await host.shift.quiet(now() + 1)
        assert await host.shift.quiet(now() + 60)
        assert len(scene.engine.submitted) == HANDS
        scene.engine.gate = Slow(0)
        async with host.shift.open():
            await host.shift.work(now() + 5)
        assert len(scene.engine.submitted) == len(ids)


async def test_a_shift_goes_on_until_nothing_is_due() -> None:
    """However many there are, and however soon each is done."""
    host = Host(engine=Many)
    async with host.scene.running() as scene:
        for _ in range(300):
            await scene.order()
        async with host.shift.open():
            await host.shift.work(now() + 10)
        assert len(scene.engine.submitted) == 300


async def test_what_falls_due_within_a_call_is_taken_up_in_it() -> None:
    """Though something else is under way all the time."""
    host = Host(engine=Many)
    async with host.scene.running() as scene:
        scene.messenger.waiting = Slow(1000)
        await scene.order()
        async with host.shift.open():
            await host.shift.work(now() + 1)
            scene.engine_gate.script(PeerBusyError("comfydeploy", "busy", timedelta(seconds=4)))
            generation = await scene.order()
            await host.shift.work(now() + 10)
        assert scene.record(generation).status is RunStatus.QUEUED


async def test_claims_that_cannot_be_given_back_run_out() -> None:
    """The database being away ends no call with an error of its own."""
    host = Host(engine=Many)
    async with host.scene.running() as scene:
        scene.engine.gate = Slow(20)
        for _ in range(HANDS + 1):
            await scene.order()
        async with host.shift.open():
            await host.shift.work(now() + 1)
            scene.store.down = StoreDownError("gone")
        scene.store.down = None
        assert _claimed(host) == HANDS + 1
        await asyncio.sleep(100)
        scene.engine.gate = Slow(0)
        async with host.shift.open():
            await host.shift.work(now() + 30)
        assert _claimed(host) == 0


async def test_the_sender_is_waited_for_only_so_long() -> None:
    """One that does not connect keeps no run from being sent."""
    host = Host(ready=Slow(1000))
    async with host.scene.running() as scene:
        generation = await scene.order()
        began = now()
        async with host.shift.open():
            await host.shift.work(began + 20)
        assert now() - began < 10
        assert scene.record(generation).status is RunStatus.QUEUED
        assert scene.messenger.shown == []


async def test_with_a_background_nothing_is_given_back() -> None:
    """Nor is the sender's duty a call's business."""
    host = Host(background=True)
    host.scene.messenger.duty = True
    async with host.scene.running() as scene:
        scene.engine.gate = Slow(5)
        for _ in range(HANDS + 1):
            await scene.order()
        async with host.shift.open():
            await host.shift.work(now() + 1)
        assert _claimed(host) == HANDS + 1
        assert scene.messenger.duty


def _claimed(host: Host) -> int:
    """Return how many submits are claimed."""
    records = host.scene.generations.records.values()
    return sum(
        debt.key == "submit" and debt.by is not None for each in records for debt in each.owed
    )
