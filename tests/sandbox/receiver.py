"""A receiver of webhooks on a port of its own, which answers as a test tells it."""

import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.__main__ import Server

_PATIENCE = 20.0

ELSEWHERE: Final = "/elsewhere"
"""A path that is listened to for ever, to be redirected to."""


@dataclass(frozen=True)
class Heard:
    """One request that came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes = b""


@dataclass
class Receiver:
    """What came, and how to answer what comes.

    Attributes:
        url: Address to send webhooks to.
        heard: Everything that came, in order.
        answers: Answers still to give, each once; after them 200.
        open: Cleared, it keeps requests waiting for their answers.
    """

    url: str = ""
    heard: list[Heard] = field(default_factory=list[Heard])
    answers: deque[Response] = field(default_factory=deque[Response])
    open: asyncio.Event = field(default_factory=asyncio.Event)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    def renew(self) -> None:
        """Forget everything and move to another path, out of reach of late webhooks."""
        base, _, number = self.url.rpartition("/")
        self.url = f"{base}/{int(number) + 1}"
        self.heard.clear()
        self.answers.clear()
        self.open.set()

    async def until(self, said: Callable[[list[Heard]], bool]) -> list[Heard]:
        """Wait for what is said to be true of what came, and return that."""
        async with asyncio.timeout(_PATIENCE), self._came:
            await self._came.wait_for(lambda: said(self.heard))
        return self.heard

    async def statuses(self, count: int) -> list[str]:
        """Wait for so many events and return their statuses in the order they came."""
        heard = await self.until(lambda heard: len(heard) >= count)
        return [one.body["status"] for one in heard]

    async def take(self, request: Request) -> Response:
        """Answer one request."""
        if not self.url.endswith(request.url.path) and request.url.path != ELSEWHERE:
            return Response(status_code=404)
        body = await request.body()
        headers = dict(request.headers)
        async with self._came:
            self.heard.append(
                Heard(
                    request.method,
                    request.url.path,
                    request.url.query,
                    headers,
                    json.loads(body) if body else {},
                    body,
                )
            )
            self._came.notify_all()
        await self.open.wait()
        return self.answers.popleft() if self.answers else Response(b"{}")


@asynccontextmanager
async def a_receiver() -> AsyncGenerator[Receiver]:
    """Listen on a free port of this machine."""
    receiver, listening = Receiver(), asyncio.Event()
    receiver.open.set()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["GET", "POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    receiver.url = f"http://127.0.0.1:{listener.getsockname()[1]}/hooks/0"
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=0)
    server = Server(config, listening.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve([listener]))
        await listening.wait()
        try:
            yield receiver
        finally:
            receiver.open.set()
            server.should_exit = True
