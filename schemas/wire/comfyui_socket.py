"""ComfyUI's socket messages, as its server writes them: the ``data`` of each kind.

Source: recordings of versions 0.3.64 and 0.30.2, which agree in kinds, keys and order. Every
field that we do not need is left out, and passed over. ``progress_state`` has no model here: it
names every node of a graph at every step, and is read by plain looks.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from schemas.base import RunId, Wire

NODE_ID_MOST = 1_000
"""Characters of a node's id; a loop's node has those of all its rounds in its own."""
NodeId = Annotated[str, Field(max_length=NODE_ID_MOST)]


class OfPrompt(Wire):
    """What every message of a run has."""

    model_config = ConfigDict(strict=True)

    prompt_id: RunId = Field(min_length=1, max_length=128)


class ExecutionStart(OfPrompt):
    """The worker has begun with the run."""


class ExecutionCached(OfPrompt):
    """Nodes that will not be executed, for what they make is known."""

    nodes: list[str]


class Executing(OfPrompt):
    """A node begins; without a node the run is over, whatever its end was."""

    node: NodeId | None
    display_node: NodeId | None = None
    """The node of the graph that a node of a subgraph belongs to."""


class StepDone(OfPrompt):
    """``progress``: a node's own account of how far it is."""

    node: NodeId
    value: float
    max: float


class Executed(OfPrompt):
    """A node has shown something."""

    node: NodeId
    output: dict[str, Any] | None = None
    """By kind; read by whoever reads the same in a history. None from a cached node that shows
    nothing. Hence Any."""


class ExecutionSuccess(OfPrompt):
    """The run is done; its history is being written."""


class ExecutionInterrupted(OfPrompt):
    """Somebody has stopped the run; its history is being written."""


class ExecutionError(OfPrompt):
    """A node has failed, and the run with it, unless the node was only blocked."""

    exception_type: str = ""
    timestamp: int
    """Milliseconds since 1970. What has none is about a blocked node, and no end."""


class FrameMetadata(OfPrompt):
    """What a preview says of itself."""
