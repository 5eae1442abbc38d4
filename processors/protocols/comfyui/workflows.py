"""Workflows: graphs in ComfyUI's API format, read once and kept under their own hash.

A graph is an object of nodes by id, any text: ``{"6": {"class_type", "inputs", "_meta"?}}``.
An input is a literal, or a link ``[node id, index]`` to another node's output.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

import orjson
from pydantic import JsonValue

from processors.errors import RefusedWorkflowError
from processors.protocols import words
from processors.protocols.comfyui import files
from schemas.base import Value

MODEL_FILES: Final = (
    ".safetensors",
    ".ckpt",
    ".pt",
    ".pth",
    ".gguf",
    ".bin",
    ".onnx",
    ".sft",
)
"""How the names of model files end."""
TITLE_KEPT: Final = 100
"""Characters of a node's title."""


class Node(Value):
    """One node of a graph."""

    class_type: str
    inputs: dict[str, JsonValue]
    title: str
    """What its author calls it; the class's name where nothing was said."""


class Workflow(Value):
    """A graph, and what its author wants written into the pictures it makes."""

    graph: dict[str, Node]
    """By node id."""
    extra_pnginfo: JsonValue | None = None


class NodeKind(NamedTuple):
    """What is to be known of a node that runs."""

    class_type: str
    title: str
    models: tuple[str, ...]
    """Names of model files among its inputs, each once."""


def parse(raw: bytes) -> Workflow:
    """Read a workflow: a bare graph, or what is posted to ``/prompt``.

    Raises:
        RefusedWorkflowError: It is too large or too deep, not JSON, a file of the editor, or
            no graph whose links all lead somewhere.
    """
    graph, extra = files.parts(raw)
    if not graph:
        raise RefusedWorkflowError("", "there are no nodes in it")
    nodes = {node_id: _node(node_id, node) for node_id, node in graph.items()}
    for node_id, node in nodes.items():
        _check_links(node_id, node, nodes)
    return Workflow(graph=nodes, extra_pnginfo=extra)


def stored(raw: bytes) -> tuple[str, bytes]:
    """Return a workflow's hash and its canonical bytes, which `parse` reads to the same.

    Two files that differ only in layout, or in what is not kept of them, are one workflow.

    Raises:
        RefusedWorkflowError: As `parse` does.
    """
    return kept(parse(raw))


def kept(workflow: Workflow) -> tuple[str, bytes]:
    """Return the hash and the canonical bytes of what `parse` returned."""
    told: dict[str, Any] = written(workflow)
    if workflow.extra_pnginfo is not None:
        told = {"prompt": told, "extra_data": {"extra_pnginfo": workflow.extra_pnginfo}}
    canonical = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest(), canonical


def written(workflow: Workflow) -> dict[str, JsonValue]:
    """Return the graph as it is written; history gives its titles back."""
    return {node_id: _written(node) for node_id, node in workflow.graph.items()}


def kinds(workflow: Workflow) -> Mapping[str, NodeKind]:
    """Return by node id what is to be known of each node that may run."""
    return {
        node_id: NodeKind(node.class_type, node.title, _models(node))
        for node_id, node in workflow.graph.items()
    }


def linked(value: JsonValue) -> str | None:
    """Return the id of the node that an input's value is a link to; None for a literal.

    By the measure of ComfyUI itself (``graph_utils.is_link``).
    """
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a node and its output
        return None
    node_id, index = value
    return node_id if isinstance(node_id, str) and isinstance(index, (int, float)) else None


def is_model(value: object) -> bool:
    """Return whether a value names a model's file, judged by how it ends."""
    return isinstance(value, str) and value.lower().endswith(MODEL_FILES)


def title_of(node: Mapping[str, Any]) -> str | None:
    """Return the title that a node as it is written has, on one line; None without one."""
    meta = node.get("_meta")
    title = cast("dict[str, Any]", meta).get("title") if isinstance(meta, dict) else None
    return words.plain(title, TITLE_KEPT) or None if isinstance(title, str) else None


def _node(node_id: str, told: object) -> Node:
    if not isinstance(told, dict):
        raise RefusedWorkflowError(_place(node_id), "it is no object, so this is no graph")
    node = cast("dict[str, Any]", told)
    class_type, inputs = node.get("class_type"), node.get("inputs")
    if not isinstance(class_type, str) or not class_type:
        raise RefusedWorkflowError(_place(node_id), "it does not name its class_type")
    if not isinstance(inputs, dict):
        raise RefusedWorkflowError(_place(node_id), "it has no inputs")
    return Node(
        class_type=class_type,
        inputs=cast("dict[str, JsonValue]", inputs),
        title=title_of(node) or words.plain(class_type, TITLE_KEPT) or "?",
    )


def _check_links(node_id: str, node: Node, nodes: Mapping[str, Node]) -> None:
    for field, value in node.inputs.items():
        target = linked(value)
        if target is not None and target not in nodes:
            place = _place(f"{node_id}/{field}")
            fault = f"it links to node {words.quoted(target)}, which there is not"
            raise RefusedWorkflowError(place, fault)


def _written(node: Node) -> dict[str, JsonValue]:
    plain: dict[str, JsonValue] = {"class_type": node.class_type, "inputs": node.inputs}
    if node.title != node.class_type:
        plain["_meta"] = {"title": node.title}
    return plain


def _models(node: Node) -> tuple[str, ...]:
    named = (value for value in node.inputs.values() if isinstance(value, str) and is_model(value))
    return tuple(dict.fromkeys(named))


def _place(place: str) -> str:
    return words.quoted(place)
