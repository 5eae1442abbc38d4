"""app.usecases.settle_run: what a run came to is taken once, and only then is its job told."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from app.errors import PeerDownError, PeerMissingError, StoreDownError
from app.observability.journal import Journal
from app.usecases.hands import HandlerOf
from app.usecases.records import Records, RecordsOf
from app.usecases.settle_run import SettleRun
from processors import runs
from schemas.debt import DebtKind
from schemas.generation import Generation, Response, StatusChange
from schemas.job import Job, JobId, JobStatus, Outcome, PriceReason
from schemas.preset import CostPrice, FixedHold
from schemas.run import RunStatus
from tests.app.usecases.scenes import RARELY, Scene, webhook_of
from tests.builders import (
    HERE,
    ID,
    JOB,
    NOON,
    RUN,
    TIMING,
    a_debt,
    a_generation,
    a_job,
    a_preset,
    a_report,
    an_output,
    later,
    some_metadata,
)

pytestmark = pytest.mark.anyio

BY_COST = CostPrice(
    kind="cost", factor=Decimal(2), hold=FixedHold(kind="fixed", credits=Decimal(5))
)
DOWN = PeerDownError("comfydeploy", "unreachable")
HOLD = ("hold", Decimal(-5))


async def started(scene: Scene) -> JobId:
    """Have a job whose run the engine has."""
    await scene.grant()
    job = await scene.place()
    await asyncio.sleep(5)
    return job.id


def outcome_of(scene: Scene, job_id: JobId) -> Outcome:
    """Return what its step has come to."""
    outcome = scene.job(job_id).steps[0].outcome
    assert outcome is not None
    return outcome


async def end(scene: Scene, job_id: JobId, **fields: Any) -> None:  # noqa: ANN401 - any field of the report
    """Have the engine complete it, with a picture unless told otherwise."""
    made = scene.record(scene.job(job_id).steps[0].generation)
    known: dict[str, Any] = {"outputs": (an_output(),), "webhook": webhook_of(made)}
    scene.engine.reports[RUN] = a_report(**(known | fields))
    await scene.hear(made.id, "success")


async def overdue(scene: Scene) -> JobId:
    """Have a job whose run was never heard of again, while its engine was away."""
    job = await started(scene)
    scene.engine_gate.down = DOWN
    await asyncio.sleep(TIMING.limit_waiting.total_seconds() + 400)
    return job


async def test_an_end_of_ours_is_told_at_once_and_settled_after_the_grace() -> None:
    """Also while the engine is away: it is the ledger that settles."""
    async with Scene(timing=RARELY).running() as scene:
        job = await overdue(scene)
        (first,) = scene.messenger.told
        assert "Reserved until we know: 5 credits" in first.content.plain
        assert (scene.job(job).status, scene.job(job).price) == (JobStatus.TIMEOUT, None)
        assert scene.moved() == [HOLD]
        await asyncio.sleep(TIMING.grace.total_seconds() + 120)

    _, second = scene.messenger.told
    assert "Returned: 5 credits" in second.content.plain
    assert scene.moved() == [HOLD, ("close", Decimal(5))]
    assert outcome_of(scene, job).price_reason is PriceReason.NOT_CONFIRMED


async def test_a_success_within_the_grace_is_paid() -> None:
    """And told: it is another end."""
    async with Scene(timing=RARELY).running() as scene:
        job = await overdue(scene)
        scene.engine_gate.down = None
        await end(scene, job)
        await asyncio.sleep(200)

    assert (scene.job(job).status, scene.job(job).price) == (JobStatus.COMPLETED, 5)
    assert scene.moved() == [HOLD, ("close", Decimal(0))]
    assert len(scene.messenger.told) == 2


async def test_a_success_after_the_grace_is_free() -> None:
    """What was returned stays returned; the result is delivered all the same."""
    async with Scene(timing=RARELY).running() as scene:
        job = await overdue(scene)
        await asyncio.sleep(TIMING.grace.total_seconds() + 120)
        scene.engine_gate.down = None
        await end(scene, job)
        await asyncio.sleep(200)

    assert (scene.job(job).status, scene.job(job).price) == (JobStatus.COMPLETED, 0)
    assert outcome_of(scene, job).price_reason is PriceReason.FREE_LATE
    assert scene.moved() == [HOLD, ("close", Decimal(5))]
    last = scene.messenger.told[-1].content
    assert ("Free of charge" in last.plain, len(last.items)) == (True, 1)


async def test_an_unknown_cost_is_waited_for_and_then_what_is_held_is_taken() -> None:
    """Nobody is told before."""
    preset = a_preset(price=BY_COST, cost_rate=None)
    async with Scene(presets=(preset,)).running() as scene:
        job = await started(scene)
        await end(scene, job)
        await asyncio.sleep(50)
        assert (scene.moved(), scene.messenger.told) == ([HOLD], [])
        await asyncio.sleep(20)

    assert outcome_of(scene, job).price_reason is PriceReason.ESTIMATED
    assert scene.moved() == [HOLD, ("close", Decimal(0))]
    assert "(estimated)" in scene.messenger.told[0].content.plain


async def test_nothing_made_costs_nothing() -> None:
    """An empty result is no result."""
    async with Scene().running() as scene:
        job = await started(scene)
        await end(scene, job, outputs=())
        await asyncio.sleep(10)

    assert outcome_of(scene, job).price_reason is PriceReason.NOTHING_MADE
    assert scene.moved() == [HOLD, ("close", Decimal(5))]


@pytest.mark.parametrize("delivered", [True, False])
async def test_what_was_paid_for_lost_outputs_comes_back(*, delivered: bool) -> None:
    """By rule, once, and told; not where the files got to the chat before they were lost."""
    async with Scene().running() as scene:
        scene.messenger.links_only = not delivered
        scene.files.files[str(an_output().url)] = PeerMissingError("files", "gone")
        job = await started(scene)
        await end(scene, job)
        # The engine, when it is asked, has no address that is any better.
        await asyncio.sleep(600)

    refunds = [] if delivered else [("refund", Decimal(5))]
    assert scene.moved() == [HOLD, ("close", Decimal(0)), *refunds]
    assert outcome_of(scene, job).refunded == (None if delivered else 5)
    assert len(scene.messenger.told) == 1 + len(refunds)


@pytest.mark.parametrize("passing", range(24))
async def test_a_database_that_goes_away_while_it_is_settled_changes_nothing(passing: int) -> None:
    """The line is closed once, the end is told once, with its price."""
    async with Scene().running() as scene:
        job = await started(scene)
        await end(scene, job)
        scene.store.script(*[None] * passing, *[StoreDownError("gone")] * 4)
        await asyncio.sleep(200)

    assert (scene.job(job).status, scene.job(job).price) == (JobStatus.COMPLETED, 5)
    assert scene.moved() == [HOLD, ("close", Decimal(0))]
    assert len(scene.messenger.told) == 1
    made = scene.record(scene.job(job).steps[0].generation)
    assert (made.price, made.owed, scene.job(job).owed) == (5, (), ())


def ended(**fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """A job's generation that has completed."""
    known: dict[str, Any] = {
        "job_id": JOB,
        "owed": (a_debt(runs.SETTLE, by=HERE),),
        "ended_by": "engine",
        "history": (
            StatusChange(status=RunStatus.RUNNING, at=NOON, source="webhook"),
            StatusChange(status=RunStatus.COMPLETED, at=NOON, source="engine"),
        ),
        "response_payload": Response(outputs=(an_output(),)),
        "metadata": some_metadata(run_id=RUN, preset="l4_t2i"),
    }
    return a_generation(RunStatus.COMPLETED, **(known | fields))


