"""`runrelay explain`: one generation on one page."""

from pathlib import Path

from processors import jobs, ledger
from processors.ledger import Act
from schemas.base import UserId
from schemas.job import JobStatus, Told
from schemas.ledger import EntryId
from tests.app.cli.accounts import a_filled_database, with_job
from tests.app.cli.running import Service, run
from tests.builders import JOB, NOON, USER, a_debt, a_job, an_entry


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
