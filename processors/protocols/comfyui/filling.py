"""Fill a workflow's fields with a generation's inputs, and draw the seeds it leaves open."""

import hashlib
from collections.abc import Mapping
from typing import Final

import orjson
from pydantic import JsonValue

from processors.errors import UnboundInputError
from processors.protocols.comfyui.workflows import Node, Workflow, linked
from schemas.base import GenerationId

SEEDS: Final = frozenset({"seed", "noise_seed"})
"""Names of the inputs that take a seed."""
SEED_BITS: Final = 52
"""Bits of a drawn seed: each such number is exact in JavaScript, which reads it from a picture."""
_NARROWER: Final = (32, 50)
"""Bits that some nodes take at most: those of numpy, and rgthree's (2^50). Which one a node is,
the graph does not say, but the seed in it was taken once."""


def bind(
    workflow: Workflow, inputs: Mapping[str, JsonValue], generation_id: GenerationId
) -> Workflow:
    """Return the workflow as it is to run for a generation; the same for each of its attempts.

    Seeds that are not given are drawn from the generation's id, so that two generations differ
    and a cached result is not given out twice. A seed that is linked is its source's matter.

    Args:
        workflow: What `parse` returned.
        inputs: By ``{node id}/{field}``, split at the last slash.
        generation_id: Whose run it is.

    Raises:
        UnboundInputError: There is no such field, or it is a link, or what is given for it cannot
            be written as JSON: so that whatever is returned can be.
    """
    filled = {node_id: dict(node.inputs) for node_id, node in workflow.graph.items()}
    for key, value in inputs.items():
        node_id, _, field = key.rpartition("/")
        _check(workflow, key, node_id, field)
        if linked(value) is not None:
            raise UnboundInputError(key, "what is given for it reads as a link")
        if not _can_be_written(value):
            raise UnboundInputError(key, "what is given for it cannot be written as JSON")
        filled[node_id][field] = value
    graph = {
        node_id: _seeded(node_id, node, filled[node_id], inputs, generation_id)
        for node_id, node in workflow.graph.items()
    }
    return workflow.change(graph=graph)


def seed(generation_id: GenerationId, node_id: str, field: str) -> int:
    """Return a number of `SEED_BITS` bits that differs for each generation, node and field."""
    named = f"{generation_id}:{node_id}:{field}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:8]) >> (64 - SEED_BITS)


def _check(workflow: Workflow, key: str, node_id: str, field: str) -> None:
    node = workflow.graph.get(node_id)
    if node is None:
        raise UnboundInputError(key, "the workflow has no such node")
    if field not in node.inputs:
        raise UnboundInputError(key, f"node {node.title} has no such input")
    if linked(node.inputs[field]) is not None:
        raise UnboundInputError(key, "it is linked to another node, so nothing can be put there")


def _can_be_written(value: JsonValue) -> bool:
    """Return whether a server would read what was given: no NaN, no half character, no 2**64."""
    try:
        return orjson.loads(orjson.dumps(value)) == value
    except orjson.JSONEncodeError:
        return False


def _seeded(
    node_id: str,
    node: Node,
    filled: dict[str, JsonValue],
    given: Mapping[str, JsonValue],
    generation_id: GenerationId,
) -> Node:
    for field in SEEDS & filled.keys():
        known = filled[field]
        if type(known) is int and f"{node_id}/{field}" not in given:
            filled[field] = seed(generation_id, node_id, field) >> (SEED_BITS - _width(known))
    return node.change(inputs=filled)


def _width(known: int) -> int:
    """Return how many bits a seed may have in place of this one."""
    fitting = (bits for bits in _NARROWER if known < 1 << bits)
    return next(fitting, SEED_BITS)
