"""A start of a job under a claim that is gone."""

from decimal import Decimal

import pytest

from app.observability.journal import Journal
from app.usecases.money import Money
from app.usecases.records import Records
from app.usecases.start_job import StartJob
from app.usecases.taking import Taking
from processors import jobs
from schemas.job import JobStatus
from tests.builders import HERE, TIMING, a_debt, a_job, an_entry
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.jobs import FakeJobs
from tests.fakes.ledger import FakeLedger

pytestmark = pytest.mark.anyio


async def test_a_job_that_was_refused_meanwhile_is_not_held_for() -> None:
    """Though there are credits for it by now: nothing is held, nothing is made."""
    start = a_debt(jobs.START)
    job = a_job(status=JobStatus.PENDING, owed=(start,))
    kept = FakeJobs({job.id: job.change(status=JobStatus.REFUSED, owed=(), due_at=None)})
    clock, ledger = FakeClock(), FakeLedger(kept=[an_entry(amount=Decimal(10))])
    generations = FakeGenerations()
    taking = Taking(HERE, TIMING, background=True, messenger=None)
    starter = StartJob(Records(generations, clock, Journal()), kept, Money(ledger, clock), taking)

    assert await starter(job, start) is None
    assert (len(ledger.kept), dict(generations.records)) == (1, {})
