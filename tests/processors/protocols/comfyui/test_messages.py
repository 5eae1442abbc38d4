"""What is read of a socket's frames, and what is passed over."""

import json
import math
from typing import Any

import pytest

from processors.protocols.comfyui import messages
from processors.protocols.comfyui.messages import TEXT_MOST, Frame, NodeState, States
from schemas.base import RunId
from schemas.wire.comfyui_socket import (
    NODE_ID_MOST,
    Executed,
    Executing,
    ExecutionCached,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionStart,
    ExecutionSuccess,
    StepDone,
)
from tests.processors.protocols.comfyui.replaying import SCENARIOS, scenario

RUN = RunId("ddbb5c6d-21bc-41b8-9879-8cb6969c79af")
JPEG = bytes.fromhex("ffd8ffe000104a464946") + bytes(64)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def a_text(kind: str, **data: object) -> str:
    """A text frame about `RUN`."""
    return json.dumps({"type": kind, "data": {"prompt_id": RUN} | data})


def a_frame(image: bytes = JPEG, *, kind: int = 4, told: object = None) -> bytes:
    """A binary frame with what it says of itself."""
    raw = told if isinstance(told, bytes) else json.dumps(told or {"prompt_id": RUN}).encode()
    return kind.to_bytes(4, "big") + len(raw).to_bytes(4, "big") + raw + image


def a_state(**fields: object) -> dict[str, Any]:
    """A node's state as it is told."""
    return {"value": 1, "max": 4, "state": "running", "display_node_id": "2"} | fields


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (a_text("execution_start", timestamp=1), ExecutionStart(prompt_id=RUN)),
        (
            a_text("execution_cached", nodes=["1"], timestamp=1),
            ExecutionCached(prompt_id=RUN, nodes=["1"]),
        ),
        (
            a_text("executing", node="1.0.0.2", display_node="1"),
            Executing(prompt_id=RUN, node="1.0.0.2", display_node="1"),
        ),
        (a_text("executing", node=None), Executing(prompt_id=RUN, node=None)),
        (
            a_text("progress", node="2", value=1, max=4),
            StepDone(prompt_id=RUN, node="2", value=1, max=4),
        ),
        (
            a_text("executed", node="4", output={"images": []}),
            Executed(prompt_id=RUN, node="4", output={"images": []}),
        ),
        (a_text("executed", node="4", output=None), Executed(prompt_id=RUN, node="4")),
        (a_text("execution_success", timestamp=1), ExecutionSuccess(prompt_id=RUN)),
        (a_text("execution_interrupted", timestamp=1), ExecutionInterrupted(prompt_id=RUN)),
        (
            a_text("execution_error", exception_type="ValueError", timestamp=1),
            ExecutionError(prompt_id=RUN, exception_type="ValueError", timestamp=1),
        ),
    ],
)
def test_every_kind_about_a_run_is_read(data: str, message: object) -> None:
    """Fields that are not needed, and new ones, are passed over."""
    assert message == messages.text(data)


def test_the_states_of_all_nodes_are_read_one_by_one() -> None:
    """A node of a subgraph belongs to the node that shows it; an odd one spoils no other."""
    nodes = {
        "1": a_state(display_node_id="1", value=0.0, max=1.0),
        "1.0.0.1": a_state(display_node_id="1", state="finished"),
        "3": a_state(display_node_id=None),
        "4": a_state(state="pending"),
        "5": a_state(value="much"),
        "6": "running",
    }

    read = messages.text(a_text("progress_state", nodes=nodes))

    assert read == States(RUN, nodes)
    assert {node: messages.state(node, told) for node, told in nodes.items()} == {
        "1": NodeState("1", 0.0, 1.0, finished=False),
        "1.0.0.1": NodeState("1", 1, 4, finished=True),
        "3": NodeState("3", 1, 4, finished=False),
        "4": None,
        "5": None,
        "6": None,
    }
    assert [node for node, told in nodes.items() if messages.is_finished(told)] == ["1.0.0.1"]


def test_an_error_about_a_blocked_node_is_no_end() -> None:
    """It has its own type and no time, and either is enough."""
    blocked = a_text("execution_error", exception_type="ExecutionBlocked", timestamp=1)
    timeless = a_text("execution_error", exception_type="ValueError")

    assert [messages.text(blocked), messages.text(timeless)] == [None, None]


