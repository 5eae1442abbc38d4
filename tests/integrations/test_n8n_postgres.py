"""The SQL of save-status.json, as it stands in its nodes, on a real PostgreSQL."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any, Final

import pytest

from schemas.generation import Generation
from schemas.run import TERMINAL, RunStatus
from tests import builders, postgres
from tests.builders import NOON, a_chain, a_generation, later
from tests.integrations import n8n
from tests.postgres import Postgres

FLOW: Final = n8n.workflow("save-status")
SCHEMA: Final = (n8n.FOLDER / "schema.sql").read_text()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One for all tests here, with the tables."""
    try:
        with postgres.a_postgres() as running:
            running.run(SCHEMA)
            yield running
    except postgres.MissingPostgresError as error:
        pytest.fail(str(error))


@pytest.fixture
def database(server: Postgres) -> Postgres:
    """The tables, empty."""
    server.run("TRUNCATE job_queue, model_usage_log")
    return server


def a_record(version: int = 1, status: RunStatus = RunStatus.RUNNING, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """A generation at a version."""
    ended = later(60) if status in TERMINAL else None
    return a_generation(status, version=version, response_timestamp=ended, **fields)


def an_event(record: Generation, kind: str | None = None) -> dict[str, Any]:
    """What the verification node passes on of a generation."""
    told = {RunStatus.TIMEOUT: "failed", RunStatus.RUNNING: "started"}.get(record.status)
    return {
        "verified": True,
        "id": f"{record.id}:{record.version}:endpoint",
        "type": kind or f"generation.{told or record.status}",
        "timestamp": NOON.isoformat(),
        "data": record.internal(),
    }


def done(database: Postgres, node: str, *items: dict[str, Any], **nodes: Any) -> list[list[str]]:  # noqa: ANN401 - any JSON
    """Do what a Postgres node does with each of some items; return the rows that come out."""
    parameters = FLOW.node(node).parameters
    written = next(n8n.expressions(parameters["options"]["queryReplacement"]))
    given = n8n.run(
        [
            {"expression": written, "item": {"json": item}, "nodes": nodes, "now": 0}
            for item in items
        ]
    )
    values = [each["result"] for each in given]
    types = ", ".join(["text"] * len(values[0]))
    query = parameters["query"].rstrip().removesuffix(";")
    named = {f"v{n}_{m}": text for n, row in enumerate(values) for m, text in enumerate(row)}
    literals = [[f":'v{n}_{m}'" for m, _ in enumerate(row)] for n, row in enumerate(values)]
    calls = [f"EXECUTE q({', '.join(each)});" for each in literals]
    return database.run("\n".join([f"PREPARE q({types}) AS {query};", *calls]), **named)


def save(database: Postgres, *events: dict[str, Any]) -> list[list[str]]:
    """Have events saved, one after another; return how many rows each wrote."""
    return done(database, "Save the status", *events)


def test_repeats_and_old_news_leave_one_row_with_the_newest(database: Postgres) -> None:
    """In whichever order they come, each of them twice."""
    events = [
        an_event(a_record(2)),
        an_event(a_record(3, progress=0.5), "generation.progress"),
        an_event(a_record(4, RunStatus.COMPLETED)),
    ]
    for order in permutations(events):
        database.run("TRUNCATE job_queue, model_usage_log")
        save(database, *order, *order)
        rows = database.run("SELECT version, status, event FROM job_queue")
        assert rows == [["4", "completed", "generation.completed"]]
    assert save(database, events[2]) == [["0", "0"]]


def test_an_end_of_ours_is_replaced_by_the_engines(database: Postgres) -> None:
    """It has a higher version, and the cost that is known by then."""
    ours = a_record(5, RunStatus.TIMEOUT, ended_by="us", cost_usd=None)
    theirs = a_record(6, RunStatus.COMPLETED, ended_by="engine", cost_usd=Decimal("0.004044"))

    assert save(database, an_event(theirs), an_event(ours)) == [["1", "1"], ["0", "0"]]
    assert database.run("SELECT status, ended_by, cost_usd FROM job_queue") == [
        ["completed", "engine", "0.004044"]
    ]
    assert database.run("SELECT version, node_id, cost_usd FROM model_usage_log") == [
        ["6", "", "0.004044"]
    ]


def test_every_column_is_filled_from_the_record(database: Postgres) -> None:
    """As the API shows it, money without a loss, times as times."""
    record = a_record(
        9,
        RunStatus.FAILED,
        metadata=builders.some_metadata(user_id="ada", preset="l4_t2i", run_id="run-1"),
        job_id="job-1",
        status_reason="out of memory",
        ended_by="engine",
        cost_usd=Decimal("0.004044"),
        duration_seconds=12.5,
        queued_at=later(1),
        started_at=later(2),
    )
    save(database, an_event(record))

    row = json.loads(database.run("SELECT row_to_json(job_queue) FROM job_queue")[0][0])
    known = {
        "id": record.id,
        "kind": "generation",
        "job_id": "job-1",
        "user_id": "ada",
        "engine": record.engine,
        "preset": "l4_t2i",
        "status": "failed",
        "status_reason": "out of memory",
        "ended_by": "engine",
        "attempt": 1,
        "run_id": "run-1",
        "duration_seconds": 12.5,
        "event_id": f"{record.id}:9:endpoint",
        "history": record.internal()["history"],
        "record": record.internal(),
    }
    assert {name: row[name] for name in known} == known
    times = {name: datetime.fromisoformat(row[name]) for name in ("queued_at", "ended_at")}
    assert times == {"queued_at": NOON + timedelta(seconds=1), "ended_at": later(60)}
    assert database.run("SELECT milliseconds, cost_usd FROM model_usage_log") == [
        ["12500", "0.004044"]
    ]


def test_a_job_is_a_row_of_its_own(database: Postgres) -> None:
    """Of no engine, and with no row in the log of usage: its runs have those."""
    job = a_chain(1, 1, version=3)
    event = {
        "type": "job.completed",
        "id": "j",
        "timestamp": NOON.isoformat(),
        "data": job.internal(),
    }

    assert save(database, event) == [["1", "0"]]
    assert database.run("SELECT id, kind, user_id, engine IS NULL FROM job_queue") == [
        [job.id, "job", job.user_id, "t"]
    ]


def test_a_test_of_the_endpoint_writes_nothing(database: Postgres) -> None:
    """It is taken, so that the test says that all is well."""
    event = {
        "type": "webhook.test",
        "id": "t",
        "timestamp": NOON.isoformat(),
        "data": {"endpoint": "e"},
    }
    assert save(database, event) == [["0", "0"]]


@pytest.mark.parametrize(
    "words",
    [
        "'); DROP TABLE job_queue; --",
        "$1 {{ $json }} ${x} :'y' \\ \\n",
        "a\x00b",
        '"\u2028\u202e🗼',
    ],
    ids=repr,
)
def test_what_people_write_is_kept_and_does_nothing(database: Postgres, words: str) -> None:
    """A NUL, which PostgreSQL cannot keep, becomes the sign for what cannot be shown."""
    save(database, an_event(a_record(2, status_reason=words)))

    kept = json.loads(database.run("SELECT to_json(status_reason) FROM job_queue")[0][0])
    assert kept == words.replace("\x00", "\ufffd")


def test_nodes_are_logged_once(database: Postgres) -> None:
    """What a run without a log of nodes answers with is fine, too."""
    record = a_record(4, RunStatus.COMPLETED, engine="comfyui")
    node = {
        "runId": "run-1",
        "server": "one",
        "at": NOON.isoformat(),
        "nodeId": "3",
        "class": "KSampler",
        "models": ["flux.safetensors", 'a "model", so named'],
        "milliseconds": 812,
        "cached": False,
    }
    answer = {
        "id": record.id,
        "items": [node, node | {"nodeId": "4", "models": [], "cached": True}],
    }
    nodes = {"Verify the signature": an_event(record)}
    told = done(database, "Log the usage", answer, answer, {"id": record.id, "items": []}, **nodes)

    assert told == [["2"], ["0"], ["0"]]
    assert database.run(
        "SELECT node_id, class, models[2], milliseconds, cached FROM model_usage_log ORDER BY 1"
    ) == [["3", "KSampler", 'a "model", so named', "812", "f"], ["4", "KSampler", "", "812", "t"]]


def test_the_tables_may_be_made_again(database: Postgres) -> None:
    """Whoever imports it anew loses nothing."""
    save(database, an_event(a_record(2)))
    database.run(f"SET client_min_messages = warning;\n{SCHEMA}")
    assert database.run("SELECT count(*) FROM job_queue") == [["1"]]
