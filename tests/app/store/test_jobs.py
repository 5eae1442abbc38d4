"""How MongoDB finds jobs. See also tests/contracts."""

from typing import Any

import pytest

from app.store.connection import Connection
from app.store.jobs import MongoJobs
from processors.limits import Bounds, Past
from schemas.base import first_id
from schemas.job import JOB_OPEN, JobStatus, Pause
from tests.app.store.profiling import profiled
from tests.builders import NOON, USER, a_debt, a_job, later

pytestmark = pytest.mark.anyio

ENDED, OPEN = 1_500, 3


@pytest.fixture
async def busy(prepared: Connection) -> Connection:
    """A database in which `USER` has ordered a lot in the last minute, and others too."""
    documents = list[dict[str, Any]]()
    for number in range(ENDED):
        ours = a_job(id=first_id(later(-number / 100)), status=JobStatus.COMPLETED)
        if number >= ENDED - OPEN:
            ours = ours.change(status=JobStatus.ACTIVE)
        theirs = ours.change(id=f"{ours.id[:16]}{number + 1:016x}", user_id=f"user{number % 9}")
        documents += [ours.document(), theirs.document()]
    await prepared.collection("jobs").insert_many(documents)
    return prepared


async def test_limits_are_counted_by_indexes_alone(busy: Connection) -> None:
    """However high they are: no document is read, and no more keys than are asked about."""
    jobs = MongoJobs(busy)
    async with profiled(busy, "jobs") as profile:
        past = await jobs.past(USER, Bounds(2, 10, ENDED), NOON)
    assert past == Past(open=2, minute=later(-0.09), day=later(-(ENDED - 1) / 100))
    assert (profile.documents, len(profile.plans)) == (0, 1)
    assert ENDED < profile.keys <= 2 + 10 + ENDED + 5
    async with profiled(busy, "jobs") as profile:
        assert (await jobs.past(USER, Bounds(None, None, ENDED + 1), NOON)).day is None
    assert profile.documents == 0


async def test_the_next_turn_is_found_by_an_index_alone(busy: Connection) -> None:
    """However many turns were taken."""
    jobs = MongoJobs(busy)
    for turn in (1, 2, 3):
        await jobs.insert(a_job(id=f"{turn:032x}", turn=turn))
    async with profiled(busy, "jobs") as profile:
        assert await jobs.turn(USER) == 3

    assert (profile.documents, profile.keys) == (0, 1)


async def test_open_jobs_of_somebody_are_found_among_many_that_ended(busy: Connection) -> None:
    """Only they are read."""
    async with profiled(busy, "jobs") as profile:
        page = await MongoJobs(busy).page(USER, None, 100, statuses=JOB_OPEN)

    assert len(page.items) == profile.documents == OPEN
    assert profile.keys <= OPEN + 5


async def test_what_is_stuck_is_found_among_many_that_run(prepared: Connection) -> None:
    """What was ordered since is not read: it has changed since."""
    documents = [
        a_job(id=first_id(later(number)), updated_at=later(number)).document()
        for number in range(200)
    ]
    await prepared.collection("jobs").insert_many(documents)
    async with profiled(prepared, "jobs") as profile:
        found = await MongoJobs(prepared).silent(later(5), 20)

    assert len(found) == profile.documents == 5


async def test_what_is_open_is_counted_by_indexes_alone(busy: Connection) -> None:
    """Only the oldest is read, and those that wait for their person's word."""
    pause = Pause(step=1, at=NOON, until=later(9))
    paused = a_job(id=first_id(later(-1e6)), pause=pause)
    await busy.collection("jobs").insert_one(paused.document())
    async with profiled(busy, "jobs") as profile:
        found = await MongoJobs(busy).count_open()

    assert (found.number, found.paused) == (2 * OPEN + 1, 1)
    assert profile.documents == 2
    assert profile.keys <= 2 * (2 * OPEN + 5) + 5


async def test_what_fails_and_what_was_given_up_goes_by_an_index(busy: Connection) -> None:
    """However much there is that waits for its first try."""
    jobs = MongoJobs(busy)
    waits = [a_job(id=f"{number:032x}", owed=(a_debt("start"),)) for number in range(200)]
    await busy.collection("jobs").insert_many([each.document() for each in waits])
    await jobs.insert(a_job(id="e" * 32, owed=(a_debt("start", attempts=6),)))
    await jobs.insert(a_job(id="f" * 32, owed=(a_debt("notify", dead_at=NOON),)))
    async with profiled(busy, "jobs") as profile:
        assert [each.id for each in await jobs.failing(9)] == ["e" * 32]
        assert [each.id for each in await jobs.died(later(-1), 9)] == ["f" * 32]

    assert profile.documents == 2
