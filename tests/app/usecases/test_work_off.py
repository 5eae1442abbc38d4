"""One call works off what is owed, within its budget."""

import asyncio
from collections import Counter

import pytest

from app.errors import PeerDownError, StoreDownError
from app.usecases.work_off import Chore, Worked
from schemas.base import InstanceName
from schemas.debt import DebtKind
from schemas.run import Batch
from tests.app.usecases.hosts import Host, Slow, now, seconds
from tests.builders import NOON, RUN, a_delivery, a_report
from tests.fakes.leases import FakeLeases

pytestmark = pytest.mark.anyio


async def test_it_says_what_it_did() -> None:
    """Events that were left, what is due, and what follows from both."""
    host = Host()
    async with host.scene.running() as scene:
        generation = await scene.order()
        first = await host.work_off(seconds(20))
        assert first is not None
        assert first.discharged == {DebtKind.SUBMIT: 1, DebtKind.SHOW: 1}

        scene.engine.reports[RUN] = a_report()
        body = f'{{"run_id": "{RUN}", "status": "success"}}'.encode()
        events = (a_delivery(body, generation=generation),)
        scene.inbox.batches["left"] = Batch(id="left", at=NOON, events=events)
        await asyncio.sleep(5)
        did = await host.work_off(seconds(20))

        assert did is not None
        assert (did.applied, did.failed, did.left) == (1, 0, 0)
        assert did.discharged[DebtKind.END] == did.discharged[DebtKind.NOTIFY] == 1
        assert scene.record(generation).ended
        assert await host.work_off(seconds(20)) == Worked(0, Counter(), 0, 0, 0.0)


async def test_a_second_call_is_told_at_once() -> None:
    """Of this process or another; the first one's time is its budget, however slow an engine."""
    leases = FakeLeases()
    host, other = Host(leases=leases), Host(leases=leases, name=InstanceName("there"))
    async with host.scene.running() as scene, other.scene.running():
        scene.engine.gate = Slow(1000)
        await scene.order()
        began = now()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(host.work_off(seconds(20)))
            await asyncio.sleep(1)
            assert await host.work_off(seconds(20)) is None
            assert await other.work_off(seconds(20)) is None
            assert now() - began < 2
        did = first.result()
        assert did is not None
        assert (round(did.seconds), did.discharged) == (20, {})
        assert await other.work_off(seconds(1)) is not None


async def test_who_dies_in_a_call_is_waited_for_less_than_forty_seconds() -> None:
    """With the longest budget there is."""
    leases = FakeLeases()
    host, other = Host(leases=leases), Host(leases=leases, name=InstanceName("there"))
    async with other.scene.running():
        async with host.scene.running() as scene:
            scene.engine.gate = Slow(1000)
            await scene.order()
            async with asyncio.TaskGroup() as group:
                call = group.create_task(host.work_off(seconds(29)))
                await asyncio.sleep(1)
                leases.gate = _away
                call.cancel()
        leases.gate = Slow(0)
        await asyncio.sleep(30)
        assert await other.work_off(seconds(1)) is None
        await asyncio.sleep(8)
        assert await other.work_off(seconds(1)) is not None


async def test_what_is_left_is_counted() -> None:
    """What was not begun is due; a try that failed is tried again later."""
    host = Host()
    async with host.scene.running() as scene:
        scene.engine.gate = Slow(1000)
        for _ in range(40):
            await scene.order()
        did = await host.work_off(seconds(4))
        assert did is not None
        assert (did.failed, did.left) == (0, 40 - 32)

    host = Host()
    async with host.scene.running() as scene:
        await scene.order()
        scene.engine_gate.script(PeerDownError("comfydeploy", "away"))
        did = await host.work_off(seconds(4))
        assert did is not None
        assert did.failed == 1


async def test_chores_are_done_now_and_then() -> None:
    """In what is left of a budget; one that it broke off is gone on with, after the others."""
    done = list[str]()

    async def sweep() -> None:
        done.append("sweep")

    async def fail() -> None:
        done.append("fail")
        raise StoreDownError("gone")

    async def linger() -> None:
        done.append("linger")
        await asyncio.sleep(100)

    made = (("a", sweep), ("b", fail), ("c", linger), ("d", sweep))
    host = Host(*(Chore(name, seconds(3600), do) for name, do in made))
    async with host.scene.running():
        for _ in range(3):
            assert await host.work_off(seconds(20)) is not None
        assert done == ["sweep", "fail", "linger", "sweep", "linger", "linger"]
        await asyncio.sleep(3600)
        assert await host.work_off(seconds(20)) is not None
        assert done[6:] == ["sweep", "fail", "sweep", "linger"]


async def _away() -> None:
    raise StoreDownError("gone")
