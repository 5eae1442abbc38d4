"""What meets a request before the server does: proxies that ask for a key, and a bad network."""

import time
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.comfyui.server import Server
from sandbox.comfyui.versions import CROSS_SITE
from sandbox.endings import Hang, Reset

TEST_HEADER: Final = "x-sandbox-test"
"""The one header whose value is written down."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def note(server: Server, request: HTTPConnection) -> None:
    """Write down that a request came, with the names of its headers and no value but one."""
    server.requests.append(
        {
            "method": "WEBSOCKET" if request.scope["type"] == "websocket" else _method(request),
            "path": request.url.path,
            "query": request.url.query,
            "headers": sorted(set(request.headers)),
            "test": request.headers.get(TEST_HEADER),
            "at": time.monotonic(),
        }
    )


def refusal(server: Server, request: Request) -> Response | None:
    """Return what to answer in the server's place; None where it may answer itself."""
    refused = _at_the_door(server, request)
    if refused is not None:
        return refused
    return JSONResponse({}) if server.controls.idle else None


def socket_refusal(server: Server, request: HTTPConnection) -> Response | None:
    """Return what to answer to a handshake; None where the socket may open."""
    refused = _at_the_door(server, request)
    if refused is not None:
        return refused
    return ending("503") if server.controls.refuse_sockets else None


def fate(server: Server) -> str | None:
    """Return what becomes of this POST of a prompt, and count it."""
    controls = server.controls
    wish = controls.post
    if wish is not None and controls.post_left is not None:
        controls.post_left = controls.post_left - 1 or None
        if controls.post_left is None:
            controls.post = None
    return wish


def ending(wish: str) -> Response:
    """Return an answer that is none: a failure of a proxy, or of the network."""
    if wish == "hang":
        return Hang()
    if wish == "reset":
        return Reset()
    status = HTTPStatus(int(wish))
    return PlainTextResponse(status.phrase, status)


def _at_the_door(server: Server, request: HTTPConnection) -> Response | None:
    controls = server.controls
    if controls.down is not None:
        return ending(controls.down)
    if controls.hang:
        return Hang()
    header = controls.header
    if header is not None and request.headers.get(header.name) != header.value:
        return PlainTextResponse("Unauthorized", HTTPStatus.UNAUTHORIZED)
    if _is_strange(server, request):
        return Response(status_code=HTTPStatus.FORBIDDEN)
    return None


def _is_strange(server: Server, request: HTTPConnection) -> bool:
    """Say whether a page of another site asks, as ComfyUI judges it."""
    crossing = request.headers.get("sec-fetch-site") == "cross-site"
    if crossing and server.version >= CROSS_SITE:
        return True
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if origin is None or urlsplit(f"//{host}").hostname not in _LOOPBACK:
        return False
    return urlsplit(origin).netloc != host


def _method(request: HTTPConnection) -> str:
    return str(request.scope["method"])
