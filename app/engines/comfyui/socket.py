"""A WebSocket to one ComfyUI server, under one client id, opened again whenever it is lost.

Two things about the server decide how (0.3.64 and 0.30.2, measured): when the older of two
sockets with one id closes, the newer one hears nothing any more, so one is closed fully before
the next one opens; and it never pings, so we do.
"""

import asyncio
import json
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import quote

import httpx
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import CloseCode

from app.clock import Clock, monotonic
from processors import backoff
from schemas.server import ServerSettings
from schemas.timing import Timing

MESSAGE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of a message. The server has no limit; results in text have been seen with 1.5 MB. Of what
comes in such messages nothing is missed without them, for the end is in history as well."""
FRAMES_WAITING: Final = 2
"""Frames that are read ahead; each may have `MESSAGE_LIMIT` bytes."""
HELLO: Final = json.dumps(
    {"type": "feature_flags", "data": {"supports_preview_metadata": True}}, separators=(",", ":")
)
"""Asks for previews that say whose they are. Only as the very first message is it heard."""


class Sink(Protocol):
    """Where a socket's news go. Nothing is read on until a call returns, so none may wait."""

    def connected(self) -> None:
        """Take note that there is a connection, on which everything comes from now on."""
        ...

    def disconnected(self, why: str) -> None:
        """Take note that there is none any more, or that the first try to have one failed.

        It is told once, however often connecting fails from then on.
        """
        ...

    def text(self, data: str) -> None:
        """Take a text message."""
        ...

    def binary(self, data: bytes) -> None:
        """Take a binary message."""
        ...


class Socket:
    """The socket of one server.

    Attributes:
        trouble: Why there is no connection, in words for people; None while there is one.

    Args:
        settings: The server.
        client_id: Ours there, which nobody else may use at the same time.
        clock: Draws the jitter of waits.
        timing: How long to wait.
        limit_bytes: The largest message that is taken; a larger one ends the connection.
    """

    def __init__(
        self,
        settings: ServerSettings,
        client_id: str,
        *,
        clock: Clock,
        timing: Timing,
        limit_bytes: int = MESSAGE_LIMIT,
    ) -> None:
        self.trouble: str | None = "is not connected yet"
        self._name = settings.name
        base = settings.url.removeprefix("http")
        self._uri = f"ws{base}/ws?clientId={quote(client_id, safe='')}"
        self._headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        secure = base.startswith("s")
        self._tls: dict[str, Any] = (
            {"ssl": httpx.create_ssl_context(trust_env=False)} if secure else {}
        )
        self._clock = clock
        self._timing = timing
        self._limit_bytes = limit_bytes
        self._told = False
        self._log = structlog.get_logger()

    async def run(self, sink: Sink) -> NoReturn:
        """Keep connected, and hand on what comes, until cancelled.

        What `sink` raises ends it. When it ends, the connection is closed; nobody is told.
        """
        failures = 0
        while True:
            lasted = await self._once(sink)
            failures = 1 if lasted >= self._timing.socket_lasting.total_seconds() else failures + 1
            wait = backoff.wait(failures, self._timing.socket_retry, self._clock.jitter())
            await asyncio.sleep(wait.total_seconds())

    async def _once(self, sink: Sink) -> float:
        """Connect, and hand on what comes until that ends; return for how many seconds it did."""
        try:
            connection = await self._opened()
        except (OSError, WebSocketException) as error:
            self._lost(sink, _why_not(error))
            return 0.0
        began = monotonic()
        try:
            await self._listen(connection, sink)
            why = "closed the socket"
        except ConnectionClosed as error:
            why = _why(error)
        finally:
            await _closed(connection)
        self._lost(sink, why)
        return monotonic() - began

    async def _opened(self) -> ClientConnection:
        timing = self._timing
        return await _Connecting(
            self._uri,
            additional_headers=self._headers,
            user_agent_header="runrelay",
            proxy=None,
            # Previews are compressed already, and the server's one thread has better things to do.
            compression=None,
            max_size=self._limit_bytes,
            max_queue=FRAMES_WAITING,
            open_timeout=timing.socket_open_limit.total_seconds(),
            ping_interval=timing.socket_ping_every.total_seconds(),
            ping_timeout=timing.socket_ping_limit.total_seconds(),
            close_timeout=timing.socket_close_limit.total_seconds(),
            **self._tls,
        )

    async def _listen(self, connection: ClientConnection, sink: Sink) -> None:
        await connection.send(HELLO)
        self.trouble, self._told = None, False
        self._log.info("the socket of a server is open", server=self._name)
        sink.connected()
        async for message in connection:
            if isinstance(message, str):
                sink.text(message)
            else:
                sink.binary(message)

    def _lost(self, sink: Sink, why: str) -> None:
        self.trouble = why
        if not self._told:
            self._told = True
            self._log.warning("the socket of a server is lost", server=self._name, why=why)
            sink.disconnected(why)


class _Connecting(connect):
    """Connects to where it was told to: a redirect would take our headers elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow nothing."""
        return exc


async def _closed(connection: ClientConnection) -> None:
    """Close a connection, and wait until nothing of it is left."""
    try:
        await connection.close()
    finally:
        # Whoever is told to stop while it closes does not wait for the server.
        connection.transport.abort()
    await connection.wait_closed()


def _why_not(error: Exception) -> str:
    """Say why no connection came about: no header, and no address."""
    match error:
        case InvalidStatus():
            return f"answered {error.response.status_code} to the socket's handshake"
        case OSError():
            return f"cannot be reached ({type(error).__name__})"
        case _:
            return f"speaks no WebSocket ({type(error).__name__})"


def _why(error: ConnectionClosed) -> str:
    """Say why a connection ended."""
    sent, received = error.sent, error.rcvd
    if sent is not None and not error.rcvd_then_sent:
        match sent.code:
            case CloseCode.INTERNAL_ERROR:
                return "answered no ping"
            case CloseCode.MESSAGE_TOO_BIG:
                return "sent a message that is too large"
            case code:
                return f"sent what is no message ({code:d})"
    if received is None:
        return "broke off the socket"
    return f"closed the socket ({received.code:d})"
