"""What changes while people look."""

import pytest
from pydantic import ValidationError

from schemas.job import JOB_OPEN, JobStatus
from schemas.live import Change, Kind, Position, Wanted
from schemas.run import OPEN, RunStatus
from schemas.wire.live import EventsQuery
from tests.builders import ID, JOB, USER, a_generation, a_job, some_metadata


def test_a_position_is_written_and_read() -> None:
    """It sorts as time goes; what is no position of a database is none."""
    at = Position(1795369266, 41)

    assert Position.read(str(at)) == at
    assert Position(2, 10) > Position(2, 9) > Position(1, 99)
    for odd in ("", "7", "1.2.3", "-1.2", "1.x", "4294967296.1", "1.4294967296", " 1.2"):
        assert Position.read(odd) is None


def test_two_changes_of_one_record_come_to_the_later() -> None:
    """That the status changed in between stays known."""
    first = Change(Kind.GENERATION, ID, Position(1, 1), moved=True)
    later = Change(Kind.GENERATION, ID, Position(1, 2))

    assert later.after(first) == later._replace(moved=True)
    assert later.after(None) == later


def test_what_is_wanted_is_known_by_whose_it_is() -> None:
    """Of all that is given; a job is more than any one generation."""
    record = a_generation(job_id=JOB, step=1, metadata=some_metadata(user_id=USER))
    job = a_job()

    assert Wanted().of_generation(record)
    assert Wanted(user=USER, job=JOB, generation=ID).of_generation(record)
    for other in (Wanted(user="another"), Wanted(generation=record.id, user="another")):
        assert not other.of_generation(record)
        assert not other.of_job(job)
    assert Wanted(user=job.user_id, job=job.id).of_job(job)
    assert not Wanted(generation=ID).of_job(job)


def test_statuses_that_are_wanted() -> None:
    """All, the open ones, or one; jobs have some of them."""
    assert Wanted().generation_statuses() == frozenset(RunStatus)
    assert Wanted().job_statuses() == frozenset(JobStatus)
    assert Wanted(status="open").generation_statuses() == OPEN
    assert Wanted(status="open").job_statuses() == JOB_OPEN
    assert Wanted(status="failed").generation_statuses() == {RunStatus.FAILED}
    assert Wanted(status="failed").job_statuses() == {JobStatus.FAILED}
    assert Wanted(status="uploading").job_statuses() == frozenset()


def test_a_filter_takes_statuses_that_there_are() -> None:
    """And ``open``; anything else is refused."""
    assert EventsQuery(status="open").status == "open"
    assert EventsQuery(status="running").status == "running"
    with pytest.raises(ValidationError):
        EventsQuery(status="asleep")
