"""Calls to the sandbox's Replicate, as short as tests need them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from tests.peers import Json, Peers
from tests.sandbox.receiver import Receiver

VERSION = "7d3f0a1b2c3d4e5f60710a1b2c3d4e5f60710a1b2c3d4e5f60718293a4b5c6d7"
_PATIENCE = 20.0
_SAMPLES = Path(__file__).parents[2] / "samples" / "replicate"


def sample(name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a recorded payload."""
    return json.loads((_SAMPLES / name).read_bytes())


async def create(
    peers: Peers,
    receiver: Receiver | None = None,
    *,
    events: list[str] | None = None,
    path: str = "/predictions",
    headers: dict[str, str] | None = None,
    **inputs: object,
) -> httpx.Response:
    """Create a prediction with these inputs, its webhook going to the receiver."""
    body: dict[str, object] = {"input": {"prompt": "sea"} | inputs}
    if path == "/predictions":
        body["version"] = VERSION
    if receiver is not None:
        body["webhook"] = receiver.url
    if events is not None:
        body["webhook_events_filter"] = events
    return await post(peers, path, body, headers)


async def created(
    peers: Peers,
    receiver: Receiver | None = None,
    *,
    events: list[str] | None = None,
    path: str = "/predictions",
    headers: dict[str, str] | None = None,
    **inputs: object,
) -> str:
    """Create a prediction and return its id."""
    answer = await create(peers, receiver, events=events, path=path, headers=headers, **inputs)
    return answer.raise_for_status().json()["id"]


async def post(
    peers: Peers, path: str, body: object = None, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Make a POST of the API."""
    given = {"Authorization": f"Bearer {peers.replicate_token}"} | (headers or {})
    return await peers.client.post(f"{peers.replicate}{path}", json=body, headers=given)


async def get(peers: Peers, path: str, **query: str) -> httpx.Response:
    """Make a GET of the API."""
    headers = {"Authorization": f"Bearer {peers.replicate_token}"}
    return await peers.client.get(f"{peers.replicate}{path}", headers=headers, params=query)


async def shown(peers: Peers, prediction_id: str) -> Json:
    """Return a prediction as the API shows it."""
    return (await get(peers, f"/predictions/{prediction_id}")).raise_for_status().json()


async def made(
    peers: Peers,
    receiver: Receiver | None = None,
    *,
    events: list[str] | None = None,
    path: str = "/predictions",
    **inputs: object,
) -> Json:
    """Create a prediction, wait until its output is there, and return it as it is shown then."""
    wait = {"Prefer": "wait"}
    answer = await create(peers, receiver, events=events, path=path, headers=wait, **inputs)
    assert answer.status_code == 201
    return answer.json()


async def attempts(peers: Peers, prediction_id: str, count: int) -> list[Json]:
    """Wait until so many webhooks of a prediction were tried, and return those tries."""
    async with asyncio.timeout(_PATIENCE):
        while len(found := (await peers.prediction(prediction_id))["attempts"]) < count:
            pass
    return found


async def ended(peers: Peers, prediction_id: str, status: str = "succeeded") -> Json:
    """End a prediction now and return it as the API shows it then."""
    await peers.control(f"replicate/predictions/{prediction_id}", status=status, silent=True)
    return await shown(peers, prediction_id)
