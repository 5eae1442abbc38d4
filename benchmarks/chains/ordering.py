"""What is ordered of chains, and how: presets for the stand-in, steps, and the API."""

from datetime import datetime
from time import monotonic
from typing import Any, Final, NamedTuple

import httpx

from benchmarks import world
from benchmarks.world import Service
from schemas.base import UserId
from schemas.preset import Preset

PATH: Final = "/api/jobs/create"
MODEL: Final = "acme/dresser"
PRICE: Final = 1
CREDITS: Final = 1_000
RUN_SECONDS: Final = 0.4
"""How long a run of the first preset takes."""

WEAR: Final = "wear"
QUICK_WEAR: Final = "quick_wear"
SAY: Final = "say"

Body = dict[str, Any]
"""An order as the API takes it."""


class Placed(NamedTuple):
    """An order that was taken.

    Attributes:
        job: What came of it.
        sent: When it was sent, in seconds of the monotonic clock.
        answer_ms: How long its answer took.
    """

    job: str
    sent: float
    answer_ms: float


def presets(now: datetime) -> list[Preset]:
    """Return what is ordered.

    `wear` takes a picture, if there is one, and makes another of it; `quick_wear` does so in no
    time; `say` says its words again, in no time.
    """
    takes_time = {"sandbox_seconds": RUN_SECONDS, "sandbox_cold": 0}
    at_once = {"sandbox_seconds": 0, "sandbox_cold": 0}
    words = {"name": "text", "type": "text"}
    return [
        _preset(WEAR, now, constants=takes_time),
        _preset(QUICK_WEAR, now, constants=at_once),
        _preset(SAY, now, constants=at_once | {"sandbox_output": "words"}, outputs=[words]),
    ]


def chain(user: UserId, preset: str, length: int) -> Body:
    """Return an order of steps, each of which takes what the one before it has made."""
    taken, output = ("prompt", "text") if preset == SAY else ("photo", "image")
    steps = [
        {
            "preset": preset,
            "inputs": {"prompt": f"step {number}"} if number == 1 or preset != SAY else {},
            "bindings": {} if number == 1 else {taken: {"step": number - 1, "output": output}},
        }
        for number in range(1, length + 1)
    ]
    return {"user": user, "steps": steps}


def fan(user: UserId, preset: str, count: int) -> Body:
    """Return an order of one step that is made of many seeds."""
    step = {"preset": preset, "inputs": {"prompt": "of many"}, "over": {"seed": [*range(count)]}}
    return {"user": user, "steps": [step]}


def single(user: UserId, preset: str) -> Body:
    """Return an order of one run."""
    return {"user": user, "preset": preset, "inputs": {"prompt": "alone"}}


async def place(client: httpx.AsyncClient, service: Service, body: Body) -> Placed:
    """Order something.

    Raises:
        RuntimeError: It was not taken.
    """
    headers = {"Authorization": f"Bearer {world.API_KEY}"}
    sent = monotonic()
    answer = await client.post(f"{service.url}{PATH}", json=body, headers=headers)
    took = 1000 * (monotonic() - sent)
    if not answer.is_success:
        raise RuntimeError(f"an order was not taken: {answer.status_code} {answer.text}")
    return Placed(answer.json()["id"], sent, took)


def _preset(name: str, now: datetime, **more: object) -> Preset:
    definition: dict[str, Any] = {
        "name": name,
        "titles": {"en": name.replace("_", " ")},
        "help": {"en": "For measuring only."},
        "target": {"engine": "replicate", "model": MODEL},
        "inputs": [
            {"name": "prompt", "type": "text", "titles": {"en": "Prompt"}, "required": True},
            {"name": "photo", "type": "image", "titles": {"en": "Photo"}, "to": "human_img"},
            {"name": "seed", "type": "integer", "titles": {"en": "Seed"}},
        ],
        "price": {"kind": "fixed", "credits": PRICE},
        **more,
    }
    return Preset.read({**definition, "version": 1, "updatedAt": now})
