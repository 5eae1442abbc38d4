"""`runrelay explain`: one generation on one page."""

from pathlib import Path

from processors import jobs, ledger
from processors.ledger import Act
from schemas.base import EngineName, GenerationId, RunId, UserId
from schemas.generation import EngineRun, Request
from schemas.job import JobStatus, Told
from schemas.ledger import EntryId
from schemas.run import RunStatus
from tests.app.cli.accounts import a_filled_database, with_generations, with_job
from tests.app.cli.running import Service, run
from tests.builders import (
    JOB,
    NOON,
    USER,
    a_debt,
    a_generation,
    a_job,
    an_entry,
    later,
    some_metadata,
)


def test_a_life_is_told_in_order(service: Service, generation: str) -> None:
    """Facts, events, changes, cost and message are there, the changes in their order."""
    page = run("explain", generation, data_dir=service.data_dir).out

    assert "inputs     prompt=a lighthouse [red]at dusk, steps=20" in page
    assert "(by the engine's clock) x 0.000337 USD/second" in page
    places = [page.index(f"-> {each}:") for each in ("pending", "queued", "completed")]
    assert places == sorted(places)
    assert "webhook" in page


def test_no_token_and_no_key_is_shown(service: Service, generation: str) -> None:
    """The page can be sent to somebody who asks."""
    page = run("explain", generation, data_dir=service.data_dir).out

    secrets = (service.data_dir / "sandbox-secrets.json").read_text()
    assert "token=" not in page
    assert [each for each in secrets.split('"')[3::4] if each in page] == []


def test_a_generation_that_is_not_there_is_said_so(service: Service) -> None:
    """One sentence, and an exit code."""
    answer = run("explain", "0" * 32, data_dir=service.data_dir)

    assert (answer.code, answer.err.strip()) == (2, "no such generation or job")


def test_a_job_without_a_generation_is_explained(tmp_path: Path, mongo_uri: str) -> None:
    """By its own id: what it holds, and what it owes."""
    act = Act(EntryId("e2"), UserId(USER), "api", NOON)
    grant = an_entry()
    database = a_filled_database(mongo_uri, "cli_explained_job", [grant])
    job = a_job(
        status=JobStatus.PENDING,
        owed=(a_debt(jobs.START),),
        told=Told(status=JobStatus.PENDING),
    )
    with_job(database, job, ledger.hold(grant, act, JOB, jobs.lines(job)))
    answer = run("explain", JOB, data_dir=tmp_path, **database)

    assert answer.code == 0, answer.err
    for words in (f"Job {JOB}", "held       5 credits", "price      not known yet", f"hold:{JOB}"):
        assert words in answer.out
    assert "5.000000 credits held" in answer.out
    assert "What the job owes" in answer.out


def test_a_workflow_is_explained_by_its_tries_and_its_place(tmp_path: Path, mongo_uri: str) -> None:
    """How it waits, where it ran, and what its server went on without."""
    database = a_filled_database(mongo_uri, "cli_explained_workflow")

    def at(server: str, attempt: int, named: str) -> EngineRun:
        return EngineRun(
            attempt=attempt, run_id=RunId(named), server=server, submitted_at=later(attempt)
        )

    waiting = a_generation(
        RunStatus.PENDING,
        engine=EngineName("comfyui"),
        metadata=some_metadata(),
        request_payload=Request(workflow="0f" * 32, inputs={"6/text": "sea"}),
        attempt=2,
        max_attempts=3,
        priority=-1,
        runs=(at("a", 1, "r1"),),
        queue_position=4,
        expected_start_at=later(60),
        warnings=("SaveImage: was left out",),
    )
    taken = waiting.change(
        id=GenerationId("0" * 32), status=RunStatus.RUNNING, slot="b#2", priority=0
    ).change(runs=(at("a", 1, "r2"), at("b", 2, "r3")))
    unknown = waiting.change(id=GenerationId("1" * 32), runs=(), expected_start_at=None)
    with_generations(database, waiting, taken, unknown)
    first, second, third = (
        run("explain", each.id, data_dir=tmp_path, **database).out
        for each in (waiting, taken, unknown)
    )

    assert f"engine     comfyui, workflow {'0f' * 32}" in first
    assert "(attempt 2 of 3), at a\n" in first
    assert (
        "waits      place 4 in the line, expected to begin 2026-01-01 12:01:00.000 UTC, priority -1"
        in first
    )
    assert "warning    SaveImage: was left out" in first
    assert "attempt 2 became run r3 at b" in second
    assert "(attempt 2 of 3), at b#2\n" in second
    assert "\n  waits " not in second
    assert "(attempt 2 of 3)\n" in third
    assert "waits      place 4 in the line, priority -1\n" in third