def settling(scene: Scene) -> HandlerOf[Generation]:
    """What settles, called by hand."""
    return SettleRun(
        Records(scene.generations, scene.clock, Journal()),
        RecordsOf[Job](scene.jobs, scene.clock, Journal().ordered),
        scene.money,
        taking=scene.taking,
        timing=TIMING,
        alerts=scene.alerts,
    )


@pytest.mark.parametrize("jobs", [{}, {JOB: a_job(steps=a_job().steps)}])
async def test_what_has_nothing_to_settle_is_done(jobs: dict[str, Job]) -> None:
    """A run of no job that we know, or one that goes on."""
    scene = Scene()
    scene.jobs.records = dict(jobs)
    open_run = a_generation(RunStatus.RUNNING, job_id=JOB, owed=(a_debt(runs.SETTLE),))
    decide = await settling(scene)(open_run, open_run.owed[0])

    assert decide is not None
    assert decide(open_run, NOON).owed == ()
    assert scene.ledger.kept == []


async def test_a_line_that_was_never_held_is_somebodys_to_look_at() -> None:
    """No try will change it."""
    scene = Scene()
    scene.jobs.records[JOB] = a_job()
    record = ended()
    decide = await settling(scene)(record, record.owed[0])

    assert decide is not None
    assert decide(record, NOON).owed == ()
    assert [each for each in scene.alerts.messages if ID in each]


async def test_another_end_that_comes_meanwhile_is_settled_in_its_turn() -> None:
    """The price is noted under the claim alone."""
    scene = Scene()
    scene.jobs.records[JOB] = a_job()
    await scene.grant()
    await scene.money.hold(a_job().user_id, JOB, {ID: Decimal(5)}, by="api")
    record = ended()
    decide = await settling(scene)(record, record.owed[0])
    assert decide is not None
    other = runs.resettled(record, later(1))

    assert decide(other, later(2)) == other
    assert decide(record, later(2)).price == 5
    assert scene.job(JOB).owed[0].kind is DebtKind.NOTIFY
