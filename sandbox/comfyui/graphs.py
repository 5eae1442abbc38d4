"""Graphs in API format: nodes, and the links between them."""

from dataclasses import dataclass
from typing import Final

from sandbox.comfyui.catalogue import CLASSES
from sandbox.comfyui.classes import NodeClass
from sandbox.comfyui.values import Json, a_list, an_object

_LINK_LENGTH: Final = 2


@dataclass(frozen=True)
class Link:
    """An input that is the output of another node."""

    node: str
    slot: int


@dataclass(frozen=True)
class Node:
    """One node of a graph.

    Attributes:
        inputs: Its inputs as given; links are lists.
        parent: The node that made it while it ran; None for those of the prompt.
        display: The node of the prompt that it belongs to.
    """

    id: str
    kind: NodeClass
    inputs: Json
    parent: str | None
    display: str

    @property
    def links(self) -> dict[str, Link]:
        """The inputs that are links."""
        found = {name: link_of(value) for name, value in self.inputs.items()}
        return {
            name: link
            for name, link in found.items()
            if link is not None and name in self.kind.inputs
        }


Graph = dict[str, Node]


def read(prompt: Json) -> Graph:
    """Return a prompt as nodes; those of unknown classes are left out."""
    graph: Graph = {}
    for node_id, value in prompt.items():
        told = an_object(value) or {}
        kind = CLASSES.get(str(told.get("class_type")))
        if kind is not None:
            inputs = an_object(told.get("inputs")) or {}
            graph[node_id] = Node(node_id, kind, inputs, None, node_id)
    return graph


def link_of(value: object) -> Link | None:
    """Return the link that an input is; None where it is none."""
    listed = a_list(value)
    if listed is None or len(listed) != _LINK_LENGTH:
        return None
    node, slot = listed
    return Link(str(node), slot) if isinstance(slot, int) else None


def needed(graph: Graph, outputs: list[str]) -> list[str]:
    """Return the nodes that these outputs need and that are there, outputs first."""
    found: dict[str, None] = {}
    waiting = list(reversed(outputs))
    while waiting:
        node_id = waiting.pop()
        if node_id not in found:
            found[node_id] = None
            links = graph[node_id].links.values()
            waiting += [link.node for link in reversed(links) if link.node in graph]
    return list(found)