def test_an_error_is_read_whose_inputs_are_no_json() -> None:
    """Python writes a number that is none as such, and half characters."""
    data = a_text("execution_error", exception_type="E", timestamp=1, current_inputs=[math.nan])

    assert isinstance(messages.text(data), ExecutionError)
    assert isinstance(messages.text(data.replace("NaN", '"\\ud800"')), ExecutionError)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[]",
        "1e999",
        '"\ud800"',
        "[" * 2000,
        "{}",
        '{"type": "executing"}',
        '{"type": 1, "data": {}}',
        '{"type": [], "data": {}}',
        '{"type": "executing", "data": {"node": "2"}}',
        '{"type": "executing", "data": []}',
        '{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}}',
        '{"type": "progress_state", "data": {"prompt_id": 1, "nodes": {}}}',
        '{"type": "progress_state", "data": {"prompt_id": "x", "nodes": []}}',
        '{"type": "progress_state"}',
        a_text("executing", node=2),
        a_text("executing", node="1", prompt_id=None),
        a_text("executing", node="1", prompt_id=""),
        a_text("progress", node="2", value="1", max=4),
        a_text("executed", node="2", output=[]),
        a_text("executed", node=2),
        a_text("assets.seed.started"),
        a_text("somebody.elses.node"),
    ],
)
def test_what_is_not_about_a_run_or_not_known_is_passed_over(data: str) -> None:
    """Among it messages without a prompt: after a reconnect a server sends one."""
    assert messages.text(data) is None


@pytest.mark.parametrize(("image", "content_type"), [(JPEG, "image/jpeg"), (PNG, "image/png")])
def test_a_preview_that_says_whose_it_is_is_read(image: bytes, content_type: str) -> None:
    """What it is goes by its bytes."""
    told = {"prompt_id": RUN, "node_id": "2", "image_type": "image/webp"}

    assert Frame(RUN, content_type, image) == messages.frame(a_frame(image, told=told))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\4",
        a_frame(kind=1),
        a_frame(kind=2),
        a_frame(kind=3),
        a_frame(b""),
        a_frame(b"<svg>"),
        a_frame(b"GIF89a" + bytes(64)),
        a_frame(JPEG + bytes(messages.PREVIEW_MOST)),
        a_frame(told=b"{"),
        a_frame(told=b"[]"),
        a_frame(told={"node_id": "2"}),
        a_frame(told={"prompt_id": RUN, "much": "x" * messages.METADATA_MOST}),
        a_frame()[:40],
        b"\0\0\0\4\xff\xff\xff\xff" + JPEG,
    ],
)
def test_any_other_binary_frame_is_passed_over(data: bytes) -> None:
    """Kinds 1 and 3 may be a stranger's; and only small PNG and JPEG files are kept."""
    assert messages.frame(data) is None


@pytest.mark.parametrize("name", SCENARIOS)
def test_of_every_recording_only_what_is_about_runs_is_read(name: str) -> None:
    """Every frame that names a prompt is read, but for those about blocked nodes."""
    frames = [each.data for each in scenario(name).frames if isinstance(each.data, str)]
    about = [each for each in frames if '"prompt_id"' in each]
    blocked = [each for each in about if "ExecutionBlocked" in each]

    read = [each for each in frames if messages.text(each) is not None]

    assert [each for each in about if each not in blocked] == read


def test_a_text_that_is_too_large_is_passed_over() -> None:
    """All else would wait while it is read; what it tells, history tells too."""
    assert messages.text(a_text("executed", node="4", output={"text": ["a" * 1_000_000]}))
    assert messages.text(a_text("executed", node="4", output={"text": ["a" * TEXT_MOST]})) is None


def test_a_node_with_an_endless_id_is_passed_over() -> None:
    """It would be kept in mind."""
    endless = "1." * NODE_ID_MOST

    assert messages.text(a_text("executing", node=endless)) is None
    assert messages.text(a_text("progress", node=endless, value=1, max=2)) is None
    assert messages.state(endless, a_state()) is None
