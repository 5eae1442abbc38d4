"""jobs.stuck: what should have moved by itself, why it has not, and since when."""

from datetime import timedelta

import pytest

from processors.jobs import stuck
from schemas.base import GenerationId
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation, StatusChange
from schemas.job import Job, JobStatus, Outcome, Pause, Source
from schemas.run import OutputKind, RunStatus
from schemas.stuck import Stuck, StuckReason
from tests.builders import HERE, ID, JOB, NOON, TIMING, a_debt, a_generation, a_job, a_step, later

NOW = NOON + timedelta(hours=1)
LATER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")
CLAIMED = a_debt("submit", by=HERE, next_at=later(1))


def ended(**fields: object) -> Generation:
    """Return a run of a job's first step that was over at noon, and owes nothing."""
    known: dict[str, object] = {
        "job_id": JOB,
        "step": 1,
        "steps": 2,
        "owed": (),
        "response_timestamp": NOON,
    }
    return a_generation(RunStatus.COMPLETED, **(known | fields))


def waiting() -> Generation:
    """Return a second step whose turn has not come."""
    return a_generation(RunStatus.WAITING, id=LATER, job_id=JOB, step=2, steps=2, owed=())


def a_chain(**fields: object) -> Job:
    """Return a job whose second step takes what the first makes."""
    source = Source(step=1, generation=ID, type=OutputKind.IMAGE)
    second = a_step(number=2, generation=LATER, sources={"image": source})
    return a_job(steps=(a_step(), second), **fields)


def found(job: Job, *made: Generation) -> list[tuple[StuckReason, object]]:
    """Return why a job is stuck, and since when, an hour after noon."""
    told = stuck.of_job(job, {each.id: each for each in made}, NOW, TIMING)
    return [(each.reason, each.since) for each in told]


@pytest.mark.parametrize(
    ("debt", "reason", "since"),
    [
        (a_debt("submit"), StuckReason.NOBODY_WORKS, NOON),
        (CLAIMED, StuckReason.CLAIM_RAN_OUT, later(1)),
        (a_debt("notify", dead_at=NOON), StuckReason.DEAD, NOON),
        (
            a_debt("keep", attempts=6, next_at=NOW, last_error="404"),
            StuckReason.FAILING,
            NOW - timedelta(hours=1, minutes=12, seconds=36) - timedelta(hours=1),
        ),
    ],
)
def test_what_is_owed_and_not_done_is_stuck(debt: Debt, reason: StuckReason, since: object) -> None:
    """Whether nobody takes it up, or who has does not do it, or it fails, or was given up."""
    told = stuck.of_generation(ended(owed=(debt,)), NOW, TIMING)

    assert told is not None
    assert (told.reason, told.debt, told.error) == (reason, debt.key, debt.last_error)
    assert (told.job, told.generation, told.step, told.of) == (JOB, ID, 1, 2)
    assert (told.engine, told.status) == ("comfydeploy", "completed")
    assert reason is StuckReason.FAILING or told.since == since
    assert found(a_job(owed=(debt,)))[0][0] in {reason, StuckReason.NOT_STARTED}


@pytest.mark.parametrize(
    "debt",
    [
        a_debt("submit", next_at=NOW),
        a_debt("ask", attempts=9, next_at=NOW),
        a_debt("show", attempts=9, next_at=NOW),
        a_debt("notify", dead_at=NOW - TIMING.stuck_given_up),
    ],
)
def test_what_is_under_way_is_not_stuck(debt: Debt) -> None:
    """Nor is asking, however often; what was given up long ago is no news."""
    assert stuck.of_generation(ended(owed=(debt,)), NOW, TIMING) is None


def test_a_failing_debt_says_about_since_when_and_when_it_is_tried_again() -> None:
    """Its waits tell; one that is claimed or due is tried at no later time."""
    after = NOW + timedelta(minutes=3)
    told = stuck.of_generation(
        ended(owed=(a_debt("settle", attempts=6, next_at=after, last_error="no"),)), NOW, TIMING
    )

    assert told is not None
    assert told.next == after
    assert told.since < NOW - timedelta(minutes=10)
    assert stuck.words_of(told) == "settle: tried often, and fails each time (no)"
    plain = Stuck(reason=StuckReason.SILENT, since=NOON, status="running")
    assert stuck.words_of(plain) == stuck.WORDS[StuckReason.SILENT]
    assert set(stuck.WORDS) == set(StuckReason)


