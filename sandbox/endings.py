"""Answers that never come, or not whole: what a failing network does to a response."""

import asyncio
import socket
import struct
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_TRANSPORT = "sandbox.transport"


def note_transport(scope: Scope, send: Send) -> None:
    """Write into the scope the connection under a request, for `Reset` and `Cut`.

    uvicorn offers no such thing to an app, but the `send` it passes is a method of an object that
    holds the transport. So this must see the `send` of uvicorn, before any middleware wraps it.
    """
    cycle = getattr(send, "__self__", None)
    scope[_TRANSPORT] = getattr(cycle, "transport", None)


def break_off(scope: Scope) -> None:
    """End the connection under a request or a WebSocket, without a word."""
    _transport_of(scope).abort()


class Hang(Response):
    """Never answers; ends when the client gives up or the server stops."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Wait for the client to go."""
        while not (await receive())["type"].endswith(".disconnect"):
            pass


class Reset(Response):
    """Ends the connection with a TCP reset instead of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the connection."""
        transport = _transport_of(scope)
        connection = cast("socket.socket", transport.get_extra_info("socket"))
        # Lingering for zero seconds makes close() send RST, which clients see as "reset by peer".
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await Hang()(scope, receive, send)


class Cut(Response):
    """Sends the headers of the whole answer and the first half of its body, then hangs up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half, then close."""
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport_of(scope).close()
        await Hang()(scope, receive, send)


def _transport_of(scope: Scope) -> asyncio.Transport:
    # A scope is an untyped mapping by definition; only `note_transport` writes this key.
    return cast("asyncio.Transport", scope[_TRANSPORT])
