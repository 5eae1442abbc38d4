"""processors.protocols.comfyui.prompting: what is posted, and what a 200 says."""

import json
from typing import Any, Final

import pytest

from processors.errors import RefusedBodyError
from processors.protocols import comfyui
from schemas.base import RunId
from tests.processors.protocols.comfyui.recorded import EXCHANGES, a_graph, noted, raw

RUN: Final = RunId("ddbb5c6d-21bc-41b8-9879-8cb6969c79af")
WORKFLOW: Final = comfyui.parse(raw(a_graph()))
TAKEN: Final = [
    each
    for each in EXCHANGES
    if each.get("path") == "/prompt" and each.get("status") == 200 and "request_json" in each
]


def test_a_prompt_is_posted_under_our_own_id() -> None:
    """Titles go with it, so that history has them."""
    assert json.loads(comfyui.submission(WORKFLOW, RUN, "client")) == {
        "prompt": a_graph(),
        "prompt_id": RUN,
        "client_id": "client",
    }


def test_extras_are_posted_with_it() -> None:
    """The server writes them into its pictures."""
    extra = {"workflow": {"id": "w"}}
    told = {"prompt": a_graph(), "extra_data": {"extra_pnginfo": extra}}
    body = json.loads(comfyui.submission(comfyui.parse(raw(told)), RUN, "client"))
    assert body["extra_data"] == {"extra_pnginfo": extra}


@pytest.mark.parametrize("taken", TAKEN)
def test_every_recorded_yes_is_read(taken: dict[str, Any]) -> None:
    """It names the prompt; there is a warning for each output that is not made."""
    answer = taken["response_json"]
    workflow = comfyui.parse(raw(taken["request_json"]))
    accepted = comfyui.accepted(raw(answer), RunId(answer["prompt_id"]), workflow)
    assert len(accepted.warnings) == len(answer["node_errors"])


def test_an_output_that_is_not_made_is_a_warning() -> None:
    """The others are; the words have the node's title."""
    note = "one output missing a required input, the other output fine (200, partial!)"
    answer = noted(note)["response_json"]
    told = a_graph() | {"4": {"class_type": "SaveImage", "inputs": {}, "_meta": {"title": "Big"}}}
    accepted = comfyui.accepted(raw(answer), RunId(answer["prompt_id"]), comfyui.parse(raw(told)))
    assert accepted.warnings == ("Big: images: Required input is missing",)


def test_a_record_keeps_some_warnings() -> None:
    """A workflow may have hundreds of nodes with the same mistake."""
    errors = {str(n): {"errors": [{"message": f"no {n}"}], "class_type": "A"} for n in range(50)}
    accepted = comfyui.accepted(raw({"prompt_id": RUN, "node_errors": errors}), RUN, WORKFLOW)
    assert len(accepted.warnings) == 10
    assert accepted.warnings[0] == "A: no 0"


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (b"{}", "prompt_id"),
        (b"[]", None),
        (b"OK", None),
        (b'{"prompt_id": 5}', "prompt_id"),
        (b'{"prompt_id": "another"}', "prompt_id"),
    ],
)
def test_what_does_not_name_our_prompt_is_no_yes(told: bytes, field: str | None) -> None:
    """A server that answers 200 to everything has taken nothing."""
    with pytest.raises(RefusedBodyError) as refused:
        comfyui.accepted(told, RUN, WORKFLOW)
    assert refused.value.field == field
