"""What happens to a server from outside, on demand: lost connections, restarts, other people."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from sandbox.comfyui.server import Server
from sandbox.comfyui.values import Json


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drop(_Act):
    """The connections of a client break without a close frame; all, where none is named."""

    act: Literal["drop"]
    client_id: str | None = None


class Forget(_Act):
    """A client's id is forgotten, or every one; its socket stays open and hears no more."""

    act: Literal["forget"]
    client_id: str | None = None


class Restart(_Act):
    """The server ends and starts again: queue, history, client ids and temporary files are gone."""

    act: Literal["restart"]


class Stranger(_Act):
    """Somebody else posts a prompt, with previews and texts, before all that waits.

    Attributes:
        client_id: Theirs; None: everybody hears of its progress.
        steps: How many steps it takes.
        step_seconds: How long each takes, in seconds.
    """

    act: Literal["stranger"]
    client_id: str | None = None
    steps: Annotated[int, Field(ge=0, le=10_000)] = 4
    step_seconds: Annotated[float, Field(ge=0, le=60)] = 0.05


class Act(RootModel[Annotated[Drop | Forget | Restart | Stranger, Field(discriminator="act")]]):
    """One of them."""


def do(server: Server, act: Act) -> Json:
    """Have it happen; return what came of it."""
    match act.root:
        case Drop(client_id=client_id):
            return {"dropped": server.sockets.break_off(client_id)}
        case Forget(client_id=client_id):
            server.sockets.forget(client_id)
        case Restart():
            server.restart()
        case Stranger():
            return server.post(_prompt_of(act.root))
    return {"ok": True}


def _prompt_of(stranger: Stranger) -> Json:
    seed = uuid.uuid4().int % 2**63
    work: Json = {
        "steps": stranger.steps,
        "step_seconds": stranger.step_seconds,
        "preview": True,
        "text": True,
        "fail_at_step": -1,
        "seed": seed,
    }
    body: Json = {
        "prompt": {
            "1": {"class_type": "SleepProgress", "inputs": work},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        },
        "front": True,
    }
    return body if stranger.client_id is None else body | {"client_id": stranger.client_id}
