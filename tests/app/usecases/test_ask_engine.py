"""The engine is asked for what no webhook told."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.errors import PeerBusyError, PeerDownError, PeerLostError, PeerUnknownError
from app.usecases.ask_engine import AskEngine
from processors import debts, runs
from schemas.base import GenerationId, RunId
from schemas.generation import ClaimedEnd, EngineRun, Generation
from schemas.run import RunAt, RunReport, RunStatus
from tests.app.usecases.scenes import METRICS, RARELY, TIMING, Scene, webhook_of
from tests.app.usecases.yards import TWO, Yard
from tests.builders import COMFYUI, ID, NOON, RUN, a_debt, a_placed, a_report, the_debt
from tests.fakes.engines import FakeEngine

pytestmark = pytest.mark.anyio

HOUR = 3600


async def submitted(scene: Scene, status: RunStatus = RunStatus.RUNNING) -> GenerationId:
    """Order a generation and let the engine have it."""
    generation = await scene.order()
    await asyncio.sleep(1)
    scene.engine.reports[RUN] = a_report(status, webhook=webhook_of(scene.record(generation)))
    return generation


async def test_a_terminal_webhook_that_never_comes_is_made_up_for() -> None:
    """The end is found within the time of one question, and told once."""
    async with Scene().running() as scene:
        generation = await submitted(scene, RunStatus.COMPLETED)
        await asyncio.sleep(75)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.COMPLETED, "engine")
    assert record.duration_seconds == 12.0
    assert record.owed == ()
    assert len(scene.messenger.told) == 1


async def test_what_runs_too_long_is_ended_by_us_and_the_engine_told() -> None:
    """Half an hour after its start, whatever the engine still says."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
        await asyncio.sleep(HOUR)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.TIMEOUT, "us")
    assert record.status_reason == "overdue"
    assert scene.engine.cancelled == [RUN]


async def test_what_runs_too_long_ends_though_its_engine_is_off() -> None:
    """Whoever took the engine out of the settings has left nobody to ask."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
    async with Scene(after=scene, engine_on=False).running() as later:
        await asyncio.sleep(7 * HOUR)

    record = later.record(generation)
    assert (record.status, record.status_reason) == (RunStatus.TIMEOUT, "overdue")


async def test_what_the_engine_lost_is_lost() -> None:
    """A run that it knows nothing of, time after time; said by us."""
    async with Scene().running() as scene:
        generation = await scene.order()
        await asyncio.sleep(HOUR)

    record = scene.record(generation)
    assert (record.status, record.ended_by, record.status_reason) == (
        RunStatus.FAILED,
        "us",
        "lost",
    )


async def test_asking_ends_some_days_after_an_end_of_ours() -> None:
    """Nothing is owed for ever."""
    async with Scene(timing=RARELY).running() as scene:
        generation = await scene.order()
        await asyncio.sleep(5 * 24 * HOUR)

    assert scene.record(generation).owed == ()


async def test_a_run_with_another_webhook_is_a_strangers() -> None:
    """Whoever knows our URL can name any run; only one submitted with it is believed."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, PeerUnknownError("comfydeploy", "no answer"))
        generation = await scene.order()
        await asyncio.sleep(1)
        stranger = RunId("run-x")
        scene.engine.reports[stranger] = a_report(run_id=stranger, webhook="https://x.example.com")
        await scene.hear(generation, "success", run_id=stranger)
        await scene.hear(generation, "success", run_id="run-unknown")
        await asyncio.sleep(10)

    record = scene.record(generation)
    assert (record.status, record.metadata.run_id) == (RunStatus.SUBMITTING, None)
    assert scene.messenger.told == []


@pytest.mark.parametrize("fault", [PeerBusyError, PeerUnknownError, PeerDownError])
async def test_a_run_that_named_us_is_read_until_the_engine_answers(
    fault: type[PeerBusyError | PeerUnknownError | PeerDownError],
) -> None:
    """Its name is not forgotten because the engine was busy once."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, PeerUnknownError("comfydeploy", "no answer"))
        generation = await scene.order()
        await asyncio.sleep(1)
        webhook = webhook_of(scene.record(generation))
        scene.engine.reports[RUN] = a_report(RunStatus.RUNNING, webhook=webhook)
        scene.engine_gate.script(fault("comfydeploy", "no answer"))
        await scene.hear(generation, "running")
        await asyncio.sleep(25)

    assert scene.record(generation).metadata.run_id == RUN


async def test_a_sign_of_life_has_the_run_asked_now() -> None:
    """A webhook without a body says nothing, and that is worth a question."""
    async with Scene().running() as scene:
        generation = await submitted(scene, RunStatus.COMPLETED)
        await scene.acceptor.accept(*scene.a_webhook(generation, b""))
        await asyncio.sleep(3)

    assert scene.record(generation).ended


async def test_an_answer_about_another_run_is_none() -> None:
    """The asking goes on, and what takes too long is ended all the same."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
        scene.engine.reports[RUN] = a_report(run_id=RunId("run-x"))
        await asyncio.sleep(300)
        assert debts.find(scene.record(generation).owed, runs.ASK) is not None
        assert not scene.record(generation).ended
        scene.engine.reports[RUN] = a_report()
        await asyncio.sleep(400)

    assert scene.record(generation).status is RunStatus.COMPLETED


