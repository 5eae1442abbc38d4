"""What is ordered of ComfyUI servers, and how: through the API, all at once."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from benchmarks import fleet
from benchmarks.fleet import Fleet
from benchmarks.world import Service

PATH: Final = "/api/generations"
CONNECTIONS: Final = 32
MADE: Final = 201

Graph = dict[str, Any]
"""A workflow in ComfyUI's API format."""


class Work(NamedTuple):
    """What is run.

    Attributes:
        workflow: The same for many.
        inputs: What is this one's own, by `NODE/FIELD`.
    """

    workflow: Graph
    inputs: dict[str, int | float | str]

    def graph(self) -> Graph:
        """Return the workflow with the inputs filled in."""
        filled = {
            name: {**node, "inputs": {**node["inputs"]}} for name, node in self.workflow.items()
        }
        for key, value in self.inputs.items():
            node, _, field = key.rpartition("/")
            filled[node]["inputs"][field] = value
        return filled


class Order(NamedTuple):
    """One order.

    Attributes:
        user: Whose.
        work: What is run.
    """

    user: str
    work: Work

    def body(self) -> bytes:
        """Return the order as the API takes it."""
        told = {"workflow": self.work.workflow, "inputs": self.work.inputs}
        return orjson.dumps({"engine": "comfyui", "metadata": {"userId": self.user}, **told})


_PICTURE: Final[Graph] = {
    "1": {
        "class_type": "SleepProgress",
        "inputs": {
            "steps": 4,
            "step_seconds": 0.1,
            "preview": True,
            "text": False,
            "fail_at_step": -1,
            "seed": 0,
        },
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "bench"}},
}
_WORDS: Final[Graph] = {"1": {"class_type": "PreviewAny", "inputs": {"source": ""}}}


def picture(seconds: float, number: int) -> Work:
    """Return what takes its time, shows a picture at each of its steps, and saves one."""
    steps = _PICTURE["1"]["inputs"]["steps"]
    return Work(_PICTURE, {"1/step_seconds": round(seconds / steps, 3), "1/seed": number})


def words(said: str) -> Work:
    """Return the shortest that there is: it shows a text. No two texts are made from a cache."""
    return Work(_WORDS, {"1/source": said})


async def place(service: Service, orders: Sequence[Order]) -> None:
    """Order everything at once.

    Raises:
        RuntimeError: An order was not taken.
    """
    clients = Fleet(service.url, PATH, min(CONNECTIONS, len(orders)))
    await clients.open()
    answers = await fleet.send(clients.post, [each.body() for each in orders], None)
    clients.close()
    refused = [each.status for each in answers if each.status != MADE]
    if refused:
        raise RuntimeError(f"{len(refused)} orders were not taken: {set(refused)}")
