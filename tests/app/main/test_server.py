"""app.main.server: our uvicorn, over raw sockets."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.main.server import make_server
from app.observability.metrics import Metrics

pytestmark = pytest.mark.anyio

PATIENCE = 20
METRICS = Metrics()


@asynccontextmanager
async def served(
    app: ASGIApp,
    *trusted: str,
    refused: Callable[[str], None] = METRICS.refused,
    head_seconds: float = 10.0,
) -> AsyncGenerator[int]:
    """Serve an app; give its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(app, trusted, refused=refused, head_seconds=head_seconds)
    async with asyncio.timeout(PATIENCE * 2), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    """Serve a page; give heads a twentieth of a second."""
    async with served(PlainTextResponse("here"), head_seconds=0.05) as port:
        yield port


async def who_asks(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the caller's address and scheme, as the service sees them."""
    address, _ = scope["client"]
    await PlainTextResponse(f"{address} {scope['scheme']}")(scope, receive, send)


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        pytest.param((), "127.0.0.1 http", id="nobody is trusted"),
        pytest.param(("10.0.0.0/8",), "127.0.0.1 http", id="another is trusted"),
        pytest.param(("127.0.0.1",), "198.51.100.7 https", id="the proxy is trusted"),
    ],
)
async def test_case_20_a_caller_does_not_say_who_it_is(trusted: tuple[str, ...], seen: str) -> None:
    """Headers about where a request came from are believed from the listed proxies alone."""
    forwarded = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    async with served(who_asks, *trusted) as port, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/", headers=forwarded)

    assert answer.text == seen


@pytest.mark.parametrize(
    ("served_before", "sent"),
    [
        pytest.param(False, b"", id="nothing"),
        pytest.param(False, b"GET /livez HTTP/1.1\r\nHost: re", id="half a head"),
        pytest.param(False, b"\r\n", id="an empty line"),
        pytest.param(True, b"GET /livez HTTP/1.1\r\nHost: re", id="half a second head"),
        pytest.param(True, b"\r\n", id="an empty line after a request"),
    ],
)
async def test_case_30_a_connection_without_a_head_is_closed(
    port: int, sent: bytes, *, served_before: bool
) -> None:
    """Whoever does not finish a head is shut out, and holds no place that others need.

    On a connection that was answered before, that is so for the next head as well.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        if served_before:
            writer.write(b"GET / HTTP/1.1\r\nHost: relay.test\r\n\r\n")
            await reader.readuntil(b"here")
        writer.write(sent)
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: re"])
async def test_case_30_a_connection_without_a_head_is_counted(sent: bytes) -> None:
    """Not one that was kept for another request, which never came."""
    counted, said = list[str](), PlainTextResponse("here")
    async with served(said, refused=counted.append, head_seconds=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            writer.write(sent)
            assert await reader.read() == b""
        writer.close()

    assert counted == ["slow_head"]


async def test_case_30_a_body_has_a_limit_of_its_own(port: int) -> None:
    """Once its head is there, a request is not cut off by the limit for heads."""
    silent_reader, silent = await asyncio.open_connection("127.0.0.1", port)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        writer.write(b"POST / HTTP/1.1\r\nHost: relay.test\r\nContent-Length: 2\r\n\r\n")
        await reader.readuntil(b"here")
        assert await silent_reader.read() == b""
        writer.write(b"{}GET / HTTP/1.1\r\nHost: relay.test\r\n\r\n")
        await reader.readuntil(b"here")
    silent.close()
    writer.close()
