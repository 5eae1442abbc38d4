"""`runrelay users forget` and `jobs`: what somebody ordered, and its end."""

from pathlib import Path

import pytest

from schemas.job import JobStatus
from tests.app.cli.accounts import a_filled_database, kept_job, kept_user, with_job
from tests.app.cli.running import run
from tests.builders import JOB, USER, a_job, an_entry


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database with two people, one of whom was given something."""
    return a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}", [an_entry()])


def test_somebody_is_forgotten(tmp_path: Path, database: dict[str, str]) -> None:
    """What they ordered, too; a stub stays, and it can be said again."""
    with_job(database, a_job(status=JobStatus.CANCELLED))
    declined = run("users", "forget", "4711", typed="n\n", data_dir=tmp_path, **database)
    before = kept_user(database, USER)
    done = run("users", "forget", "4711", typed="y\n", data_dir=tmp_path, **database)
    again = run("users", "forget", USER, "--yes", data_dir=tmp_path, **database)

    assert (declined.code, "Nothing was removed." in declined.err) == (1, True)
    assert before is not None
    assert before.first_name == "Ada"
    assert "Ada" in done.out
    assert "10.000000 credits" in done.out or "10 credits" in done.out
    assert done.out.strip().endswith("backups still hold what was there.")
    assert again.code == 0
    after, job = kept_user(database, USER), kept_job(database, JOB)
    assert after is not None
    assert (after.first_name, after.telegram_id) == (None, None)
    assert after.telegram_digest
    assert job is not None
    assert (job.chat, job.steps[0].inputs) == (None, {})


def test_who_waits_for_a_job_is_not_forgotten(tmp_path: Path, database: dict[str, str]) -> None:
    """The job is named."""
    with_job(database, a_job())
    answer = run("users", "forget", "4711", "--yes", data_dir=tmp_path, **database)

    assert answer.code == 2
    assert JOB in answer.err


def test_what_is_under_way_goes_later(tmp_path: Path, database: dict[str, str]) -> None:
    """While a service runs."""
    ended = a_job(status=JobStatus.COMPLETED)
    outcome = {"status": "completed", "provisional": True}
    step = ended.steps[0].read({**ended.steps[0].document(), "outcome": outcome})
    with_job(database, ended.change(steps=(step,)))
    answer = run("users", "forget", "4711", "--yes", data_dir=tmp_path, **database)

    assert answer.out.strip().endswith("goes while a service runs.")


def test_jobs_are_listed(tmp_path: Path, database: dict[str, str]) -> None:
    """With how they went and what they came to."""
    nothing = run("users", "jobs", "4711", data_dir=tmp_path, **database)
    with_job(database, a_job())
    answer = run("users", "jobs", "4711", data_dir=tmp_path, **database)

    assert nothing.out.strip() == "Ada has ordered nothing"
    for words in (JOB, "l4_t2i", "active", "not settled"):
        assert words in answer.out


def test_who_cannot_answer_does_not_agree(tmp_path: Path, database: dict[str, str]) -> None:
    """Nothing is removed where nobody types."""
    answer = run("users", "forget", "4711", data_dir=tmp_path, **database)
    user = kept_user(database, USER)

    assert answer.code == 1
    assert user is not None
    assert user.forget_wanted_at is None
