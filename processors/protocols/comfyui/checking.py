"""Compare a workflow with what a server has: its node classes, its models, its choices.

Source: the answers of ``GET /object_info``. An input is ``[type, options]``, where the type is
a list of choices, or ``COMBO`` with the choices among the options (nodes of the newer kind).
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import JsonValue

from processors.protocols import words
from processors.protocols.bodies import read
from processors.protocols.comfyui.workflows import Node, Workflow, is_model, linked
from schemas.wire.comfyui import NodeInfo


def unknown(workflow: Workflow, object_info: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return a sentence for everything in a workflow that a server does not have.

    Of inputs only choices are compared. Those of files to be uploaded are not: what can be
    chosen there changes with every upload.

    Args:
        workflow: What `parse` returned.
        object_info: The whole answer of ``GET /object_info``, by class.
    """
    return tuple(
        f"{node.title} (node {words.quoted(node_id)}): {fault}"
        for node_id, node in workflow.graph.items()
        for fault in _faults(node, object_info)
    )


def _faults(node: Node, object_info: Mapping[str, JsonValue]) -> Iterator[str]:
    if node.class_type not in object_info:
        yield f"the server has no node {words.quoted(node.class_type)}"
        return
    info = read(NodeInfo, object_info[node.class_type])
    if info is None:
        return
    takes = {**(info.input.optional or {}), **(info.input.required or {})}
    for field, value in node.inputs.items():
        choices = _choices(takes.get(field))
        if choices is not None and linked(value) is None:
            yield from _not_among(field, value, choices)


def _choices(declared: object) -> list[Any] | None:
    """Return what may be chosen for an input; None where there is no fixed choice."""
    if not isinstance(declared, list) or not declared:
        return None
    kind, *rest = cast("list[object]", declared)
    first = rest[0] if rest else None
    options = cast("dict[str, object]", first) if isinstance(first, dict) else {}
    if any(name.endswith("_upload") and given for name, given in options.items()):
        return None
    choices = options.get("options") if kind == "COMBO" else kind
    return cast("list[Any]", choices) if isinstance(choices, list) else None


def _not_among(field: str, value: JsonValue, choices: list[Any]) -> Iterator[str]:
    """Yield what is wrong with a value; several may be chosen at once where it is a list."""
    for each in value if isinstance(value, list) else [value]:
        if each in choices:
            continue
        if is_model(each):
            yield f"model {words.quoted(each)} is not on the server"
        else:
            yield f"{words.quoted(field)}: {words.quoted(each)} is not among its choices"
