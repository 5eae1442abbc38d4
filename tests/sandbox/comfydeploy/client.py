"""Calls to the sandbox's ComfyDeploy, as short as tests need them."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.peers import Peers
from tests.sandbox.receiver import Receiver

DEPLOYMENT = "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11"
KEY = {"Authorization": "Bearer a-key"}
_SAMPLES = Path(__file__).parents[2] / "samples" / "comfydeploy"


def sample(name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a recorded payload."""
    return json.loads((_SAMPLES / name).read_bytes())


async def submit(
    peers: Peers,
    receiver: Receiver | None = None,
    *,
    intermediate: bool = False,
    query: str = "",
    **inputs: object,
) -> httpx.Response:
    """Submit a run with these inputs, its webhook going to the receiver."""
    body: dict[str, object] = {"deployment_id": DEPLOYMENT, "inputs": {"prompt": "sea"} | inputs}
    if receiver is not None:
        body["webhook"] = receiver.url + query
        body["webhook_intermediate_status"] = intermediate
    return await peers.client.post(
        f"{peers.comfydeploy}/run/deployment/queue", json=body, headers=KEY
    )


async def submitted(
    peers: Peers,
    receiver: Receiver | None = None,
    *,
    intermediate: bool = False,
    query: str = "",
    **inputs: object,
) -> str:
    """Submit a run and return its id."""
    answer = await submit(peers, receiver, intermediate=intermediate, query=query, **inputs)
    return answer.raise_for_status().json()["run_id"]


async def get(peers: Peers, path: str) -> httpx.Response:
    """Make a GET of the API."""
    return await peers.client.get(f"{peers.comfydeploy}{path}", headers=KEY)


async def cancel(peers: Peers, run_id: str) -> httpx.Response:
    """Cancel a run."""
    return await peers.client.post(f"{peers.comfydeploy}/run/{run_id}/cancel", headers=KEY)


async def shown(peers: Peers, run_id: str) -> dict[str, Any]:
    """Return a run as the API shows it."""
    return (await get(peers, f"/run/{run_id}")).raise_for_status().json()


async def ended(peers: Peers, run_id: str, status: str = "success") -> dict[str, Any]:
    """End a run now and return it as the API shows it then."""
    await peers.control(f"comfydeploy/runs/{run_id}", status=status, silent=True)
    return await shown(peers, run_id)
