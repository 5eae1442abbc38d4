"""jobs: what is left of a job whose person is forgotten."""

from decimal import Decimal

import pytest

from processors import jobs
from schemas.base import InstanceName
from schemas.job import Job, JobStatus, Outcome
from schemas.run import RunStatus
from tests.builders import NOON, a_debt, a_job, a_step

PAID = Outcome(status=RunStatus.COMPLETED, price=Decimal(5), reason="words")


def ended(**fields: object) -> Job:
    """A job that has ended and been paid."""
    return a_job(**({"status": JobStatus.COMPLETED, "steps": (a_step(outcome=PAID),)} | fields))


@pytest.mark.parametrize(
    ("job", "can"),
    [
        (ended(), True),
        (ended(status=JobStatus.REFUSED, steps=(a_step(),)), True),
        (ended(steps=(a_step(outcome=PAID.change(price=None)),)), False),
        (ended(owed=(a_debt(jobs.NOTIFY),)), True),
        (ended(owed=(a_debt(jobs.NOTIFY, by=InstanceName("x")),)), False),
        (ended(owed=(a_debt(jobs.NOTIFY, by=InstanceName("x"), dead_at=NOON),)), True),
        (ended(owed=(a_debt(jobs.CANCEL),)), False),
        (a_job(), False),
    ],
)
def test_a_job_is_blanked_once_nothing_is_left_to_do(job: Job, *, can: bool) -> None:
    """Until then it stays as it is."""
    after = jobs.blanked(job)

    assert jobs.forgettable(job) is can
    assert (after == job) is not can
    assert jobs.blanked(after) == after


def test_what_was_said_is_gone_and_what_it_came_to_stays() -> None:
    """Its numbers are the ledger's."""
    step = a_step(inputs={"prompt": "words"}, fixed={"text": "words"}, outcome=PAID)
    job = ended(steps=(step,), status_reason="words")
    after = jobs.blanked(job)

    assert "words" not in after.model_dump_json()
    assert (after.chat, after.price, after.user_id) == (None, 5, job.user_id)
