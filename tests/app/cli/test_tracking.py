"""`runrelay jobs`: what is open, what is stuck, and having it moved; steps as a table."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from app.clock import Clock
from schemas.base import GenerationId
from schemas.job import Job, JobId, JobStatus, Outcome, Pause, Source
from schemas.run import OutputKind, RunStatus
from tests.app.cli.accounts import a_filled_database, kept_job, with_generations, with_job
from tests.app.cli.running import run
from tests.builders import (
    CHAT,
    COMFYUI,
    ID,
    JOB,
    NOON,
    a_debt,
    a_generation,
    a_job,
    a_step,
    an_order,
    later,
    some_metadata,
)

SECOND = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")
OTHER = JobId("0198c0ffee0198c0ffee0198c0ffee78")


def a_chain(**fields: object) -> Job:
    """Return a job of two steps, of which the first is over and paid for."""
    done = Outcome(
        status=RunStatus.COMPLETED,
        price=Decimal(5),
        refunded=Decimal(1),
        cost_usd=Decimal("0.004"),
    )
    source = Source(step=1, generation=ID, type=OutputKind.IMAGE)
    second = a_step(number=2, preset="other", generation=SECOND, sources={"image": source})
    return a_job(steps=(a_step(outcome=done), second), **fields)


@pytest.fixture(scope="module")
def database(mongo_uri: str) -> dict[str, str]:
    """Settings that name a database with a job whose run nobody asks about, and one that waits."""
    named = a_filled_database(mongo_uri, "cli_tracking")
    asked = (a_debt("ask", last_error="away"),)
    parts = {"job_id": JOB, "steps": 2}
    first = a_generation(RunStatus.COMPLETED, step=1, owed=(), cost_usd=Decimal("0.004"), **parts)
    second = an_order(id=SECOND, status=RunStatus.WAITING, step=2, engine=COMFYUI, owed=(), **parts)
    with_generations(named, first.change(owed=asked, due_at=NOON), second)
    with_job(named, a_chain(owed=(a_debt("notify", next_at=Clock().now()),)))
    pause = Pause(step=1, at=NOON, until=later(1e9))
    unmade = a_step(generation=GenerationId("0" * 32), outcome=None)
    with_job(named, a_job(id=OTHER, status=JobStatus.ACTIVE, pause=pause, steps=(unmade,)))
    return named


def test_what_is_open_and_stuck_is_shown(tmp_path: Path, database: dict[str, str]) -> None:
    """Counts, ages and reasons; as JSON too, and for a monitor by the exit code."""
    shown = run("jobs", "open", data_dir=tmp_path, **database)
    told = run("jobs", "open", "--json", "--check", data_dir=tmp_path, **database)

    assert (shown.code, told.code) == (0, 1)
    for words in ("2 jobs are open, 1 of them wait", JOB, "waiting", "ask: due, and taken up by"):
        assert words in shown.out
    counted = json.loads(told.out)
    assert (counted["jobs"]["open"], counted["jobs"]["paused"]) == (2, 1)
    assert counted["generations"]["byStatus"] == {"waiting": 1}
    assert {"nobody_works"} <= {each["reason"] for each in counted["stuck"]}


def test_jobs_are_listed(tmp_path: Path, database: dict[str, str]) -> None:
    """All, the open ones of somebody, or those that are stuck."""

    def ids(*options: str) -> list[str]:
        answer = run("jobs", "list", "--json", *options, data_dir=tmp_path, **database)
        return [each["id"] for each in json.loads(answer.out)["items"]]

    assert ids("--open", "--user", str(CHAT)) == [OTHER, JOB]
    assert ids("--status", "completed") == []
    assert ids("--stuck", "--limit", "9")[-1] == JOB
    table = run("jobs", "list", "--stuck", "--check", data_dir=tmp_path, **database)
    assert table.code == 1
    assert "l4_t2i, other" in table.out
    assert "2 of 2" in table.out
    none = run("jobs", "list", "--status", "failed", "--check", data_dir=tmp_path, **database)
    assert (none.code, none.out.strip()) == (0, "there is no such job")
    calm = run("jobs", "list", "--stuck", "--status", "failed", data_dir=tmp_path, **database)
    assert calm.out.strip() == "no job is stuck"
    bad = run("jobs", "list", "--status", "odd", data_dir=tmp_path, **database)
    assert (bad.code, "--status: odd is none of pending" in bad.err) == (2, True)


def test_a_job_is_shown_with_its_steps(tmp_path: Path, database: dict[str, str]) -> None:
    """What each costs and waits for, and how it is had moved; the page of its runs shows them."""
    shown = run("jobs", "show", JOB, data_dir=tmp_path, **database)
    told = run("jobs", "show", JOB, "--json", data_dir=tmp_path, **database)
    paused = run("jobs", "show", OTHER, data_dir=tmp_path, **database)
    unknown = run("jobs", "show", "0" * 32, data_dir=tmp_path, **database)
    pages = [run("explain", each, data_dir=tmp_path, **database) for each in (JOB, SECOND)]

    for words in ("1 of 2", "5, 1 given back", "0.004 USD", "image of step 1", "5 held"):
        assert words in shown.out
        assert all(words in each.out for each in pages)
    assert f"runrelay jobs reset {JOB}" in shown.out
    assert [each["id"] for each in json.loads(told.out)["generations"]] == [ID, SECOND]
    assert "active, paused" in paused.out
    assert "not made" in paused.out
    assert (unknown.code, unknown.err.strip()) == (2, "no such job")


def test_a_job_is_reset(tmp_path: Path, mongo_uri: str) -> None:
    """What was done is said, and once is enough; then nothing is stuck."""
    named = a_filled_database(mongo_uri, "cli_tracking_reset")
    empty = run("jobs", "open", data_dir=tmp_path, **named)
    tried = a_debt("notify", dead_at=Clock().now(), attempts=8)
    with_job(named, a_job(status=JobStatus.COMPLETED, owed=(tried,)))
    done = run("jobs", "reset", JOB, "--by", "ada", data_dir=tmp_path, **named)
    again = run("jobs", "reset", JOB, data_dir=tmp_path, **named)

    assert empty.out.splitlines() == ["0 jobs are open", "nothing is stuck"]
    assert "is tried again, though it was given up" in done.out
    assert again.out.startswith("nothing was to be done")
    job = kept_job(named, JOB)
    assert job is not None
    assert [each.dead_at for each in job.owed] == [None]


def test_a_step_that_waits_for_its_person_says_so(tmp_path: Path, mongo_uri: str) -> None:
    """And items of a step are told apart."""
    named = a_filled_database(mongo_uri, "cli_tracking_items")
    pause = Pause(step=1, at=NOON, until=later(9))
    chain = a_chain(pause=pause)
    twice = chain.steps[1].change(item=2, generation=GenerationId("2" * 32))
    with_job(named, chain.change(steps=(*chain.steps, twice)))
    waits = an_order(id=SECOND, status=RunStatus.WAITING, owed=(), metadata=some_metadata())
    with_generations(named, waits)
    shown = run("jobs", "show", JOB, data_dir=tmp_path, **named)

    assert "image of step 1, its person's word" in shown.out
    assert "2 of 2" in shown.out
