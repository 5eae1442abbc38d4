"""app.engines.comfyui.socket: one connection at a time, opened again whatever ends it."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from io import StringIO
from typing import Final

import pytest
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from app.clock import Clock
from app.engines.comfyui.socket import MESSAGE_LIMIT, Socket
from app.observability import logs
from schemas.server import ServerSettings
from schemas.timing import Timing
from tests import loglines

pytestmark = pytest.mark.anyio

SECRET: Final = "nobody-reads-this-credential"
CLIENT: Final = "0b8f1d6e-1111-4222-8333-444455556666"
QUICK: Final = Timing(
    socket_retry=(timedelta(milliseconds=1),), socket_close_limit=timedelta(milliseconds=200)
)

Handler = Callable[[ServerConnection], Awaitable[None]]
Refuse = Callable[[ServerConnection, Request], Response | None]


class Noting:
    """A sink that notes what comes."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[tuple[str, str | bytes]] = asyncio.Queue()

    def connected(self) -> None:
        """See Sink."""
        self.news.put_nowait(("connected", ""))

    def disconnected(self, why: str) -> None:
        """See Sink."""
        self.news.put_nowait(("disconnected", why))

    def text(self, data: str) -> None:
        """See Sink."""
        self.news.put_nowait(("text", data))

    def binary(self, data: bytes) -> None:
        """See Sink."""
        self.news.put_nowait(("binary", data))

    async def next(self) -> tuple[str, str | bytes]:
        """Return what came next."""
        async with asyncio.timeout(20):
            return await self.news.get()

    async def until(self, kind: str) -> str | bytes:
        """Return what comes with the next news of a kind."""
        while True:
            found, data = await self.next()
            if found == kind:
                return data


@asynccontextmanager
async def a_server(
    handler: Handler,
    *,
    refuse: Refuse | None = None,
    close_timeout: float = 10,
    logger: logging.Logger | None = None,
) -> AsyncGenerator[ServerSettings]:
    """Run a server of sockets; return its settings."""
    async with serve(
        handler,
        "127.0.0.1",
        0,
        process_request=refuse,
        close_timeout=close_timeout,
        logger=logger,
    ) as server:
        port = server.sockets[0].getsockname()[1]
        yield settings(f"http://127.0.0.1:{port}/prefix")


def settings(url: str) -> ServerSettings:
    """Return a server's settings, with a credential."""
    return ServerSettings(
        name="box", url=url, headers={"Authorization": SecretStr(f"Bearer {SECRET}")}
    )


@asynccontextmanager
async def listening(
    server: ServerSettings, timing: Timing = QUICK, limit_bytes: int = MESSAGE_LIMIT
) -> AsyncGenerator[tuple[Socket, Noting]]:
    """Run a socket; return it and what it tells."""
    socket = Socket(server, CLIENT, clock=Clock(), timing=timing, limit_bytes=limit_bytes)
    noting = Noting()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(socket.run(noting))
        yield socket, noting
        running.cancel()


async def idle(connection: ServerConnection) -> None:
    """Say nothing until the client has left."""
    async for _ in connection:
        pass


async def test_it_says_who_it_is_and_hands_on_what_comes() -> None:
    """Id, credential and path prefix stand in the handshake, the flags in the first message."""
    requests = list[Request]()
    large = "x" * 2_000_000

    async def speak(connection: ServerConnection) -> None:
        assert connection.request is not None
        requests.append(connection.request)
        hello = await connection.recv()
        assert json.loads(hello) == {
            "type": "feature_flags",
            "data": {"supports_preview_metadata": True},
        }
        await connection.send("{}")
        await connection.send(b"\x00\x01")
        await connection.send(large)
        await idle(connection)

    async with a_server(speak) as server, listening(server) as (socket, noting):
        news = [await noting.next() for _ in range(4)]
        assert socket.trouble is None

    assert news == [("connected", ""), ("text", "{}"), ("binary", b"\x00\x01"), ("text", large)]
    [request] = requests
    assert request.path == f"/prefix/ws?clientId={CLIENT}"
    assert request.headers["Authorization"] == f"Bearer {SECRET}"
    assert "Sec-WebSocket-Extensions" not in request.headers


async def test_there_is_never_more_than_one_connection() -> None:
    """Whatever ends one, it is closed fully before the next one opens."""
    open_now, most, n, enough = 0, 0, 0, asyncio.Event()

    async def speak(connection: ServerConnection) -> None:
        nonlocal open_now, most, n
        n, open_now = n + 1, open_now + 1
        most = max(most, open_now)
        try:
            if n == 8:
                enough.set()
            elif n % 2:
                connection.transport.abort()
            else:
                await connection.close(1011)
        finally:
            await connection.wait_closed()
            open_now -= 1

    async with a_server(speak) as server, listening(server), asyncio.timeout(20):
        await enough.wait()

    assert most == 1


async def aborts(connection: ServerConnection) -> None:
    """Break off without a word, as a killed server does."""
    connection.transport.abort()


async def closes(connection: ServerConnection) -> None:
    """Say goodbye."""
    await connection.close()


async def fails(connection: ServerConnection) -> None:
    """Say goodbye with an error."""
    await connection.close(1011)


async def floods(connection: ServerConnection) -> None:
    """Send more than is taken."""
    await connection.send("x" * 2000)


