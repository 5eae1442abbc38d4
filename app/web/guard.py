"""The outermost layer: requests that no handler should see.

uvicorn with httptools takes a head of any size and a request without a Host, and has no time
limit for anything (measured). The time of a head is limited by `app.main.heads`; size and time
of a body where it is read, in `app.web.bodies`.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.errors import RefusedError
from app.web import problems
from app.web.refusals import HeadersTooLargeError, MalformedError
from app.web.services import Metrics

HEADERS_MOST: Final = 100
HEADER_BYTES_MOST: Final = 32_768


class Guard:
    """Lets well-formed requests of a sane size pass."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer and count what is not well formed; pass the rest on."""
        error = refusal(scope)
        if error is None:
            await self._app(scope, receive, send)
            return
        self._metrics.refused(error.reason)
        refused = problems.response(error) if scope["type"] == "http" else WebSocketClose()
        await refused(scope, receive, send)


def refusal(scope: Scope) -> RefusedError | None:
    """Say what is wrong with the head of a request; None when nothing is."""
    headers = scope["headers"]
    if len(headers) > HEADERS_MOST:
        return HeadersTooLargeError()
    size, hosts, length = 0, 0, None
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            if length is not None or not value.isdigit():
                return MalformedError("one Content-Length, in digits")
            length = value
    if size > HEADER_BYTES_MOST:
        return HeadersTooLargeError()
    # HTTP/1.0 knows no Host, and health checks of proxies still speak it.
    if hosts > 1 or (hosts == 0 and scope["http_version"] != "1.0"):
        return MalformedError("one Host")
    return None
