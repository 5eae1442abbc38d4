"""The work on one node: what it is given, and what it makes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from sandbox.comfyui.folders import Folders
from sandbox.comfyui.graphs import Node
from sandbox.comfyui.pictures import Picture
from sandbox.comfyui.progress import Progress
from sandbox.comfyui.values import Json, number, whole


@dataclass(frozen=True)
class Made:
    """What a node made.

    Attributes:
        values: Its outputs, by slot.
        ui: What it shows; None where it shows nothing.
        nodes: Nodes to run in its place, each with the class and inputs; the last one's outputs
            become its own.
    """

    values: tuple[object, ...] = ()
    ui: Json | None = None
    nodes: tuple[tuple[str, Json], ...] = ()


@dataclass(frozen=True)
class Task:
    """One node to work on.

    Attributes:
        inputs: Its inputs, links resolved.
        about: What is written into the pictures it saves.
        seconds: How long a sampler takes for itself.
        pause: Waits so many seconds, or until the prompt is interrupted.
        memory: Whether there is room for a sampler.
    """

    node: Node
    inputs: Json
    about: Json
    folders: Folders
    progress: Progress
    seconds: float
    pause: Callable[[float], Awaitable[None]]
    memory: bool

    def images(self, name: str) -> tuple[Picture, ...]:
        """Return the pictures among the inputs."""
        # Only nodes that hand on pictures can be linked here; the check saw to it.
        return cast("tuple[Picture, ...]", self.inputs[name])

    def whole(self, name: str) -> int:
        """Return a whole number among the inputs."""
        return whole(self.inputs[name])

    def number(self, name: str) -> float:
        """Return a number among the inputs."""
        return number(self.inputs[name])
