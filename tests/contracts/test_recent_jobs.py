"""What every keeper of jobs tells limits, and those who look for what is stuck."""

import pytest

from app.ports import Jobs
from processors.limits import Bounds, Past
from schemas.base import UserId, first_id
from schemas.job import Job, JobId, JobStatus
from tests.builders import NOON, USER, a_job, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def jobs(ports: Ports) -> Jobs:
    """The port under test."""
    return ports.jobs


def ordered(seconds: float, status: JobStatus = JobStatus.COMPLETED, **fields: object) -> Job:
    """A job ordered so many seconds after noon, as its id says too."""
    at = later(seconds)
    made = a_job(id=JobId(first_id(at)), status=status, created_at=at, updated_at=at)
    return made.change(**fields)


async def test_what_somebody_ordered_is_counted_as_far_as_bounds_go(jobs: Jobs) -> None:
    """What runs, however old, and who makes a minute or a day full; none that was refused."""
    for each in (
        ordered(-99_999, JobStatus.PENDING),
        ordered(-86_401),
        ordered(-70),
        ordered(-60),
        ordered(-40, JobStatus.REFUSED),
        ordered(-30, user_id=UserId("other")),
        ordered(-20, JobStatus.ACTIVE),
        ordered(-10, JobStatus.ACTIVE),
    ):
        assert await jobs.insert(each)

    for bounds, past in (
        (Bounds(None, None, None), Past()),
        (Bounds(0, 0, 0), Past()),
        (Bounds(9, 9, 9), Past(open=3)),
        (Bounds(3, 3, 4), Past(3, later(-60), later(-70))),
        (Bounds(2, 1, 2), Past(2, later(-10), later(-20))),
        (Bounds(None, 2, None), Past(minute=later(-20))),
        (Bounds(None, None, 5), Past()),
    ):
        assert await jobs.past(USER, bounds, NOON) == past


async def test_a_turn_is_taken_once(jobs: Jobs) -> None:
    """Each person has their own, and orders without one are in nobody's way."""
    other = UserId("other")
    assert await jobs.turn(USER) == 0
    for number, (user, turn) in enumerate(((USER, 1), (USER, 2), (other, 1), (USER, None))):
        assert await jobs.insert(ordered(number, user_id=user, turn=turn))
    assert not await jobs.insert(ordered(9, turn=2))
    assert await jobs.insert(ordered(9))

    assert (await jobs.turn(USER), await jobs.turn(other)) == (2, 1)


async def test_jobs_that_have_not_moved_for_long_are_found(jobs: Jobs) -> None:
    """Nothing that has ended; the oldest first."""
    for each in (
        ordered(3, JobStatus.ACTIVE),
        ordered(1, JobStatus.PENDING),
        ordered(2),
        ordered(9, JobStatus.ACTIVE),
    ):
        await jobs.insert(each)

    found = await jobs.silent(later(9), 9)
    assert [each.created_at for each in found] == [later(1), later(3)]
    assert len(await jobs.silent(later(9), 1)) == 1
