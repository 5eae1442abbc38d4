"""What Replicate is sent to make a prediction."""

from typing import Final, NamedTuple
from urllib.parse import quote

from pydantic import JsonValue

from schemas.base import EngineName
from schemas.generation import Request

NAME: Final = EngineName("replicate")
EVENTS: Final = ("start", "output", "logs", "completed")
"""What its webhook tells of: all that there is."""


class Creation(NamedTuple):
    """A request that makes a prediction."""

    path: str
    """Below the API's base."""
    body: dict[str, JsonValue]
    """Nothing but fields that the API knows: it refuses all others."""


def creation(request: Request, webhook: str) -> Creation:
    """Return what makes a prediction.

    It has no place for an id of ours, nor a key by which a second one would be known.

    Args:
        request: Names a version, an official model or a deployment.
        webhook: What Replicate is to call.
    """
    body: dict[str, JsonValue] = {
        "input": request.inputs,
        "webhook": webhook,
        "webhook_events_filter": list(EVENTS),
    }
    if request.model is not None:
        return Creation(f"/models/{quote(request.model)}/predictions", body)
    if request.deployment_id is not None:
        return Creation(f"/deployments/{quote(request.deployment_id)}/predictions", body)
    return Creation("/predictions", {"version": request.version, **body})
