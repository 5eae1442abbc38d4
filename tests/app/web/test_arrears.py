"""app.web.arrears: what was given up or does not move is seen, and tried again."""

import pytest
from pydantic import JsonValue

from processors import jobs, runs
from schemas.job import JobStatus
from schemas.run import RunStatus
from schemas.wire.arrears import DebtPage, StuckView
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.builders import ID, JOB, NOON, a_debt, a_generation, a_job, later

pytestmark = pytest.mark.anyio


def a_world() -> World:
    """A generation that could not be told, and a job that waits to be."""
    world = World()
    dead = a_debt(runs.NOTIFY, dead_at=NOON, attempts=8, last_error="chat not found")
    world.office.spent.records[ID] = a_generation(
        RunStatus.RUNNING, owed=(dead,), updated_at=later(-9000)
    )
    late = a_debt(jobs.NOTIFY, next_at=later(-9000))
    world.office.jobs.records[JOB] = a_job(status=JobStatus.FAILED, owed=(late,))
    return world


async def test_debts_are_listed() -> None:
    """The dead ones, or all, and no more than asked for."""
    async with serving(a_world()) as site:
        dead = await site.client.get("/api/debts")
        every = await site.client.get("/api/debts", params={"state": "all"})
        one = await site.client.get("/api/debts", params={"state": "all", "limit": "1"})

    assert dead.json()["items"] == [
        {
            "what": "generation",
            "record": ID,
            "key": "notify",
            "kind": "notify",
            "state": "dead",
            "since": "2026-01-01T12:00:00.000Z",
            "attempts": 8,
            "lastError": "chat not found",
        }
    ]
    assert [each["state"] for each in every.json()["items"]] == ["dead", "live"]
    assert len(one.json()["items"]) == 1
    assert DebtPage.model_validate_json(every.content)


async def test_what_was_given_up_is_tried_again() -> None:
    """Of one record, or since a time; it is said how many."""
    async with serving(a_world()) as site:
        none = await site.client.post(
            "/api/debts/replay", json={"since": "2026-01-02T00:00:00.000Z"}
        )
        one = await site.client.post("/api/debts/replay", json={"record": ID, "key": "notify"})
        again = await site.client.post("/api/debts/replay", json={"record": ID})
        nothing = await site.client.post("/api/debts/replay", json={"record": "0" * 32})

    assert [each.json() for each in (none, one, again)] == [
        {"replayed": 0},
        {"replayed": 1},
        {"replayed": 0},
    ]
    assert nothing.status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"key": "notify"}, {"record": ID, "since": "2026-01-02T00:00:00Z"}, {"record": "x"}],
)
async def test_it_must_be_said_what_to_replay(body: dict[str, JsonValue]) -> None:
    """One record, or since when."""
    async with serving(a_world()) as site:
        answer = await site.client.post("/api/debts/replay", json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, "record")


async def test_what_does_not_move_is_shown() -> None:
    """By how long it has not."""
    async with serving(a_world()) as site:
        found = await site.client.get("/api/stuck")
        patient = await site.client.get("/api/stuck", params={"minutes": "10000"})

    assert [each["record"] for each in found.json()["silent"]] == [ID]
    assert [each["record"] for each in found.json()["overdue"]] == [JOB]
    assert patient.json() == {"silent": [], "overdue": []}
    assert StuckView.model_validate_json(found.content)
