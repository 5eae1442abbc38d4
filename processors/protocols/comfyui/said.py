"""What a follower wants done, in its own words."""

from typing import NamedTuple, TypeAlias

from schemas.base import GenerationId, RunId
from schemas.run import RunEvent
from schemas.usage import NodeUse


class Told(NamedTuple):
    """The server told of a run; an end among them."""

    event: RunEvent


class Preview(NamedTuple):
    """A picture of how far a run is, at most one a second and run."""

    generation_id: GenerationId
    run_id: RunId
    content_type: str
    """``image/png`` or ``image/jpeg``, by its bytes."""
    image: bytes


class AskHistory(NamedTuple):
    """Ask for the history of a run, and give the answer to `Follower.history`."""

    run_id: RunId


class AskQueue(NamedTuple):
    """Ask for the queue, and give the answer to `Follower.queue`."""


class Missing(NamedTuple):
    """The server has a run neither in its queue nor, asked after that, in its history.

    It is still followed: whether it is lost is for others to say.
    """

    generation_id: GenerationId
    run_id: RunId


class Used(NamedTuple):
    """What the nodes of a run took, once at its end."""

    rows: tuple[NodeUse, ...]
    generation_id: GenerationId
    run_id: RunId


Said: TypeAlias = Told | Preview | AskHistory | AskQueue | Missing | Used
