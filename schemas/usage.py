"""What the nodes of a run took: the rows of the log of model usage."""

from datetime import datetime
from typing import Literal, NamedTuple

from schemas.base import GenerationId, RunId


class NodeUse(NamedTuple):
    """One node of a run's graph, executed or taken from the engine's cache."""

    node_id: str
    class_type: str
    """The engine's name of what the node does."""
    models: tuple[str, ...]
    """File names of models found in its inputs."""
    milliseconds: int
    """How long it ran, by when we heard of it; 0 where it was cached."""
    cached: bool


class Use(NamedTuple):
    """One row of the log: a node, and whose it was."""

    generation: GenerationId
    run_id: RunId
    server: str
    at: datetime
    """When it was logged: soon after its run ended."""
    node_id: str
    class_type: str
    models: tuple[str, ...]
    milliseconds: int
    cached: bool


UsesBy = Literal["class", "model", "server"]
"""What the log of nodes can be added up by."""


class UseRow(NamedTuple):
    """What the nodes of one class, with one model, or at one server took together."""

    name: str
    number: int
    cached: int
    """How many of them took nothing, for the server had their results already."""
    milliseconds: int
    """Of all of them."""
    longest: int
    """Milliseconds of the one that took longest."""

    @property
    def mean(self) -> int | None:
        """Milliseconds of one that was not cached; None where all were."""
        executed = self.number - self.cached
        return round(self.milliseconds / executed) if executed else None
