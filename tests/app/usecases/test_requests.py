"""app.usecases.requests: what an order asks for, and what is kept or refused of it."""

import pytest
from pydantic import JsonValue

from app.errors import BadFieldError, WorkflowRefusedError
from app.usecases.requests import Requests
from schemas.generation import Request
from schemas.wire.api import NewGeneration
from tests.fakes.workflows import FakeWorkflows
from tests.graphs import CANONICAL, DIGEST, GRAPH

pytestmark = pytest.mark.anyio

COPY = f"media:outputs/{'a' * 32}/1-0a1b2c3d-out.png"


def an_order(workflow: JsonValue, **inputs: JsonValue) -> NewGeneration:
    """An order for a ComfyUI."""
    given = {"engine": "comfyui", "workflow": workflow, "inputs": inputs}
    return NewGeneration.model_validate(given)


async def test_a_deployment_is_asked_for_as_it_was_ordered() -> None:
    """Nothing is kept for it."""
    workflows = FakeWorkflows()
    given = {"engine": "comfydeploy", "deployment_id": "d", "inputs": {"prompt": "sea"}}

    request = await Requests(workflows).of(NewGeneration.model_validate(given))

    assert request == Request(deployment_id="d", inputs={"prompt": "sea"})
    assert workflows.kept == {}


@pytest.mark.parametrize(
    ("given", "request_of"),
    [
        ({"version": "0f" * 32}, Request(version="0f" * 32)),
        ({"model": "a/b"}, Request(model="a/b")),
        ({"deployment": "a/b"}, Request(deployment_id="a/b")),
    ],
)
async def test_a_model_is_asked_for_as_it_was_named(
    given: dict[str, str], request_of: Request
) -> None:
    """By version, by name, or by deployment."""
    order = NewGeneration.model_validate({"engine": "replicate", **given})
    assert await Requests(FakeWorkflows()).of(order) == request_of


@pytest.mark.parametrize(
    ("workflow", "digest"), [(GRAPH, DIGEST), ({"prompt": GRAPH, "client_id": "x"}, DIGEST)]
)
async def test_a_workflow_is_kept_under_its_digest(workflow: JsonValue, digest: str) -> None:
    """However it was written; the record names it, and has the inputs beside it."""
    workflows = FakeWorkflows()

    request = await Requests(workflows).of(an_order(workflow, **{"1/color": 255}))
    again = await Requests(workflows).of(an_order(digest, **{"1/color": 255}))

    assert request == again == Request(workflow=digest, inputs={"1/color": 255})
    assert workflows.kept == {digest: CANONICAL}
    assert (workflows.puts, workflows.lasting) == (2, set())


async def test_a_workflow_that_is_run_again_is_kept_anew() -> None:
    """One that has expired meanwhile is run no more; a deployment is not ours to keep."""
    workflows = FakeWorkflows()
    requests, request = Requests(workflows), Request(workflow=DIGEST)
    workflows.kept[DIGEST] = CANONICAL

    assert await requests.again(request) == request
    assert workflows.puts == 1
    workflows.kept.clear()
    with pytest.raises(WorkflowRefusedError, match="none is kept"):
        await requests.again(request)
    assert await requests.again(Request(deployment_id="d")) == Request(deployment_id="d")


@pytest.mark.parametrize(
    ("order", "field", "problem"),
    [
        (an_order({}), "workflow", "there are no nodes in it"),
        (an_order({"nodes": []}), "workflow", "this is a file of ComfyUI's editor"),
        (an_order({"6": {"class_type": "A"}}), "workflow.6", "it has no inputs"),
        (
            an_order({"6": {"class_type": "A", "inputs": {"x": ["7", 0]}}}),
            "workflow.6/x",
            "it links to node 7",
        ),
        (an_order("0" * 64), "workflow", "none is kept under this digest"),
        (an_order(GRAPH, **{"6/text": "x"}), "inputs.6/text", "the workflow has no such node"),
        (an_order(GRAPH, **{"1/text": "x"}), "inputs.1/text", "node EmptyImage has no such input"),
        (an_order(DIGEST, **{"2/images": "x"}), "inputs.2/images", "it is linked to another node"),
        (an_order(DIGEST, prompt="x"), "inputs.prompt", "the workflow has no such node"),
    ],
)
async def test_what_cannot_be_run_is_refused_by_its_place(
    order: NewGeneration, field: str, problem: str
) -> None:
    """And is not kept."""
    workflows = FakeWorkflows()
    workflows.kept[DIGEST] = CANONICAL

    with pytest.raises(WorkflowRefusedError) as refused:
        await Requests(workflows).of(order)

    assert refused.value.field == field
    assert refused.value.problem.startswith(problem)
    assert workflows.kept.keys() == {DIGEST}


async def test_a_workflow_has_a_size_that_can_be_kept() -> None:
    """1 MiB of JSON."""
    graph: JsonValue = {"1": {"class_type": "A", "inputs": {"text": "x" * (1 << 20)}}}

    with pytest.raises(WorkflowRefusedError, match="larger than 1 MiB"):
        await Requests(FakeWorkflows()).of(an_order(graph))


@pytest.mark.parametrize("value", [COPY, [COPY]])
async def test_what_a_run_made_is_not_named(value: JsonValue) -> None:
    """A later step of a job is given it; a program gives the link to it."""
    given = {"engine": "comfydeploy", "deployment_id": "d", "inputs": {"photo": value}}
    with pytest.raises(BadFieldError) as refused:
        await Requests(FakeWorkflows()).of(NewGeneration.model_validate(given))
    assert refused.value.field == "inputs.photo"
