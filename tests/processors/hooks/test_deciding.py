"""processors.hooks.deciding: which writes others hear of, and how that is owed."""

from typing import Any

import pytest

from processors import debts, hooks
from schemas.debt import DebtKind
from schemas.generation import Generation, Response
from schemas.hook import HookEvent
from schemas.job import JobStatus
from schemas.run import RunStatus
from tests.builders import HERE, NOON, a_generation, a_job, a_taker, an_output, later

NOBODY: frozenset[HookEvent] = frozenset()


def standing(status: RunStatus, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """A generation at a status, told by its engine."""
    return a_generation(status=status, **{"ended_by": "engine", **fields})


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (RunStatus.COMPLETED, HookEvent.COMPLETED),
        (RunStatus.FAILED, HookEvent.FAILED),
        (RunStatus.TIMEOUT, HookEvent.FAILED),
        (RunStatus.CANCELLED, HookEvent.CANCELLED),
    ],
)
def test_every_end_is_heard_of(status: RunStatus, event: HookEvent) -> None:
    """A timeout is a failure, of which the status says more."""
    before, after = standing(RunStatus.RUNNING), standing(status)

    assert hooks.news(before, after) is event
    assert hooks.news(after, after.change(progress=1.0)) is None
    assert not hooks.passed(after, event)


def test_an_end_that_replaces_another_is_heard_of_too() -> None:
    """Where it is another, or the same by the engine's word with other outputs."""
    ours = standing(RunStatus.TIMEOUT, ended_by="us")
    done = standing(RunStatus.COMPLETED, ended_by="us")
    more = Response(outputs=(an_output(),))

    assert hooks.news(ours, standing(RunStatus.COMPLETED)) is HookEvent.COMPLETED
    assert hooks.news(done, standing(RunStatus.COMPLETED)) is None
    brought = standing(RunStatus.COMPLETED, response_payload=more)
    assert hooks.news(done, brought) is HookEvent.COMPLETED
    kept = brought.change(response_payload=Response(outputs=(an_output(key="outputs/1"),)))
    assert hooks.news(brought, kept) is None
    assert hooks.passed(brought, HookEvent.FAILED)


def test_a_start_is_the_first_sight_of_computing() -> None:
    """Neither what comes after it nor a change before it is one."""
    queued = standing(RunStatus.QUEUED, started_at=None)
    running = standing(RunStatus.RUNNING, started_at=NOON)

    assert hooks.news(queued, running) is HookEvent.STARTED
    assert hooks.news(running, running.change(progress=0.5)) is None
    assert hooks.news(queued, queued.change(queue_position=3)) is None
    assert not hooks.passed(running, HookEvent.STARTED)


def test_a_job_is_heard_of_at_its_end() -> None:
    """Whichever it is, and again where it becomes another."""
    active, done = a_job(status=JobStatus.ACTIVE), a_job(status=JobStatus.COMPLETED)

    assert hooks.job_news(active, done) is HookEvent.JOB
    assert hooks.job_news(done, done) is None
    assert hooks.job_news(active, active) is None
    assert not hooks.passed(done, HookEvent.JOB)
    assert hooks.passed(active, HookEvent.JOB)


def test_progress_is_told_of_what_runs() -> None:
    """Not of what is new, waits, has ended, or stands still."""
    running = standing(RunStatus.RUNNING, started_at=NOON, progress=0.1)
    further = running.change(progress=0.2)

    assert hooks.progressed(running, further)
    assert hooks.progressed(running, running.change(live_status="KSampler"))
    assert not hooks.progressed(None, further)
    assert not hooks.progressed(running, running)
    assert not hooks.progressed(running, standing(RunStatus.COMPLETED, started_at=NOON))
    assert not hooks.progressed(running, further.change(started_at=None))


def test_an_order_s_own_endpoint_hears_of_it_alone() -> None:
    """Others are heard of where anybody listens."""
    plain, own = a_generation(), a_generation(hooked=hooks.ENDS)

    assert hooks.hears(HookEvent.FAILED, own, NOBODY)
    assert not hooks.hears(HookEvent.FAILED, plain, NOBODY)
    assert not hooks.hears(HookEvent.STARTED, own, NOBODY)
    assert hooks.hears(HookEvent.STARTED, plain, frozenset({HookEvent.STARTED}))


def test_what_is_heard_of_is_owed_with_its_cause() -> None:
    """Under the version that the write makes, claimed by who decides."""
    after = standing(RunStatus.COMPLETED, version=7, owed=())
    taker = a_taker(DebtKind.WEBHOOK)
    record = hooks.owing(after, HookEvent.COMPLETED, later(1), taker)

    [debt] = record.owed
    assert (debt.key, debt.kind, debt.by) == (
        "webhook/generation.completed",
        DebtKind.WEBHOOK,
        HERE,
    )
    assert hooks.about(debt) == (HookEvent.COMPLETED, 7, "2026-01-01T12:00:01.000Z")
    assert debts.find(hooks.owing(record, HookEvent.COMPLETED, NOON).owed, debt.key) is not None
    assert record.due_at == debt.next_at
