"""Whoever finds what was left behind takes it up."""

import asyncio

import pytest

from app.errors import StoreDownError
from processors import debts, runs
from schemas.base import InstanceName
from schemas.run import Batch, RunStatus
from tests.app.usecases.scenes import Scene, webhook_of
from tests.builders import ID, NOON, RUN, a_debt, a_delivery, a_generation, a_report, later

pytestmark = pytest.mark.anyio

THERE = InstanceName("there")


def left_behind(*bodies: bytes) -> Batch:
    """Return a batch that a process accepted and did not live to apply."""
    events = tuple(a_delivery(each) for each in bodies)
    return Batch(id="left", at=NOON, events=events)


async def test_a_stale_batch_is_applied_by_anybody() -> None:
    """Two seconds after it was taken in; what no longer translates spoils no other."""
    scene = Scene()
    scene.generations.records[ID] = a_generation()
    body = f'{{"run_id": "{RUN}", "status": "running"}}'.encode()
    scene.inbox.batches["left"] = left_behind(b"no JSON", body)
    async with scene.running():
        await asyncio.sleep(5)

    assert scene.record(ID).status is RunStatus.RUNNING
    assert scene.inbox.batches["left"].applied


async def test_a_batch_in_which_nothing_makes_sense_is_done_with() -> None:
    """It is not taken up for ever."""
    scene = Scene()
    scene.inbox.batches["left"] = left_behind(b"no JSON")
    async with scene.running():
        await asyncio.sleep(5)

    assert scene.inbox.batches["left"].applied


async def test_the_claims_of_a_process_that_is_gone_are_given_back() -> None:
    """Its own, not another's; whoever sweeps next has them."""
    scene = Scene()
    ours = a_debt(runs.END, by="here", next_at=later(75))
    theirs = a_debt(runs.ASK, by="there", next_at=later(75))
    scene.generations.records[ID] = a_generation(owed=(ours, theirs))

    assert await scene.sweep.release(THERE) == 1
    owed = scene.record(ID).owed
    assert [(each.key, each.by) for each in owed] == [(runs.END, "here"), (runs.ASK, None)]
    assert scene.record(ID).due_at == scene.clock.now()


async def test_a_claim_that_ran_out_is_anybodys() -> None:
    """The debt is done, by another."""
    scene = Scene()
    record = a_generation(owed=(a_debt(runs.ASK, by="there", next_at=later(75)),))
    scene.generations.records[ID] = debts.put(record, record.owed)
    webhook = webhook_of(record)
    scene.engine.reports[RUN] = a_report(RunStatus.FAILED, webhook=webhook)
    async with scene.running():
        await asyncio.sleep(70)
        assert not scene.record(ID).ended
        await asyncio.sleep(10)

    assert scene.record(ID).ended


async def test_a_database_that_is_gone_is_swept_later() -> None:
    """And the wish to have every run asked is not forgotten meanwhile."""
    scene = Scene()
    far = a_debt(runs.ASK, next_at=later(9999))
    scene.generations.records[ID] = debts.put(a_generation(), (far,))
    scene.engine.reports[RUN] = a_report(RunStatus.COMPLETED)
    async with scene.running():
        scene.store.down = StoreDownError("gone")
        scene.sweep.ask_all()
        await asyncio.sleep(30)
        scene.store.down = None
        await asyncio.sleep(5)

    assert scene.record(ID).ended
