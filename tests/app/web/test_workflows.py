"""app.web.workflows: a workflow as it is kept; and how one is ordered."""

import pytest

from app.errors import StoreDownError, WorkflowRefusedError
from app.web.generations import ORDER_MOST
from schemas.wire.api import Workflow
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.fakes.gates import Turnstile
from tests.fakes.workflows import FakeWorkflows
from tests.graphs import CANONICAL, DIGEST, GRAPH

pytestmark = pytest.mark.anyio

PATH = f"/api/workflows/{DIGEST}"


def a_world(gate: Turnstile | None = None) -> World:
    """One workflow is kept."""
    workflows = FakeWorkflows(gate or Turnstile())
    workflows.kept[DIGEST] = CANONICAL
    return World(workflows=workflows)


async def test_a_workflow_is_shown_as_it_is_kept() -> None:
    """It never changes: whoever has it is not sent it again."""
    async with serving(a_world()) as site:
        answer = await site.client.get(PATH)
        tag = answer.headers["etag"]
        again = await site.client.get(PATH, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (200, CANONICAL)
    assert answer.headers["content-type"] == "application/json"
    assert tag == f'"{DIGEST}"'
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert Workflow.model_validate_json(answer.content).root == GRAPH


@pytest.mark.parametrize("digest", ["0" * 64, DIGEST.upper(), DIGEST[:32], "x"])
async def test_a_workflow_that_is_not_kept_is_404(digest: str) -> None:
    """What can be no digest is not asked of the database."""
    async with serving(a_world()) as site:
        answer = await site.client.get(f"/api/workflows/{digest}", headers={"If-None-Match": "*"})

    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


async def test_a_workflow_is_shown_to_those_with_a_key() -> None:
    """To nobody else; and a database that does not answer is 503."""
    gate = Turnstile()
    async with serving(a_world(gate)) as site:
        stranger = await site.client.get(PATH, headers={"Authorization": "Bearer nobody"})
        gate.down = StoreDownError("the database does not answer")
        down = await site.client.get(PATH)

    assert (stranger.status_code, down.status_code) == (401, 503)


async def test_a_workflow_can_be_ordered() -> None:
    """By itself, of more than other bodies may have, or by its digest."""
    world = a_world()
    inputs = {"text": "\n" * 600_000, "seed": 2**64 - 1}
    long = {**GRAPH, "3": {"class_type": "Note", "inputs": inputs}}
    async with serving(world) as site:
        for workflow in (long, DIGEST):
            order = {"engine": "comfyui", "workflow": workflow, "priority": 1}
            answer = await site.client.post("/api/generations", json=order)
            assert answer.status_code == 201

    assert [each.workflow for each in world.desk.orders] == [long, DIGEST]


async def test_a_workflow_that_is_refused_is_422_by_its_place() -> None:
    """And an order that is far too long is 413."""
    world = a_world()
    world.desk.failure = WorkflowRefusedError("inputs.6/text", "the workflow has no such node")
    order = {"engine": "comfyui", "workflow": GRAPH}
    async with serving(world) as site:
        refused = await site.client.post("/api/generations", json=order)
        long = await site.client.post(
            "/api/generations",
            content=b" " * (ORDER_MOST + 1),
            headers={"Content-Type": "application/json"},
        )

    said = refused.json()
    assert (refused.status_code, said["reason"]) == (422, "workflow_refused")
    assert said["field"] == "inputs.6/text"
    assert long.status_code == 413
