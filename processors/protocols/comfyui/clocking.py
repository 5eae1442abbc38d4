"""How long each node of a run took, by when its socket's messages arrived.

A node's time is from its first ``executing`` to its end: when it is told to be done, else when
the next one begins, else when the run does not go on. Nodes that wait for others (async ones)
run beside each other, and a node with a subgraph runs as long as that does. What is not heard
to its end, for the socket was lost meanwhile, has no time: a guess would be a wrong figure.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

from processors.protocols.comfyui.workflows import NodeKind
from schemas.usage import NodeUse


class Stopwatch:
    """The times of the nodes of one run's graph."""

    def __init__(self, nodes: Mapping[str, NodeKind]) -> None:
        self._nodes = nodes
        self._started = False
        self._cached: dict[str, None] = {}
        self._since: dict[str, datetime] = {}
        self._took: dict[str, timedelta] = {}

    @property
    def uses(self) -> tuple[NodeUse, ...]:
        """What was measured, in the order it ended; nothing if the run's start was not seen."""
        if not self._started:
            return ()
        cached = [self._use(node, timedelta(), cached=True) for node in self._cached]
        return (*cached, *(self._use(node, took) for node, took in self._took.items()))

    def start(self) -> None:
        """Take note that the run's start was seen."""
        self._started = True

    def cached(self, nodes: Iterable[str]) -> None:
        """Take note of the nodes that will not be executed."""
        some = islice(nodes, len(self._nodes))
        self._cached.update(dict.fromkeys(node for node in some if node in self._nodes))

    def begun(self, node: str, at: Collection[str], now: datetime) -> None:
        """Start a node's time, and stop those of all others that do not run beside it.

        Args:
            node: The node of the graph.
            at: Those that are known to run.
            now: When it was heard.
        """
        self._stop([each for each in self._since if each != node and each not in at], now)
        if node in self._nodes:
            self._since.setdefault(node, now)

    def only(self, at: Collection[str], now: datetime) -> None:
        """Stop the times of all nodes but those that are known to run."""
        self._stop([each for each in self._since if each not in at], now)

    def stop(self, now: datetime) -> None:
        """Stop all times, for the run does not go on."""
        self._stop(list(self._since), now)

    def lose(self) -> None:
        """Forget the times that run: nobody hears of their end."""
        self._since.clear()

    def _stop(self, nodes: Iterable[str], now: datetime) -> None:
        for node in nodes:
            took = now - self._since.pop(node)
            self._took[node] = self._took.get(node, timedelta()) + took

    def _use(self, node: str, took: timedelta, *, cached: bool = False) -> NodeUse:
        kind = self._nodes[node]
        milliseconds = max(0, took // timedelta(milliseconds=1))
        return NodeUse(node, kind.class_type, kind.models, milliseconds, cached)
