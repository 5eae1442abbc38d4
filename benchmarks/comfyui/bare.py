"""What a client does that does nothing else: post a prompt, wait for its end, post the next.

It listens on a socket of its own and asks for the history at once when the server says that a
prompt is over, or has no socket and asks every 2 s. It writes nothing down.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from time import monotonic
from typing import Final
from uuid import UUID

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

from app.clock import Clock
from benchmarks.comfyui.ordering import Graph

EVERY_SECONDS: Final = 2.0


async def run(urls: Sequence[str], graphs: Iterable[Graph], *, listening: bool) -> dict[str, float]:
    """Run workflows, one at a time at each server, each where a server is free first.

    Returns:
        When the history of each prompt was here, in seconds of the monotonic clock, by its id.
    """
    line, seen = deque(graphs), dict[str, float]()
    async with asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(_serve(url, line, seen, listening=listening))
    return seen


async def _serve(url: str, line: deque[Graph], seen: dict[str, float], *, listening: bool) -> None:
    clock = Clock()
    client_id = str(UUID(clock.new_id()))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(trust_env=False, timeout=60, base_url=url)
        )
        socket = None
        if listening:
            address = f"ws{url.removeprefix('http')}/ws?clientId={client_id}"
            socket = await stack.enter_async_context(connect(address, proxy=None, compression=None))
        while line:
            prompt_id = str(UUID(clock.new_id()))
            body = {"prompt": line.popleft(), "prompt_id": prompt_id, "client_id": client_id}
            (await client.post("/prompt", json=body)).raise_for_status()
            await _over(client, socket, prompt_id)
            seen[prompt_id] = monotonic()


async def _over(client: httpx.AsyncClient, socket: ClientConnection | None, prompt_id: str) -> None:
    """Return once the history of a prompt has been had."""
    while True:
        if socket is None:
            await asyncio.sleep(EVERY_SECONDS)
        else:
            while not _is_last(await socket.recv(), prompt_id):
                pass
        if (await client.get(f"/history/{prompt_id}")).raise_for_status().json():
            return


def _is_last(message: str | bytes, prompt_id: str) -> bool:
    """Return whether it is the last message of a prompt."""
    if not isinstance(message, str):
        return False
    told = orjson.loads(message)
    data = told["data"]
    return (
        told["type"] == "executing" and data["node"] is None and data.get("prompt_id") == prompt_id
    )
