"""app.usecases.start_job: what a job's start and its cancel do to each other."""

import pytest

from app.usecases.start_job import CancelJob, StartJob
from processors import debts, jobs
from schemas.job import JobStatus
from tests.app.usecases.scenes import Scene
from tests.builders import HERE, NOON, a_debt, a_job

pytestmark = pytest.mark.anyio

STARTING = a_job(
    status=JobStatus.PENDING,
    owed=(a_debt(jobs.START, by=HERE), a_debt(jobs.CANCEL, by=HERE)),
    cancel_wanted=True,
)


async def test_a_cancel_looks_again_where_it_saw_a_start_under_way() -> None:
    """Even if the start is done by the time that it writes: what was made came after its look."""
    scene = Scene()
    decide = await CancelJob(scene.records, scene.taking)(STARTING, STARTING.owed[1])
    assert decide is not None
    started = debts.put(STARTING, STARTING.owed[1:])

    for each in (STARTING, started):
        debt = debts.find(decide(each, NOON).owed, jobs.CANCEL)
        assert debt is not None
        assert (debt.by, debt.next_at) == (None, NOON)


async def test_a_cancel_is_done_once_everything_was_there_to_be_cancelled() -> None:
    """Or where its claim is lost, since another does it."""
    scene = Scene()
    job = a_job(owed=STARTING.owed[1:])
    decide = await CancelJob(scene.records, scene.taking)(job, job.owed[0])
    assert decide is not None
    assert decide(job, NOON).owed == ()

    early = await CancelJob(scene.records, scene.taking)(STARTING, STARTING.owed[1])
    assert early is not None
    taken = debts.put(STARTING, debts.claim(STARTING.owed, jobs.CANCEL, scene.taking.taker(NOON)))
    assert early(taken, NOON) == taken


async def test_a_start_whose_claim_is_lost_changes_nothing() -> None:
    """Neither is the job begun by it nor refused."""
    scene = Scene()
    starter = StartJob(scene.records, scene.money, scene.taking)
    lost = STARTING.owed[0].change(n=9)

    assert starter.started(lost)(STARTING, NOON) == STARTING
    refused = starter.refused(lost, "insufficient_credits", tell=True)
    assert refused(STARTING, NOON) == STARTING
