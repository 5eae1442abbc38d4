"""An end that was heard is written when the engine says so."""

import asyncio

import pytest

from app.errors import PeerBusyError, PeerDownError
from processors import runs
from schemas.base import GenerationId, InstanceName
from schemas.run import RunStatus
from tests.app.usecases.scenes import Scene, webhook_of
from tests.builders import ID, RUN, a_generation, a_report, an_output
from tests.fakes.gates import Gate

pytestmark = pytest.mark.anyio


async def running(scene: Scene, said: RunStatus = RunStatus.RUNNING) -> GenerationId:
    """Have a generation run, with what the engine says when asked."""
    generation = await scene.order()
    await asyncio.sleep(1)
    webhook = webhook_of(scene.record(generation))
    outputs = (an_output(),) if said is RunStatus.COMPLETED else ()
    scene.engine.reports[RUN] = a_report(said, webhook=webhook, outputs=outputs)
    await scene.hear(generation, "running")
    return generation


async def test_a_confirmed_end_is_written_and_told() -> None:
    """With the engine's outputs and times, and the cost that follows from them."""
    async with Scene().running() as scene:
        generation = await running(scene, RunStatus.COMPLETED)
        for _ in range(50):
            await scene.hear(generation, "success")
        await asyncio.sleep(5)

    record = scene.record(generation)
    assert (record.status, record.ended_by, record.confirmed) == (
        RunStatus.COMPLETED,
        "engine",
        True,
    )
    (output,) = record.response_payload.outputs
    assert (output.id, output.url) == (an_output().id, an_output().url)
    assert str(record.cost_usd) == "0.004044"
    assert len(scene.messenger.told) == 1


async def test_a_forged_success_is_never_told() -> None:
    """The engine denies it: the claim is dropped, and somebody is woken."""
    async with Scene().running() as scene:
        generation = await running(scene)
        await scene.hear(generation, "success")
        await asyncio.sleep(20)

    record = scene.record(generation)
    assert (record.status, record.claimed_end, record.heard) == (RunStatus.RUNNING, None, ())
    assert scene.messenger.told == []
    assert "end_denied" in scene.alerts.raised


async def test_case_05_another_end_than_the_one_heard_is_the_engines() -> None:
    """Whatever the webhook said."""
    async with Scene().running() as scene:
        generation = await running(scene, RunStatus.FAILED)
        await scene.hear(generation, "success")
        await asyncio.sleep(5)

    assert scene.record(generation).status is RunStatus.FAILED


async def test_an_end_nobody_confirms_stands_unconfirmed() -> None:
    """After six tries, about a quarter of an hour; the engine may still say otherwise."""
    async with Scene().running() as scene:
        generation = await running(scene, RunStatus.FAILED)
        scene.engine_gate.down = PeerBusyError("comfydeploy", "502")
        await scene.hear(generation, "success")
        await asyncio.sleep(300)
        assert not scene.record(generation).ended
        await asyncio.sleep(1200)
        record = scene.record(generation)
        assert (record.status, record.confirmed) == (RunStatus.COMPLETED, False)
        assert len(scene.messenger.told) == 1
        scene.engine_gate.down = None
        await asyncio.sleep(3600)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.FAILED, "engine")
    assert len(scene.messenger.told) == 2


async def test_an_engine_that_is_down_keeps_nobody_waiting_for_ever() -> None:
    """However long it is away, the end that was heard is told after a quarter of an hour.

    What the engine shows when it is back is told, too.
    """
    async with Scene().running() as scene:
        generation = await running(scene, RunStatus.COMPLETED)
        scene.engine_gate.down = PeerDownError("comfydeploy", "unreachable")
        await scene.hear(generation, "success")
        await asyncio.sleep(300)
        assert not scene.record(generation).ended
        await asyncio.sleep(1200)
        assert scene.record(generation).confirmed is False
        scene.engine_gate.down = None
        await asyncio.sleep(3600)

    record = scene.record(generation)
    assert (record.ended_by, record.confirmed) == ("engine", True)
    bare, whole = (each.content.items for each in scene.messenger.told)
    assert (len(bare), len(whole)) == (0, 1)


async def test_an_end_is_decided_on_the_record_as_it_is_then() -> None:
    """What somebody else wrote while the engine was asked stays, and the end goes beside it."""
    scene = Scene()

    async def answering() -> None:
        record = scene.generations.records.get(ID)
        if record is not None and record.claimed_end is not None and not record.ended:
            labels = record.metadata.change(labels={"checked": "by hand"})
            other = record.change(metadata=labels, version=record.version + 1)
            scene.generations.records[ID] = other

    async with scene.running():
        await _claimed_elsewhere(scene, answering)

    record = scene.record(ID)
    assert record.status is RunStatus.COMPLETED
    assert record.metadata.labels == {"checked": "by hand"}


async def test_an_end_whose_claim_was_lost_is_left_to_who_has_it() -> None:
    """The record that this process remembers says that the claim is its own; it no longer is."""
    scene, other = Scene(), InstanceName("another")

    async def answering() -> None:
        record = scene.generations.records.get(ID)
        if record is not None and any(debt.key == runs.END for debt in record.owed):
            taken = tuple(
                debt.change(n=debt.n + 1, by=other) if debt.key == runs.END else debt
                for debt in record.owed
            )
            scene.generations.records[ID] = record.change(owed=taken, version=record.version + 1)

    async with scene.running():
        await _claimed_elsewhere(scene, answering)

    record = scene.record(ID)
    assert record.status is RunStatus.RUNNING
    assert [debt.by for debt in record.owed if debt.key == runs.END] == [other]


async def _claimed_elsewhere(scene: Scene, answering: Gate) -> None:
    """Hear an end; while the engine is asked about it, something happens to the record."""
    record = a_generation(id=ID)
    scene.generations.records[ID] = record
    outputs = (an_output(),)
    scene.engine.reports[RUN] = a_report(webhook=webhook_of(record), outputs=outputs)
    await scene.hear(ID, "running")
    await asyncio.sleep(1)
    scene.engine.gate = answering
    await scene.hear(ID, "success")
    await asyncio.sleep(1)