async def babbles(connection: ServerConnection) -> None:
    """Send as text what is none."""
    await connection.send(b"\xff", text=True)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (aborts, "broke off the socket"),
        (closes, "closed the socket"),
        (fails, "closed the socket (1011)"),
        (floods, "sent a message that is too large"),
        (babbles, "sent what is no message (1007)"),
    ],
)
async def test_what_ends_a_connection_is_said_once_and_mended(ends: Handler, said: str) -> None:
    """With the reason; then there is a new one."""
    n = 0

    async def speak(connection: ServerConnection) -> None:
        nonlocal n
        n += 1
        await connection.recv()
        if n == 1:
            await ends(connection)
        await idle(connection)

    async with a_server(speak) as server, listening(server, limit_bytes=1000) as (socket, noting):
        assert await noting.next() == ("connected", "")
        assert await noting.next() == ("disconnected", said)
        assert await noting.next() == ("connected", "")
        assert socket.trouble is None


async def test_a_server_that_answers_no_ping_is_left() -> None:
    """It is not waited for to close the connection either."""
    timing = QUICK.change(
        socket_ping_every=timedelta(milliseconds=10), socket_ping_limit=timedelta(milliseconds=100)
    )

    async def speak(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with a_server(speak, close_timeout=0.1) as server, listening(server, timing) as (_, news):
        assert await news.until("disconnected") == "answered no ping"
        await news.until("connected")


@pytest.mark.parametrize("status", [302, 401, 500])
async def test_what_keeps_it_from_connecting_is_said_once(status: int) -> None:
    """It is tried on, and where it is redirected to it does not go."""
    tries = 0

    def refuse(connection: ServerConnection, _: Request) -> Response | None:
        nonlocal tries
        tries += 1
        answer = connection.respond(HTTPStatus(status), "no")
        answer.headers["Location"] = "http://127.0.0.1:9/elsewhere"
        return answer if tries < 4 else None

    async with (
        a_server(idle, refuse=refuse) as server,
        listening(server) as (socket, noting),
    ):
        assert socket.trouble == "is not connected yet"
        said = f"answered {status} to the socket's handshake"
        assert await noting.next() == ("disconnected", said)
        assert await noting.next() == ("connected", "")

    assert tries == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "cannot be reached (ConnectionRefusedError)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answered 200"),
        (b"SSH-2.0-something\r\n\r\n", "speaks no WebSocket (InvalidMessage)"),
        (b"", "cannot be reached (TimeoutError)"),
    ],
)
async def test_whatever_is_there_is_no_reason_to_fail(answer: bytes | None, said: str) -> None:
    """Nobody, a server of something else, and one that does not answer."""
    timing = QUICK.change(socket_open_limit=timedelta(milliseconds=200))

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer or b"")
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1] if answer is not None else 9
        async with listening(settings(f"http://127.0.0.1:{port}"), timing) as (socket, noting):
            why = await noting.until("disconnected")
            assert str(why).startswith(said)
            assert socket.trouble == why


async def test_an_https_server_is_talked_to_over_tls() -> None:
    """What is there has to prove itself; nothing is said to it before."""
    heard = list[bytes]()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(3))
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with listening(settings(f"https://127.0.0.1:{port}")) as (_, noting):
            assert "cannot be reached" in str(await noting.until("disconnected"))

    assert heard[0] == b"\x16\x03\x01"  # A handshake record of TLS (RFC 8446, section 5.1).


async def test_a_sink_that_fails_ends_it() -> None:
    """Its mistake is not taken for a lost connection; nothing stays open."""

    class Failing(Noting):
        def connected(self) -> None:
            raise LookupError("a mistake")

    left = asyncio.Event()

    async def speak(connection: ServerConnection) -> None:
        await idle(connection)
        left.set()

    async with a_server(speak) as server, asyncio.timeout(20):
        with pytest.raises(LookupError):
            await Socket(server, CLIENT, clock=Clock(), timing=QUICK).run(Failing())
        await left.wait()


async def test_a_stop_does_not_wait_for_a_server_that_does_not_close() -> None:
    """Not even when it is told twice."""
    timing = QUICK.change(socket_close_limit=timedelta(hours=1))
    reading = asyncio.Event()

    async def speak(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.pause_reading()
        reading.set()
        await connection.wait_closed()

    async with a_server(speak, close_timeout=0.1) as server, asyncio.timeout(20):
        noting = Noting()
        socket = Socket(server, CLIENT, clock=Clock(), timing=timing)
        running = asyncio.ensure_future(socket.run(noting))
        await reading.wait()
        await noting.until("connected")
        running.cancel()
        await asyncio.wait([running], timeout=0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_no_credential_is_printed_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither by us nor by the library at its most talkative, nor in a reason."""
    printed = StringIO()

    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, f"no: {SECRET}")

    # The server hears them, of course.
    quiet, root = logging.Logger("quiet", logging.ERROR), logging.getLogger()  # noqa: LOG001 - outside the tree
    before = root.level, [*root.handlers]
    logs.configure("debug", "json", printed)
    try:
        for server in (
            a_server(idle, refuse=refuse, logger=quiet),
            a_server(idle, logger=quiet),
        ):
            async with server as where, listening(where) as (socket, noting):
                await noting.next()
                assert SECRET not in f"{socket.trouble} {socket!r}"
    finally:
        loglines.plain()
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        logging.getLogger("websockets").setLevel(logging.NOTSET)

    assert "the socket of a server is" in printed.getvalue()
    assert SECRET not in printed.getvalue() + caplog.text
