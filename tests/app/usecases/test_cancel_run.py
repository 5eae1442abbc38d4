"""A cancel is carried to the engine, whose word it is; in the end it is ours to say."""

import asyncio

import pytest

from app.errors import PeerBusyError, PeerDownError, PeerLostError
from processors import debts, runs
from schemas.base import GenerationId, RunId
from schemas.run import RunStatus
from tests.app.usecases.scenes import RARELY, Scene, webhook_of
from tests.app.usecases.yards import Yard
from tests.builders import ID, RUN, a_debt, a_placed, a_report, owes
from tests.fakes.gates import Turnstile

pytestmark = pytest.mark.anyio


async def submitted(scene: Scene, status: RunStatus = RunStatus.RUNNING) -> GenerationId:
    """Order a generation and let the engine have it."""
    generation = await scene.order()
    await asyncio.sleep(1)
    scene.engine.reports[RUN] = a_report(status, webhook=webhook_of(scene.record(generation)))
    return generation


async def test_the_engine_says_cancelled() -> None:
    """It is told once, and asked what became of it."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
        await scene.desk.cancel(generation)
        scene.engine.reports[RUN] = a_report(RunStatus.CANCELLED)
        await asyncio.sleep(10)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.CANCELLED, "engine")
    assert scene.engine.cancelled == [RUN]
    assert len(scene.messenger.told) == 1


async def test_after_a_minute_without_its_word_it_is_ours() -> None:
    """The engine goes on being told to cancel, and asked; its own end still replaces ours."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
        await scene.desk.cancel(generation)
        await asyncio.sleep(90)
        record = scene.record(generation)
        assert (record.status, record.ended_by) == (RunStatus.CANCELLED, "us")
        assert record.status_reason == "cancel_unconfirmed"
        scene.engine.reports[RUN] = a_report(RunStatus.COMPLETED)
        await asyncio.sleep(3600)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.COMPLETED, "engine")
    assert len(scene.messenger.told) == 2


@pytest.mark.parametrize(
    "fault", [PeerBusyError("comfydeploy", "500"), PeerDownError("comfydeploy", "unreachable")]
)
async def test_an_engine_that_does_not_take_it_changes_nothing_of_that(fault: Exception) -> None:
    """Nobody who wants to be rid of a run waits for an engine that is away."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
        scene.engine_gate.down = fault
        await scene.desk.cancel(generation)
        await asyncio.sleep(240)

    assert scene.record(generation).status is RunStatus.CANCELLED
    assert scene.engine.cancelled == []


async def test_a_success_that_was_heard_is_not_called_cancelled() -> None:
    """What the person gets is what there is, also where the engine cannot be asked for long."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
        scene.engine_gate.down = PeerBusyError("comfydeploy", "502")
        await scene.desk.cancel(generation)
        await scene.hear(generation, "success")
        await asyncio.sleep(3600)

    record = scene.record(generation)
    assert (record.status, record.confirmed) == (RunStatus.COMPLETED, False)


async def test_a_run_that_cannot_be_cancelled_is_not_told_so_forever() -> None:
    """After its end was told the tries grow rare, and cease with the asking."""
    scene, tries = Scene(timing=RARELY), 0

    async def stubborn() -> None:
        nonlocal tries
        cancel = debts.find(next(iter(scene.generations.records.values())).owed, runs.CANCEL)
        if cancel is not None and cancel.by is not None:
            tries += 1
            raise PeerBusyError("comfydeploy", "500")

    async with scene.running():
        generation = await submitted(scene)
        scene.engine.gate = stubborn
        await scene.desk.cancel(generation)
        await asyncio.sleep(86_400)

    assert scene.record(generation).status is RunStatus.CANCELLED
    assert tries < 100


async def test_what_was_never_sent_is_cancelled_at_once() -> None:
    """No call, no wait."""
    async with Scene().running() as scene:
        scene.engine_gate.down = PeerDownError("comfydeploy", "unreachable")
        generation = await scene.order()
        await asyncio.sleep(1)
        cancelled = await scene.desk.cancel(generation)
        await asyncio.sleep(5)

    assert cancelled.status is RunStatus.CANCELLED
    assert scene.record(generation).owed == ()
    assert len(scene.messenger.told) == 1


async def test_a_former_run_is_cancelled_once() -> None:
    """The one that serves now goes on, and is not asked about for its sake."""
    yard = Yard()
    second = a_placed().runs[0].change(run_id=RunId("run-2"), server="two", attempt=2)
    yard.generations.records[ID] = a_placed(
        RunStatus.RUNNING,
        attempt=2,
        slot="two#1",
        runs=(*a_placed().runs, second),
        metadata=a_placed().metadata.change(run_id=second.run_id),
        owed=(a_debt(runs.CANCEL, about=RUN),),
    )
    async with yard.running():
        await asyncio.sleep(60)

    assert yard.engine.cancelled == [RUN]
    assert (yard.record(ID).status, owes(yard.record(ID))) == (RunStatus.RUNNING, [])


async def test_what_is_gone_for_good_need_not_be_cancelled() -> None:
    """Its server is set up no more: nobody goes on telling it."""
    yard = Yard()
    gate = Turnstile()
    gate.down = PeerLostError("comfyui:one", "is not among COMFYUI_SERVERS")
    yard.engine.gate = gate
    yard.generations.records[ID] = a_placed(
        RunStatus.COMPLETED, ended_by="engine", slot=None, owed=(a_debt(runs.CANCEL, about=RUN),)
    )
    async with yard.running():
        await asyncio.sleep(5)

    assert runs.CANCEL not in owes(yard.record(ID))
