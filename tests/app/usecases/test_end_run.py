"""An end that was heard is written when the engine says so."""

import asyncio
from typing import Any

import pytest

from app.errors import PeerBusyError, PeerDownError, PeerLostError
from app.usecases.end_run import EndRun
from app.usecases.taking import Taking
from processors import runs
from schemas.base import GenerationId, InstanceName, RunId
from schemas.generation import ClaimedEnd, EngineRun, Generation
from schemas.run import RunAt, RunReport, RunStatus
from tests.app.usecases.scenes import METRICS, TIMING, Scene, webhook_of
from tests.app.usecases.yards import ONE, Yard
from tests.builders import (
    COMFYUI,
    HERE,
    ID,
    NOON,
    RUN,
    a_debt,
    a_generation,
    a_placed,
    a_report,
    a_run_event,
    an_output,
    owes,
    some_metadata,
)
from tests.fakes.alerts import FakeAlerts
from tests.fakes.engines import FakeEngine
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


class Forgetful(FakeEngine):
    """A server that has forgotten every run but those that it reports."""

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        if run.run_id not in self.reports:
            raise PeerLostError(self.peer(run.server), "has no such run")
        return await super().read(run)


def ending(yard: Yard, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """Have a run at a server whose end was heard, and is due to be asked about."""
    claim = ClaimedEnd(status=RunStatus.COMPLETED, at=NOON, run_id=RUN)
    known: dict[str, Any] = {"claimed_end": claim, "owed": (a_debt(runs.END),)}
    record = a_placed(RunStatus.RUNNING, **(known | fields))
    yard.generations.records[record.id] = record
    return record


async def ended(yard: Yard, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """What becomes of such a run."""
    known = ending(yard, **fields)
    async with yard.running():
        await asyncio.sleep(3)
    return yard.record(known.id)


async def test_a_success_that_its_server_has_forgotten_is_tried_again() -> None:
    """Nothing is left of what it made."""
    record = await ended(Yard(engine=Forgetful(name=COMFYUI)))

    assert (record.attempt, record.status, record.claimed_end) == (2, RunStatus.PENDING, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"heard": (an_output(at=NOON),)},
        {"claimed_end": ClaimedEnd(status=RunStatus.CANCELLED, at=NOON, run_id=RUN)},
    ],
)
async def test_what_was_heard_of_a_forgotten_run_stands_where_it_says_all(
    fields: dict[str, Any],
) -> None:
    """Its outputs, or that there are none."""
    record = await ended(Yard(engine=Forgetful(name=COMFYUI)), **fields)

    assert (record.ended_by, record.confirmed, record.attempt) == ("engine", True, 1)


async def test_a_failure_that_its_server_has_forgotten_is_tried_again() -> None:
    """It may have died of it: another server may have the memory that this one lacked."""
    claim = ClaimedEnd(status=RunStatus.FAILED, at=NOON, run_id=RUN)
    record = await ended(Yard(engine=Forgetful(name=COMFYUI)), claimed_end=claim)

    assert (record.attempt, record.status, record.claimed_end) == (2, RunStatus.PENDING, None)


async def test_that_a_former_run_is_forgotten_is_no_loss() -> None:
    """The one that serves now goes on."""
    second = EngineRun(attempt=2, run_id=RunId("run-2"), server="two", submitted_at=NOON)
    placed = a_placed().runs[0]
    record = await ended(
        Yard(engine=Forgetful(name=COMFYUI)),
        attempt=2,
        slot="two#1",
        runs=(placed, second),
        metadata=some_metadata(run_id=second.run_id),
    )

    assert (record.attempt, record.status, record.slot) == (2, RunStatus.RUNNING, "two#1")
    assert (record.claimed_end, owes(record)) == (None, [])


async def test_another_end_that_is_heard_meanwhile_is_asked_about_itself() -> None:
    """That one run is forgotten says nothing of another."""
    yard = Yard(ONE, engine=Forgetful(name=COMFYUI))
    second = EngineRun(attempt=2, run_id=RunId("run-2"), server="two", submitted_at=NOON)
    yard.engine.reports[second.run_id] = a_report(run_id=second.run_id)

    async def heard_meanwhile() -> None:
        known = yard.record(ID)
        if known.claimed_end is not None and known.claimed_end.run_id == RUN:
            told = a_run_event(RunStatus.COMPLETED, run_id=second.run_id, attempt=2)
            after = runs.hear(known, [told], now=NOON, timing=TIMING).generation
            yard.generations.records[ID] = after.change(version=known.version + 1)

    class Meddling(Forgetful):
        """Somebody hears of the other end while this one is asked about."""

        async def read(self, run: RunAt) -> RunReport:
            """See app.ports.Engine."""
            await heard_meanwhile()
            return await super().read(run)

    yard.engine.__class__ = Meddling
    record = await ended(
        yard,
        attempt=2,
        slot="two#1",
        runs=(a_placed().runs[0], second),
        metadata=some_metadata(run_id=second.run_id),
    )

    assert (record.status, record.ended_by, record.attempt) == (RunStatus.COMPLETED, "engine", 2)


