"""How far the nodes of one prompt are, and what its client is told of that."""

import time
from typing import Final

from sandbox.comfyui import frames
from sandbox.comfyui.graphs import Node
from sandbox.comfyui.sockets import Sockets
from sandbox.comfyui.values import Json, an_object
from sandbox.comfyui.versions import PROMPT_IDS, THROTTLED, Version

_EVERY: Final = 0.1
"""Seconds between two updates without a preview, from 0.9.2 on."""


class Progress:
    """The states of all nodes that were begun, in order."""

    def __init__(
        self, sockets: Sockets, version: Version, prompt_id: str, client_id: str | None
    ) -> None:
        self._sockets = sockets
        self._version = version
        self._prompt_id = prompt_id
        self._client_id = client_id
        self._nodes: dict[str, Json] = {}
        self._told_at: dict[str, float] = {}

    def begin(self, node: Node) -> None:
        """Say that a node was begun."""
        self._set(node, 0.0, 1.0, "running")

    def finish(self, node: Node, *, cached: bool = False) -> None:
        """Say that a node is done; a cached one was never begun."""
        most = (self._nodes.get(node.id) or {"max": 1 if cached else 1.0})["max"]
        self._set(node, most, most, "finished")

    def update(self, node: Node, value: int, most: int, image: tuple[bytes, int] | None) -> None:
        """Say how far a node is, with a preview and its format if there is one."""
        if not self._is_due(node.id, first=value <= 1, last=value >= most, shown=bool(image)):
            return
        self._set(node, value, most, "running")
        named = self._version >= PROMPT_IDS and self._sockets.names_previews(self._client_id)
        if image is not None and named:
            told = an_object(self._nodes[node.id]) or {}
            kept = ("node_id", "prompt_id", "display_node_id", "parent_node_id", "real_node_id")
            frame = frames.preview_with_metadata(*image, {key: told[key] for key in kept})
            self._sockets.show(frame, self._client_id, self._prompt_id)
        step: Json = {"value": value, "max": most, "prompt_id": self._prompt_id, "node": node.id}
        self._sockets.tell("progress", step, self._client_id)
        if image is not None and not named:
            self._sockets.show(frames.preview(*image), self._client_id, self._prompt_id)

    def shown(self) -> bool:
        """Say whether anybody would see a preview."""
        return self._sockets.listens(self._client_id)

    def say(self, node: Node, words: str) -> None:
        """Send a node's words, which go to everybody."""
        self._sockets.show(frames.text(node.id, words), None, self._prompt_id)

    def _set(self, node: Node, value: object, most: object, state: str) -> None:
        self._nodes[node.id] = {
            "value": value,
            "max": most,
            "state": state,
            "node_id": node.id,
            "prompt_id": self._prompt_id,
            "display_node_id": node.display,
            "parent_node_id": node.parent,
            "real_node_id": node.display,
        }
        if self._version >= PROMPT_IDS:
            told: Json = {"prompt_id": self._prompt_id, "nodes": self._nodes}
            self._sockets.tell("progress_state", told, self._client_id)

    def _is_due(self, node_id: str, *, first: bool, last: bool, shown: bool) -> bool:
        now = time.monotonic()
        due = (
            self._version < THROTTLED
            or first
            or last
            or shown
            or now - self._told_at.get(node_id, 0.0) >= _EVERY
        )
        if due:
            self._told_at[node_id] = now
        return due
