"""processors.ledger.matching: what is held is held for somebody, and what has ended is closed."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from processors import jobs, ledger
from processors.ledger import EndedRun, OpenLine
from schemas.generation import Generation, StatusChange
from schemas.job import Job, JobStatus
from schemas.ledger import EntryKind
from schemas.run import RunStatus
from tests.builders import ID, JOB, NOON, TIMING, a_debt, a_generation, a_job, an_entry

HOLD = an_entry(2, kind=EntryKind.HOLD, key=f"hold:{JOB}", lines={ID: Decimal(5)})
LINE = OpenLine(HOLD, ID, Decimal(5))
LATER = NOON + TIMING.grace + TIMING.retry_inward_most
JUST_BEFORE = LATER - timedelta(milliseconds=1)


def ended(at: datetime = NOON) -> Generation:
    """A generation of the job that has ended."""
    past = StatusChange(status=RunStatus.TIMEOUT, at=at, source="us")
    return a_generation(RunStatus.TIMEOUT, job_id=JOB, history=(past,))


def said(job: Job | None, generation: Generation | None, now: datetime) -> str | None:
    """What is wrong with the line, in words."""
    found = ledger.held_for_nobody(LINE, job, generation, now, TIMING)
    assert found is None or (found.key, found.generation) == (f"hold:{JOB}", ID)
    return None if found is None else found.said


def test_what_is_held_for_a_run_under_way_is_well() -> None:
    """However long it takes."""
    assert said(a_job(), a_generation(), LATER + timedelta(days=9)) is None


def test_what_is_held_for_no_job_is_not() -> None:
    """A job is there before its hold is."""
    assert said(None, None, NOON) == "5 credits are held, and there is no such job"


@pytest.mark.parametrize("job", [a_job(), a_job(status=JobStatus.TIMEOUT, ended_at=NOON)])
def test_an_end_holds_for_a_grace_and_no_longer(job: Job) -> None:
    """And for as long as a settling that fails may wait for its next try."""
    assert said(job, ended(), JUST_BEFORE) is None
    assert said(job, ended(), LATER) == (
        "5 credits are held, and it ended at 2026-01-01T12:00:00.000Z (timeout)"
    )


def test_a_job_that_is_being_started_has_no_generation_yet() -> None:
    """One that was started must have."""
    pending = a_job(status=JobStatus.PENDING, owed=(a_debt(jobs.START),))

    assert said(pending, None, LATER) is None
    assert said(a_job(), None, JUST_BEFORE) is None
    assert said(a_job(), None, LATER) == (
        "5 credits are held, and its job is active without this generation"
    )


def test_an_end_without_a_close_is_named() -> None:
    """By the key that the close would have."""
    found = ledger.close_missing(EndedRun(ID, JOB, NOON))

    assert (found.key, found.generation) == (f"close:{ID}", ID)
    assert found.said == (
        f"it ended at 2026-01-01T12:00:00.000Z, and its line was never closed (job {JOB})"
    )
