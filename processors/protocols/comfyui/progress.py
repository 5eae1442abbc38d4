"""How much of a run's graph is done, and what it is at, by what the socket says.

The share of a run is that of its nodes, and a node that runs counts by its own account. No
share of any node ever falls, and so neither does the run's. How many nodes a subgraph will
have nobody knows while it runs: its parent's share draws nearer to 1 with each of them, and
is 1 only when the parent itself is done.

A server may name as many nodes as it likes, in every message: a message costs so much and no
more, and so does what is kept of a run.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from processors.protocols.comfyui import messages
from processors.protocols.comfyui.messages import NodeState
from processors.protocols.comfyui.workflows import NodeKind

ALMOST: Final = 0.99
"""The share of a run whose nodes are all done, and whose end has not come."""
WORDS_KEPT: Final = 200
"""Characters of the words for what a run is at."""
LOOKED_AT: Final = 2_000
"""Nodes of one message that are looked at, the last ones: those that run are among them."""
KEPT: Final = 2_000
"""Nodes that are kept in mind of those that run, that are done, and of all subgraphs, each."""
STEPS_MOST: Final = 1_000_000
"""Steps of a node beyond which they are not counted out."""


class Work:
    """What is known to be done of one graph."""

    def __init__(self, nodes: Mapping[str, NodeKind]) -> None:
        self._nodes = nodes
        self._shares: dict[str, float] = {}
        self._done = 0.0
        # By the node of the graph and one of its subgraph: how far that one is.
        self._parts: dict[tuple[str, str], float] = {}
        # By the node of the graph: what those are together.
        self._sums: dict[str, float] = {}
        self._finished: set[str] = set()
        # In the order they began.
        self._running: dict[str, NodeState] = {}

    @property
    def share(self) -> float:
        """Share of the run that is done; below 1 however much of it is."""
        return round(min(ALMOST, self._done / len(self._nodes)), 4) if self._nodes else 0.0

    @property
    def words(self) -> str | None:
        """What runs now: the title of the node that began last, and its steps if it has some."""
        if not self._running:
            return None
        state = self._running[next(reversed(self._running))]
        title = "".join(filter(str.isprintable, self._nodes[state.root].title))[:WORDS_KEPT]
        if not 1 < state.most <= STEPS_MOST:
            return title
        return f"{title} {max(0, min(state.value, state.most)):.0f}/{state.most:.0f}"

    @property
    def at(self) -> frozenset[str]:
        """The nodes of the graph that run, by themselves or in their subgraphs."""
        return frozenset(state.root for state in self._running.values())

    def cached(self, nodes: Iterable[str]) -> None:
        """Count nodes as done that will not be executed."""
        for node in islice(nodes, len(self._nodes)):
            self._reach(node, node, 1.0)

    def begun(self, node: str, root: str) -> None:
        """Take note that a node runs."""
        if node not in self._running and root in self._nodes and len(self._running) < KEPT:
            self._running[node] = NodeState(root, 0.0, 1.0, finished=False)

    def stepped(self, node: str, value: float, most: float) -> None:
        """Take a running node's own account of how far it is."""
        known = self._running.get(node)
        if known is not None:
            self._put(node, known._replace(value=value, most=most))

    def seen(self, nodes: dict[str, Any]) -> None:
        """Take the states of all nodes that have begun, as they are told."""
        last = list(islice(reversed(nodes.items()), LOOKED_AT))
        for node, told in reversed(last):
            # Most are done and were so before: they come again with every step.
            if node in self._finished and messages.is_finished(told):
                continue
            state = messages.state(node, told)
            if state is not None and state.root in self._nodes:
                self._put(node, state)

    def _put(self, node: str, state: NodeState) -> None:
        if state.finished:
            self._running.pop(node, None)
            if len(self._finished) < KEPT:
                self._finished.add(node)
            self._reach(node, state.root, 1.0)
            return
        if node in self._running or len(self._running) < KEPT:
            self._running[node] = state
        self._finished.discard(node)
        if state.most > 0:
            self._reach(node, state.root, max(0.0, min(state.value / state.most, 1.0)))

    def _reach(self, node: str, root: str, share: float) -> None:
        """Raise a node's share; one that was reached before stays."""
        if node != root:
            done = self._together(node, root, share)
            node, share = root, done / (1.0 + done)
        before = self._shares.get(node, 0.0)
        if node in self._nodes and share > before:
            self._shares[node] = share
            self._done += share - before

    def _together(self, node: str, root: str, share: float) -> float:
        """Put one node of a subgraph to the others; return how far they are together."""
        together, part = self._sums.get(root, 0.0), (root, node)
        if part not in self._parts and len(self._parts) >= KEPT:
            return together
        together = max(0.0, together + (share - self._parts.get(part, 0.0)))
        self._parts[part], self._sums[root] = share, together
        return together
