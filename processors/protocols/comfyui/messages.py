"""Read what comes over a ComfyUI socket: every frame that is about one run, and no other.

Servers send more kinds than these, other people's custom nodes send their own, and newer
versions will add some. What is not known, or not as it should be, is passed over. Frames of
kind 1 and 3 (a preview and a text) do not say whose they are, and are never looked at.
"""

import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias, cast

from pydantic import ValidationError

from processors.errors import RefusedBodyError
from processors.protocols import sniffing
from processors.protocols.comfyui import reading
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
    FrameMetadata,
    OfPrompt,
    StepDone,
)

PREVIEW: Final = 4
"""The kind of frame that is a preview and says whose (``PREVIEW_IMAGE_WITH_METADATA``)."""
PREVIEW_MOST: Final = 1024 * 1024
"""Bytes of a preview that is kept."""
TEXT_MOST: Final = 4 * 1024 * 1024
"""Characters of a text frame that is read, at once: all else waits meanwhile. Results in text
have been seen with 1.5 MB; what is passed over here, history tells."""
METADATA_MOST: Final = 64 * 1024
"""Bytes of what a preview says of itself; real ones have under 200."""
BLOCKED: Final = "ExecutionBlocked"
"""The type of an error that only says that a node was passed over."""
_HEAD: Final = struct.Struct(">II")


class NodeState(NamedTuple):
    """How far one node is.

    Attributes:
        root: The node of the graph that it is, or that it belongs to.
        value: Its steps done.
        most: Its steps in all; above 0.
        finished: Whether it is done.
    """

    root: str
    value: float
    most: float
    finished: bool


class States(NamedTuple):
    """``progress_state``: every node that has begun so far, in the order they began.

    It comes at every step of every run and grows with the graph, so that nodes are read only
    where something may have changed.

    Attributes:
        prompt_id: Whose they are.
        nodes: By id, each to be read by `state`. Hence Any.
    """

    prompt_id: RunId
    nodes: dict[str, Any]


Message: TypeAlias = OfPrompt | States


class Frame(NamedTuple):
    """A preview of a run.

    Attributes:
        prompt_id: Whose it is.
        content_type: ``image/png`` or ``image/jpeg``, by its bytes.
        image: The file.
    """

    prompt_id: RunId
    content_type: str
    image: bytes


_KINDS: Final[Mapping[str, type[OfPrompt]]] = {
    "execution_start": ExecutionStart,
    "execution_cached": ExecutionCached,
    "executing": Executing,
    "progress": StepDone,
    "executed": Executed,
    "execution_success": ExecutionSuccess,
    "execution_error": ExecutionError,
    "execution_interrupted": ExecutionInterrupted,
}


def text(data: str) -> Message | None:
    """Read a text frame; None where it is not about a run, or says nothing that we know."""
    if len(data) > TEXT_MOST:
        return None
    try:
        told = reading.decoded(data.encode(errors="replace"))
    except RefusedBodyError:
        return None
    kind, body = told.get("type"), told.get("data")
    if kind == "progress_state":
        return _states(body)
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    return None if model is None else _fitting(model, body)


def is_finished(told: Any) -> bool:  # noqa: ANN401 - a peer's free JSON
    """Return whether one of `States` is that of a node that is done."""
    return isinstance(told, dict) and cast("dict[str, Any]", told).get("state") == "finished"


def state(node: str, told: Any) -> NodeState | None:  # noqa: ANN401 - a peer's free JSON
    """Read one of `States`; None where it says nothing that we know."""
    match told:
        case {
            "value": int() | float() as value,
            "max": int() | float() as most,
            "state": "running" | "finished" as word,
        } if len(node) <= NODE_ID_MOST:
            root = told.get("display_node_id")
            root = root if isinstance(root, str) else node
            return NodeState(root, value, most, word == "finished")
        case _:
            return None


def frame(data: bytes) -> Frame | None:
    """Read a binary frame; None where it is no picture that is kept, or does not say whose."""
    if len(data) < _HEAD.size:
        return None
    kind, length = _HEAD.unpack_from(data)
    if kind != PREVIEW or length > METADATA_MOST:
        return None
    start = _HEAD.size + length
    sniffed = sniffing.kind_of(data[start : start + sniffing.HEAD_BYTES])
    if sniffed not in {sniffing.PNG, sniffing.JPEG} or len(data) - start > PREVIEW_MOST:
        return None
    told = _metadata(data[_HEAD.size : start])
    return Frame(told.prompt_id, sniffed.content_type, data[start:]) if told else None


def _metadata(raw: bytes) -> FrameMetadata | None:
    try:
        return reading.parsed(FrameMetadata, raw)
    except RefusedBodyError:
        return None


def _fitting(model: type[OfPrompt], body: object) -> OfPrompt | None:
    try:
        message = model.model_validate(body)
    except ValidationError:
        return None
    blocked = isinstance(message, ExecutionError) and message.exception_type == BLOCKED
    return None if blocked else message


def _states(body: Any) -> States | None:  # noqa: ANN401 - a peer's free JSON
    match body:
        case {"prompt_id": str(run_id), "nodes": dict()}:
            return States(RunId(run_id), cast("dict[str, Any]", body["nodes"]))
        case _:
            return None
