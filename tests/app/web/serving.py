"""Serve an app on a real socket, and talk to it, politely or not."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx

from app.main.server import make_server
from app.web.application import create_app
from app.web.webhooks import Webhooks
from tests.app.web.fakes import API_KEY, World


class Site(NamedTuple):
    """A served app: a client of it, with the API key unless told otherwise, and its port."""

    client: httpx.AsyncClient
    port: int

    async def raw(self, *lines: str, body: bytes = b"") -> bytes:
        """Send a head of these lines and a body as they are; return all that comes back."""
        return await self.send("\r\n".join((*lines, "", "")).encode("latin-1") + body)

    async def post(
        self, path: str, *, content: bytes, headers: Mapping[str, str], method: str = "POST"
    ) -> httpx.Response:
        """Send a whole request in one piece, as aiohttp does; httpx would send its body apart."""
        named = (f"{name}: {value}" for name, value in headers.items())
        length = f"Content-Length: {len(content)}"
        head = (f"{method} {path} HTTP/1.1", "Host: relay.test", "Connection: close", length)
        answer = await self.raw(*head, *named, body=content)
        said, _, body = answer.partition(b"\r\n\r\n")
        status, *fields = said.decode("latin-1").split("\r\n")
        pairs = [(name, value) for name, _, value in (each.partition(": ") for each in fields)]
        return httpx.Response(int(status.split()[1]), headers=pairs, content=body)

    async def send(self, data: bytes) -> bytes:
        """Send bytes as they are; return all that comes until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = b""
        try:
            writer.write(data)
            async with asyncio.timeout(20):
                while part := await reader.read(65536):
                    answer += part
        except ConnectionResetError:
            # The server closed on us while we were sending; what it said came before.
            return answer
        finally:
            writer.close()
        return answer


@asynccontextmanager
async def serving(world: World, *proxies: str) -> AsyncGenerator[Site]:
    """Serve the web layer with the service's own server, behind proxies whose word it takes."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    services = world.services()
    hooks = Webhooks(services)
    app = create_app(services, hooks)
    way_in = hooks if world.short_way else None
    server = make_server(app, proxies, hooks=way_in, refused=world.metrics.refused)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    # A test that waits for what never comes fails, and holds nobody up.
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        served = tasks.create_task(server.serve(sockets=[listener]))
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20
            ) as client:
                yield Site(client, port)
        finally:
            # Waited for, since a group cancels its tasks when a test fails, and a server that is
            # cancelled leaves sockets behind, with which uvloop never ends closing.
            server.should_exit = True
            await served