def former(yard: Yard, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the record
    """A run that was tried again, of whose former try a success was heard; that server is away."""
    second = EngineRun(attempt=2, run_id=RunId("run-2"), server="two", submitted_at=NOON)

    async def read(run: RunAt) -> RunReport:
        if run.run_id == RUN:
            raise PeerDownError("comfyui:one", "cannot be reached")
        return a_report(run_id=run.run_id)

    yard.engine.read = read
    known: dict[str, Any] = {
        "attempt": 2,
        "slot": "two#1",
        "runs": (a_placed().runs[0], second),
        "metadata": some_metadata(run_id=second.run_id),
    }
    return known | fields


async def test_an_end_of_a_former_run_that_nobody_confirms_is_none() -> None:
    """The run that serves now goes on, and is not held up for long."""
    yard = Yard()
    known = ending(yard, **former(yard))
    async with yard.running():
        await asyncio.sleep(30)

    record = yard.record(known.id)
    assert (record.status, record.claimed_end, owes(record)) == (RunStatus.RUNNING, None, [])


async def test_an_end_of_a_former_run_does_not_hold_up_the_one_that_serves() -> None:
    """That one is asked about at once, while the former's server is away."""
    yard = Yard()
    known = ending(yard, **former(yard))
    async with yard.running():
        await asyncio.sleep(2)
        yard.follow.told(
            a_run_event(
                RunStatus.COMPLETED,
                engine=COMFYUI,
                generation_id=known.id,
                run_id=RunId("run-2"),
                attempt=2,
                received_at=yard.clock.now(),
            )
        )
        await asyncio.sleep(2)

    record = yard.record(known.id)
    assert (record.status, record.ended_by) == (RunStatus.COMPLETED, "engine")


async def test_a_former_run_that_completed_after_all_wins() -> None:
    """The one that serves now is cancelled where it is."""
    yard = Yard(engine=Forgetful(name=COMFYUI))
    second = EngineRun(attempt=2, run_id=RunId("run-2"), server="two", submitted_at=NOON)
    yard.engine.reports[RUN] = a_report(outputs=(an_output(),))
    record = await ended(
        yard,
        attempt=2,
        slot="two#1",
        runs=(a_placed().runs[0], second),
        metadata=some_metadata(run_id=second.run_id),
    )

    assert (record.status, record.slot) == (RunStatus.COMPLETED, None)
    assert yard.engine.cancelled == [second.run_id]


def a_discharger(*engines: FakeEngine) -> EndRun:
    """What discharges ``end``, with these engines set up."""
    return EndRun(
        {each.name: each for each in engines},
        taking=Taking(HERE, TIMING, background=True, messenger=None),
        timing=TIMING,
        metrics=METRICS,
        alerts=FakeAlerts(),
    )


async def test_an_end_that_was_dropped_is_not_asked_about() -> None:
    """Its debt is done with."""
    dropped = a_placed(owed=(a_debt(runs.END),))
    decide = await a_discharger()(dropped, a_debt(runs.END))

    assert decide is not None
    assert decide(dropped, NOON).owed == ()


async def test_an_end_of_an_engine_that_is_set_up_no_more_stands_unconfirmed() -> None:
    """There is nobody to ask."""
    heard = ending(Yard())
    decide = await a_discharger()(heard, a_debt(runs.END))

    assert decide is not None
    after = decide(heard, NOON)
    assert (after.status, after.confirmed) == (RunStatus.COMPLETED, False)


@pytest.mark.parametrize("report", [None, a_report(), a_report(RunStatus.RUNNING)])
async def test_whoever_has_lost_the_claim_of_an_end_writes_none(report: RunReport | None) -> None:
    """Another asks about it, whatever was answered."""
    heard = ending(Yard())
    engine = Forgetful(name=COMFYUI)
    if report is not None:
        engine.reports[RUN] = report
    lost = heard.change(owed=(a_debt(runs.END, n=2),))
    for each in (a_discharger(engine), a_discharger()):
        decide = await each(heard, a_debt(runs.END))
        assert decide is not None
        assert decide(lost, NOON) is lost


async def test_a_former_run_that_goes_on_is_no_end() -> None:
    """What was heard of it is dropped, and nobody is asked for its sake."""
    second = EngineRun(attempt=2, run_id=RunId("run-2"), server="two", submitted_at=NOON)
    heard = ending(
        Yard(), runs=(a_placed().runs[0], second), metadata=some_metadata(run_id=second.run_id)
    )
    engine = Forgetful(name=COMFYUI)
    engine.reports[RUN] = a_report(RunStatus.RUNNING)
    decide = await a_discharger(engine)(heard, a_debt(runs.END))

    assert decide is not None
    after = decide(heard, NOON)
    assert (after.claimed_end, after.owed, after.status) == (None, (), RunStatus.RUNNING)
    gone = decide(heard.change(claimed_end=None), NOON)
    assert gone.owed == ()