async def test_a_success_that_was_heard_is_not_overdue() -> None:
    """The engine cannot be asked when the time is up: what was heard is told, not thrown away."""
    async with Scene().running() as scene:
        generation = await submitted(scene)
        await scene.hear(generation, "running")
        await asyncio.sleep(29 * 60)
        scene.engine_gate.down = PeerBusyError("comfydeploy", "502")
        await scene.hear(generation, "success")
        await asyncio.sleep(HOUR)

    record = scene.record(generation)
    assert (record.status, record.confirmed) == (RunStatus.COMPLETED, False)
    assert scene.engine.cancelled == []


def named(webhook: str | None, generation: Generation) -> bool:
    """Return whether a run was submitted with the webhook of a generation."""
    return webhook == webhook_of(generation)


async def test_who_slept_through_its_claim_ends_nothing() -> None:
    """While the answer did not come, another process was told that the run had just begun."""
    async with Scene().running() as scene:
        generation = await submitted(scene, RunStatus.QUEUED)
        engine: Any = {scene.engine.name: scene.engine}
        asking = AskEngine(
            engine,
            names=named,
            taking=scene.taking,
            clock=scene.clock,
            timing=scene.timing,
            metrics=METRICS,
        )
        stale = scene.record(generation)
        old = stale.change(request_timestamp=stale.request_timestamp - timedelta(hours=7))
        debt = debts.find(old.owed, runs.ASK)
        assert debt is not None
        scene.engine_gate.script(PeerBusyError("comfydeploy", "502"))
        decide = await asking(old, debt)
        assert decide is not None
        now = scene.clock.now()

        lost = old.change(owed=(debt.change(n=debt.n + 1),))
        assert decide(lost, now) is lost
        assert not decide(old.change(started_at=now), now).ended
        assert decide(old, now).status is RunStatus.TIMEOUT


class Forgetful(FakeEngine):
    """A server that surely has no run any more; somebody may do something meanwhile."""

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        await self.gate()
        raise PeerLostError(self.peer(run.server), "has no such run")


def at_server(yard: Yard, status: RunStatus = RunStatus.RUNNING, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """Have a run at a server, which is asked about now."""
    record = a_placed(status, **({"owed": (a_debt(runs.ASK),)} | fields))
    yard.generations.records[record.id] = record
    return record


async def test_a_run_that_its_server_has_surely_no_more_is_tried_again_at_once() -> None:
    """Nobody asks a second time; it is at another server in the same second."""
    yard = Yard(TWO, engine=Forgetful(name=COMFYUI))
    at_server(yard)
    async with yard.running():
        await asyncio.sleep(3)

    record = yard.record(ID)
    assert (record.attempt, record.slot) == (2, "two#1")
    assert [each.run_id for each in yard.fleet.posted] == [record.metadata.run_id]


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (RunStatus.SUBMITTING, {}),
        (
            RunStatus.RUNNING,
            {"claimed_end": ClaimedEnd(status=RunStatus.COMPLETED, at=NOON, run_id=RUN)},
        ),
    ],
)
async def test_what_may_be_on_its_way_or_has_ended_is_not_lost(
    status: RunStatus, fields: dict[str, Any]
) -> None:
    """The post may yet arrive; an end that was heard is looked into first."""
    yard = Yard(TWO, engine=Forgetful(name=COMFYUI))
    before = at_server(yard, status, **fields)
    async with yard.running():
        await asyncio.sleep(3)

    record = yard.record(ID)
    assert (record.attempt, record.status) == (1, before.status)
    assert the_debt(record, runs.ASK).last_error == runs.MISSING


async def test_a_timeout_stands_once_the_server_has_no_such_run() -> None:
    """There is nobody left who could say otherwise: it is final, and not asked about any more."""
    yard = Yard(TWO, engine=Forgetful(name=COMFYUI))
    at_server(yard, RunStatus.TIMEOUT, ended_by="us", slot=None)
    async with yard.running():
        await asyncio.sleep(3)

    record = yard.record(ID)
    assert (record.status, record.ended_by) == (RunStatus.TIMEOUT, "engine")
    assert debts.find(record.owed, runs.ASK) is None


async def test_a_run_that_was_posted_and_never_arrived_is_lost_when_it_could_have() -> None:
    """As soon as its post has had its time."""
    yard = Yard(TWO, engine=Forgetful(name=COMFYUI))
    at_server(yard, RunStatus.SUBMITTING)
    async with yard.running():
        await asyncio.sleep(TIMING.submit_limit.total_seconds() - 1)
        assert yard.record(ID).attempt == 1
        await asyncio.sleep(5)

    assert yard.record(ID).attempt == 2


async def test_that_a_former_run_is_lost_says_nothing_of_the_next() -> None:
    """It was tried again while its server was asked about it, and the question is the same."""
    yard = Yard(TWO, engine=Forgetful(name=COMFYUI))
    asked = at_server(yard)
    second = EngineRun(attempt=2, run_id=RunId("run-2"), server="two", submitted_at=NOON)
    decide = await an_asker(yard)(asked, the_debt(asked, runs.ASK))
    assert decide is not None
    again = asked.change(
        attempt=2,
        slot="two#1",
        runs=(*asked.runs, second),
        metadata=asked.metadata.change(run_id=second.run_id),
    )
    after = decide(again, NOON)

    assert (after.attempt, after.status, after.slot) == (2, RunStatus.RUNNING, "two#1")


def an_asker(yard: Yard) -> AskEngine:
    """What discharges ``ask``, with the engine of a yard."""
    return AskEngine(
        {COMFYUI: yard.engine},
        names=lambda _, __: False,
        taking=yard.taking,
        clock=yard.clock,
        timing=TIMING,
        metrics=METRICS,
    )
