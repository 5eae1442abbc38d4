"""app.web.open_work: what is open and stuck over the API, and having it moved."""

import pytest

from app.errors import StoreDownError
from schemas.run import RunStatus
from schemas.wire.open_work import OpenView, ResetView
from tests.app.web.fakes import ID, World
from tests.app.web.serving import serving
from tests.builders import JOB, USER, a_debt, a_generation, a_job, a_step, later
from tests.fakes.gates import Turnstile

pytestmark = pytest.mark.anyio

PATH = "/api/open"
RESET = f"/api/jobs/{JOB}/reset"


def a_world() -> World:
    """A world with a job whose run was told to be asked about an hour ago, and never was."""
    world = World()
    asked = a_debt("ask", next_at=later(-3600), last_error="away")
    run = a_generation(RunStatus.RUNNING, id=ID, job_id=JOB, step=1, owed=(asked,))
    world.spots.records[ID] = run
    world.office.jobs.records[JOB] = a_job(steps=(a_step(generation=ID),), updated_at=later(-3600))
    return world


async def test_what_is_open_and_stuck_is_told() -> None:
    """Ready for a dashboard: counts, the oldest, and what is stuck, why and since when."""
    async with serving(a_world()) as site:
        answer = await site.client.get(PATH)

    assert answer.status_code == 200
    OpenView.model_validate_json(answer.content)
    since = "2026-01-01T12:00:00.000Z"
    assert answer.json() == {
        "asOf": since,
        "jobs": {
            "open": 1,
            "paused": 0,
            "stuck": 1,
            "oldest": {"id": JOB, "since": since, "ageSeconds": 0},
        },
        "generations": {
            "open": 1,
            "byStatus": {"running": 1},
            "byEngine": {"comfydeploy": 1},
            "waiting": 0,
            "oldest": {"id": ID, "since": since, "ageSeconds": 0},
        },
        "stuck": [
            {
                "job": JOB,
                "generation": ID,
                "step": 1,
                "of": 1,
                "engine": "comfydeploy",
                "status": "running",
                "reason": "nobody_works",
                "words": "ask: due, and taken up by nobody: does a process work? (away)",
                "since": "2026-01-01T11:00:00.000Z",
                "ageSeconds": 3600,
                "next": None,
            }
        ],
    }


async def test_what_is_known_is_not_told_again() -> None:
    """304 as long as nothing has happened; one that is empty has no oldest."""
    async with serving(a_world()) as site:
        first = await site.client.get(PATH)
        known = {"If-None-Match": first.headers["etag"]}
        again = await site.client.get(PATH, headers=known)
        bad = await site.client.get(PATH, params={"limit": 0})
    async with serving(World()) as site:
        other = await site.client.get(PATH, headers=known)

    assert (again.status_code, again.content, bad.status_code) == (304, b"", 400)
    assert other.json()["jobs"] == {"open": 0, "paused": 0, "stuck": 0, "oldest": None}


async def test_jobs_that_are_stuck_are_listed() -> None:
    """As jobs are, of one person too."""
    async with serving(a_world()) as site:
        found = await site.client.get("/api/jobs", params={"stuck": "true", "user": USER})
        none = await site.client.get("/api/jobs", params={"stuck": "true", "status": "pending"})

    assert [each["id"] for each in found.json()["items"]] == [JOB]
    assert none.json() == {"items": [], "next": None}


async def test_a_job_is_reset() -> None:
    """What was done is told and written down; what there is not is not found."""
    world = a_world()
    late = world.spots.records[ID].change(owed=(a_debt("ask", next_at=later(60)),))
    world.spots.records[ID] = late
    async with serving(world) as site:
        done = await site.client.post(RESET)
        again = await site.client.post(RESET)
        unknown = await site.client.post(f"/api/jobs/{'0' * 32}/reset")

    ResetView.model_validate_json(done.content)
    assert done.json() == {
        "id": JOB,
        "done": [{"record": ID, "did": "hurried", "debt": "ask"}],
    }
    assert (again.json()["done"], unknown.status_code) == ([], 404)
    (deed,) = world.office.deeds.done
    assert (deed.verb, deed.subject, deed.by[:4]) == ("reset", f"job:{JOB}", "api:")


async def test_without_the_database_nothing_is_known() -> None:
    """And without a key nobody is told anything."""
    gate = Turnstile()
    gate.down = StoreDownError("away")
    world = a_world()
    world.spots.gate = gate
    async with serving(world) as site:
        answer = await site.client.get(PATH)
        stranger = await site.client.get(PATH, headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, stranger.status_code) == (503, 401)
