"""A ComfyUI server to call: a stand-in's, or one that answers everything in the same way."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import httpx
from pydantic import JsonValue, SecretStr

from app.bootstrap import make_client
from app.engines.comfyui import ComfyServer
from app.observability.metrics import Metrics
from processors.protocols import comfyui
from processors.protocols.comfyui import Workflow
from schemas.base import RunId
from schemas.server import ServerSettings
from schemas.timing import Timing

CLIENT: Final = "0b8f1d6e-1111-4222-8333-444455556666"
TIMING: Final = Timing(submit_limit=timedelta(seconds=10), call_limit=timedelta(seconds=10))
QUICK: Final = Timing(
    submit_limit=timedelta(milliseconds=300),
    call_limit=timedelta(milliseconds=300),
    health_limit=timedelta(milliseconds=300),
)


def a_workflow(color: int = 0, **changes: Mapping[str, JsonValue]) -> Workflow:
    """Return a workflow that saves an image, with these nodes in it besides.

    What has run in a colour is cached.
    """
    nodes: dict[str, JsonValue] = {
        "1": {"class_type": "EmptyImage", "inputs": size() | {"color": color}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    return comfyui.parse(json.dumps(nodes | {k.strip("_"): v for k, v in changes.items()}).encode())


def size(width: int = 8, height: int = 8) -> dict[str, JsonValue]:
    """Return the inputs of an EmptyImage."""
    return {"width": width, "height": height, "batch_size": 1, "color": 0}


def a_run(n: int = 1) -> RunId:
    """Return a prompt's id, another for each number."""
    return RunId(str(uuid5(NAMESPACE_URL, str(n))))


def a_settings(url: str, headers: Mapping[str, str] | None = None) -> ServerSettings:
    """Return the settings of a server called ``box``."""
    secrets = {name: SecretStr(value) for name, value in (headers or {}).items()}
    return ServerSettings(name="box", url=url, headers=secrets)


@asynccontextmanager
async def a_server(
    url: str,
    headers: Mapping[str, str] | None = None,
    timing: Timing = TIMING,
    metrics: Metrics | None = None,
) -> AsyncGenerator[ComfyServer]:
    """Return the client of a server."""
    async with make_client() as client:
        yield ComfyServer(
            client, a_settings(url, headers), timing=timing, metrics=metrics or Metrics()
        )


@asynccontextmanager
async def an_odd_server(
    answer: httpx.Response | Callable[[httpx.Request], httpx.Response],
) -> AsyncGenerator[ComfyServer]:
    """Return the client of a server that answers everything in the same way."""

    def told(request: httpx.Request) -> httpx.Response:
        return answer if isinstance(answer, httpx.Response) else answer(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(told)) as client:
        settings = a_settings("http://odd.example/prefix")
        yield ComfyServer(client, settings, timing=TIMING, metrics=Metrics())


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something that has to be asked for holds."""
    async with asyncio.timeout(20):
        while not await holds():
            pass