def test_a_submit_without_an_answer_is_stuck() -> None:
    """After a while, however it is looked for."""
    sent = StatusChange(status=RunStatus.SUBMITTING, at=later(60), source="submit")
    looked = a_debt("submit", next_at=NOW + timedelta(seconds=9), last_error="no run is known")
    lost = a_generation(RunStatus.SUBMITTING, history=(sent,), owed=(looked,))
    told = stuck.of_generation(lost, NOW, TIMING)

    assert told is not None
    assert (told.reason, told.since, told.error, told.of) == (
        StuckReason.SUBMIT_UNKNOWN,
        later(60),
        "no run is known",
        None,
    )
    assert stuck.of_generation(lost, later(120), TIMING) is None


def test_a_run_whose_time_is_up_is_stuck() -> None:
    """Though it is asked about; a step that waits for others has no time."""
    asked = (a_debt("ask", next_at=NOW + timedelta(minutes=4)),)
    silent = a_generation(RunStatus.RUNNING, started_at=NOON, owed=asked)
    told = stuck.of_generation(silent, NOW, TIMING)

    assert told is not None
    assert (told.reason, told.since) == (StuckReason.SILENT, NOON + TIMING.limit_running)
    assert stuck.of_generation(silent, later(60), TIMING) is None
    late = NOON + timedelta(days=1)
    assert stuck.of_generation(waiting(), late, TIMING) is None


def test_a_job_that_is_not_made_is_stuck() -> None:
    """Whether its start is not done, or one of its generations is not there."""
    start = a_debt("start", next_at=NOW, last_error="away")
    pending = a_job(status=JobStatus.PENDING, owed=(start,))
    (told,) = stuck.of_job(pending, {}, NOW, TIMING)

    assert (told.reason, told.since, told.error) == (StuckReason.NOT_STARTED, NOON, "away")
    assert (told.job, told.generation, told.of, told.status) == (JOB, None, 1, "pending")
    assert found(a_job()) == [(StuckReason.NOT_STARTED, NOON)]
    assert stuck.of_job(pending, {}, later(60), TIMING) == ()
    over = a_job(steps=(a_step(outcome=Outcome(status=RunStatus.FAILED)),))
    assert found(over) == []


def test_a_step_whose_turn_has_come_is_stuck() -> None:
    """Once all that it takes is there, and nothing is owed that would let it begin."""
    (told,) = stuck.of_job(a_chain(), {ID: ended(), LATER: waiting()}, NOW, TIMING)

    assert (told.reason, told.since, told.generation, told.step, told.of, told.status) == (
        StuckReason.NOT_ADVANCED,
        NOON,
        LATER,
        2,
        2,
        "waiting",
    )
    advance = Debt(key="advance", kind=DebtKind.ADVANCE, next_at=NOW)
    for first in (ended(owed=(advance,)), ended(owed=(a_debt("keep", next_at=NOW),))):
        assert found(a_chain(), first, waiting()) == []
    running = a_generation(RunStatus.RUNNING, owed=())
    assert found(a_chain(), running, waiting()) == []


def test_a_job_that_asks_its_person_waits_for_all_of_a_step() -> None:
    """And one that is about to move is not stuck; a pause that nobody began is."""
    part = a_step(item=2, generation=GenerationId("3" * 32))
    manual = a_chain(manual=True)
    manual = manual.change(steps=(manual.steps[0], part, manual.steps[1]))
    running = a_generation(RunStatus.RUNNING, id=part.generation, owed=())

    assert found(manual, ended(), running, waiting()) == []
    over = ended(id=part.generation)
    assert found(manual, ended(), over, waiting()) == [(StuckReason.NOT_ADVANCED, NOON)]
    moving = a_chain(owed=(Debt(key="advance", kind=DebtKind.ADVANCE, next_at=NOW),))
    assert found(moving, ended(), waiting()) == []


def test_a_job_that_is_over_and_has_not_ended_is_stuck() -> None:
    """All of its runs are done with, and nothing is owed any more."""
    assert found(a_job(), ended()) == [(StuckReason.NOT_ENDED, NOON)]
    assert found(a_job(), ended(owed=(a_debt("settle", next_at=NOW),))) == []
    assert found(a_job(), a_generation(RunStatus.RUNNING)) == []


def test_a_job_that_waits_for_its_person_is_not_stuck() -> None:
    """It is open; what it owes may be stuck all the same. Nor is one that has ended."""
    pause = Pause(step=1, at=NOON, until=NOON + timedelta(days=1))

    assert found(a_chain(pause=pause), ended(), waiting()) == []
    owing = a_chain(pause=pause, owed=(a_debt("notify"),))
    assert found(owing, ended(), waiting()) == [(StuckReason.NOBODY_WORKS, NOON)]
    assert found(a_job(status=JobStatus.COMPLETED), ended()) == []
