"""processors.protocols.comfyui.refusals: every recorded 400 in a person's words."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import comfyui
from processors.protocols.comfyui.refusals import (
    ERRORS_LOOKED_AT,
    NODES_LOOKED_AT,
    node_faults,
)
from tests.processors.protocols.comfyui.recorded import EXCHANGES, a_node, noted, raw

TITLES: Final = comfyui.parse(
    raw(
        {
            "1": a_node("KSampler", "Sampler"),
            "2": a_node("ImageScale", "Scale"),
            "3": a_node("ImageBlur"),
            "4": a_node("SaveImage", "Result"),
        }
    )
)
WORDS: Final = {
    "no prompt key": "No prompt provided",
    "empty prompt": "Prompt has no outputs",
    "no output node": "Prompt has no outputs",
    "unknown class_type": "Sampler: the server has no node NoSuchNode",
    "no class_type": "Node 'ID #1' has no class_type. The workflow may be corrupted or a custom"
    " node is missing: Node ID '#1'",
    "missing required input": "Result: images: Required input is missing",
    "value smaller than min in upstream node": "Sampler: width: Value 0 smaller than min of 1",
    "value bigger than max": "Sampler: width: Value 1099511627776 bigger than max of 16384",
    "wrong type": "Sampler: width: Failed to convert an input value to a INT value",
    "value not in list": "Scale: upscale_method: magic is not among its choices",
    "link to a node that is not there": "Result: Exception when validating node: '99'",
    "bad link": "Result: images: Bad linked input, must be a length-2 list of [node_id,"
    " slot_index]",
    "type mismatch IMAGE to STRING": "Result: Return type mismatch between linked nodes:"
    " filename_prefix, received_type(IMAGE) mismatch input_type(STRING)",
    "cycle": "ImageBlur: Dependency cycle detected: 3 (ImageBlur) -> 3 (ImageBlur)",
    "VALIDATE_INPUTS fails": "Sampler: Custom validation failed for node: n - n must not be"
    " negative",
    "LoadImage of a file that is not there": "Sampler: Custom validation failed for node: image -"
    " Invalid image file: not-there.png",
    "prompt_id a number": "prompt_id must be a valid UUID: prompt_id must be a UUID string in"
    " canonical lowercase hyphenated form; omit it to let the server generate one",
}
REFUSED: Final = [
    each for each in EXCHANGES if each.get("path") == "/prompt" and each.get("status") == 400
]


@pytest.mark.parametrize(("note", "said"), WORDS.items(), ids=WORDS)
def test_a_refusal_says_which_node_and_what(note: str, said: str) -> None:
    """By the title that the workflow's author gave it."""
    assert comfyui.refusal(raw(noted(note)["response_json"]), TITLES) == said


@pytest.mark.parametrize("refused", REFUSED)
def test_every_recorded_refusal_is_one_short_line(refused: dict[str, Any]) -> None:
    """None is empty, and none has a traceback in it."""
    said = comfyui.refusal(raw(refused["response_json"]), TITLES)
    assert 0 < len(said) <= 300
    assert "traceback" not in said
    assert said.isprintable()


def an_error(node_id: str = "1", **error: object) -> bytes:
    """A refusal for one error of one node."""
    node = {"errors": [error], "class_type": "KSampler"}
    return raw({"error": {"message": "failed"}, "node_errors": {node_id: node}})


def test_a_missing_model_is_called_one() -> None:
    """What else there is to choose is not told."""
    told = an_error(
        type="value_not_in_list",
        message="Value not in list",
        details="ckpt_name: 'xl.safetensors' not in ['a.safetensors', 'b.safetensors']",
        extra_info={"input_name": "ckpt_name", "received_value": "xl.safetensors"},
    )
    assert comfyui.refusal(told, TITLES) == "Sampler: model xl.safetensors is not on the server"


def test_three_errors_are_told() -> None:
    """The same mistake often shows at many nodes; each line is short."""
    errors = {
        str(n): {"errors": [{"message": "x" * 500}, {"message": "y"}], "class_type": "A"}
        for n in range(3)
    }
    said = comfyui.refusal(raw({"node_errors": errors}), TITLES)
    assert said == f"A: {'x' * 146}…; A: y; Sampler: {'x' * 132}…"
    assert len(said) == 300


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (b"", ""),
        (b"<html>Bad request</html>", ""),
        (b"{}", ""),
        (b'{"error": 5}', ""),
        (b'{"error": "not allowed\\nTraceback"}', "not allowed"),
        (b'{"error": {"message": "no"}, "node_errors": []}', "no"),
        (b'{"error": {"message": "no"}, "node_errors": {"1": 5}}', "no"),
        (b'{"error": {"message": "no"}, "node_errors": {"1": {"errors": [5]}}}', "no"),
        (b'{"error": {"message": "no", "extra_info": {"input_name": 5}}}', "no"),
        (b'{"error": {"type": "missing_node_type", "message": "no class"}}', "no class"),
        (b'{"error": {"type": "missing_node_type", "extra_info": {"class_type": "X"}}}',
         "X: the server has no node X"),
    ],
    ids=str,
)  # fmt: skip
def test_odd_refusals_say_what_they_can(told: bytes, said: str) -> None:
    """A proxy's page says nothing that a person could use."""
    assert comfyui.refusal(told, TITLES) == said


def test_a_node_that_the_workflow_does_not_have_goes_by_class_or_id() -> None:
    """Nodes are expanded at the server, and get ids there."""
    assert comfyui.refusal(an_error("1.0.2", message="bad"), TITLES) == "KSampler: bad"
    told = raw({"node_errors": {"1.0.2": {"errors": [{"message": "bad"}]}}})
    assert comfyui.refusal(told, TITLES) == "node 1.0.2: bad"


def test_paths_of_the_server_are_not_told() -> None:
    """Exceptions quote them."""
    told = an_error(
        type="exception_during_validation",
        message="Exception when validating node",
        details="[Errno 2] No such file: '/home/joe blow/ComfyUI/models/x.pt'",
        extra_info={"traceback": ["/home/joe/secret.py"]},
    )
    assert comfyui.refusal(told, TITLES) == (
        "Sampler: Exception when validating node: [Errno 2] No such file: 'x.pt'"
    )


@given(st.binary(max_size=50))
def test_any_bytes_are_a_line_or_nothing(told: bytes) -> None:
    """Whatever answers, a refusal is made of it."""
    assert len(comfyui.refusal(told, TITLES)) <= 300


def test_of_a_refusal_without_end_the_beginning_is_looked_at() -> None:
    """What says nothing is passed over, but not for ever."""
    fault = {"errors": [{"message": "bad"}]}
    nothing = [f"1.{n}" for n in range(NODES_LOOKED_AT)]
    near = dict.fromkeys(nothing[1:]) | {"1": fault}
    far = dict.fromkeys(nothing) | {"1": fault}
    deep = {"1": {"errors": [None] * ERRORS_LOOKED_AT + fault["errors"]}}

    assert list(node_faults(near, TITLES)) == ["Sampler: bad"]
    assert list(node_faults(far, TITLES)) == []
    assert list(node_faults(deep, TITLES)) == []
