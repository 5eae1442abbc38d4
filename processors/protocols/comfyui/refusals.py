"""What a server finds wrong with a prompt, said with the titles that its author gave the nodes."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, cast

from processors.errors import RefusedBodyError
from processors.protocols import texts, words
from processors.protocols.bodies import read
from processors.protocols.comfyui.reading import parsed
from processors.protocols.comfyui.workflows import Workflow, is_model
from schemas.wire.comfyui import ErrorInfo, NodeErrors, PromptError, Refused

FAULTS_TOLD: Final = 3
"""Errors that a person is told of; the same mistake often shows at many nodes."""
FAULT_KEPT: Final = 150
"""Characters of one error."""
NODES_LOOKED_AT: Final = 200
"""Nodes whose errors are looked at."""
ERRORS_LOOKED_AT: Final = 10
"""Errors of one node that are looked at."""
_OF_AN_INPUT: Final = frozenset(
    {
        "required_input_missing",
        "value_smaller_than_min",
        "value_bigger_than_max",
        "invalid_input_type",
        "bad_linked_input",
    }
)
"""Errors whose details say no more than which input, or nothing that a person could use."""


def refusal(raw: bytes, workflow: Workflow) -> str:
    """Return what a 400 to ``POST /prompt`` says, in one line; empty when it says nothing.

    The nodes' errors come first: the error of the whole is often only that there are some.
    """
    try:
        said = parsed(Refused, raw)
    except RefusedBodyError:
        return ""
    faults = list(islice(node_faults(said.node_errors, workflow), FAULTS_TOLD))
    if not faults:
        faults = [_of_the_whole(said.error, workflow)]
    return texts.cut("; ".join(faults), words.LINE_KEPT)


def node_faults(told: object, workflow: Workflow) -> Iterator[str]:
    """Yield what is wrong with each node of `node_errors`; what does not fit is passed over."""
    by_node = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
    for node_id, errors in islice(by_node.items(), NODES_LOOKED_AT):
        node = read(NodeErrors, errors)
        if node is None:
            continue
        title = _title(node_id, node.class_type, workflow)
        for each in node.errors[:ERRORS_LOOKED_AT]:
            error = read(PromptError, each)
            if error is not None:
                yield texts.cut(f"{title}: {_said(error)}", FAULT_KEPT)


def _of_the_whole(told: object, workflow: Workflow) -> str:
    if isinstance(told, str):
        return words.line(told)
    error = read(PromptError, told)
    if error is None:
        return ""
    info = read(ErrorInfo, error.extra_info) or ErrorInfo()
    if error.type == "missing_node_type" and info.class_type:
        title = _title(info.node_id or "", info.class_type, workflow)
        return f"{title}: the server has no node {words.quoted(info.class_type)}"
    return _joined(error.message, error.details)


def _said(error: PromptError) -> str:
    """Return what is wrong with a node. The details of a choice are all that there is to choose."""
    info = read(ErrorInfo, error.extra_info) or ErrorInfo()
    field = words.quoted(info.input_name or "")
    if error.type == "value_not_in_list":
        if is_model(info.received_value):
            return f"model {words.quoted(info.received_value)} is not on the server"
        return f"{field}: {words.quoted(info.received_value)} is not among its choices"
    if error.type in _OF_AN_INPUT and field:
        return f"{field}: {words.line(error.message)}"
    return _joined(error.message, error.details)


def _joined(message: str, details: str) -> str:
    parts = (words.line(message).rstrip("."), words.line(details))
    return ": ".join(dict.fromkeys(part for part in parts if part))


def _title(node_id: str, class_type: str | None, workflow: Workflow) -> str:
    node = workflow.graph.get(node_id)
    return node.title if node else words.quoted(class_type or f"node {node_id}")
