"""Which node of a prompt is run next, and which need not be run again."""

import hashlib
import json
from collections.abc import Collection, Mapping

from sandbox.comfyui.folders import Folders
from sandbox.comfyui.graphs import Graph, Node, link_of


def to_run(graph: Graph, outputs: list[str], cached: Collection[str]) -> dict[str, Node]:
    """Return the nodes to run: of the cached ones only the outputs, and those first."""
    found: dict[str, Node] = {}
    ahead = sorted(outputs, key=lambda each: each not in cached)
    while ahead:
        node = graph[ahead.pop(0)]
        if node.id in found or (node.id in cached and not node.kind.output_node):
            continue
        found[node.id] = node
        if node.id not in cached:
            ahead += [link.node for link in node.links.values()]
    return found


def following(
    waiting: Mapping[str, Node], done: Collection[str], busy: Collection[str]
) -> Node | None:
    """Return the node to go on with: outputs first, then what outputs wait for.

    Args:
        waiting: The nodes that have not ended.
        done: Those that have.
        busy: Those that were begun and are still at it.
    """
    ready = [
        node
        for node in waiting.values()
        if node.id not in busy and all(link.node in done for link in node.links.values())
    ]
    for node in ready:
        if node.kind.output_node or node.kind.is_async:
            return node
    awaited = {
        link.node
        for node in waiting.values()
        if node.kind.output_node
        for link in node.links.values()
    }
    return next((node for node in ready if node.id in awaited), ready[0] if ready else None)


class Signatures:
    """What is the same for two nodes that make the same: their class and where inputs come from."""

    def __init__(self, graph: Graph, folders: Folders) -> None:
        self._graph = graph
        self._folders = folders
        self._known: dict[str, str] = {}

    def of(self, node_id: str) -> str:
        """Return the signature of a node of the prompt."""
        if node_id not in self._known:
            node = self._graph[node_id]
            parts: list[object] = [node.kind.name]
            for name, value in sorted(node.inputs.items()):
                link = link_of(value)
                linked = link if link is not None and link.node in self._graph else None
                parts.append([name, [self.of(linked.node), linked.slot] if linked else value])
            if node.kind.name == "LoadImage":
                file = self._folders.input(str(node.inputs["image"]))
                parts.append(file.etag if file else None)
            self._known[node_id] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return self._known[node_id]
