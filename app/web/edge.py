"""Where errors become answers, and where every answer gets its safe headers."""

from datetime import timedelta
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError
from app.web import bodies, problems
from app.web.refusals import DisconnectedError, TooLargeError
from app.web.services import Metrics
from processors.errors import RefusedBodyError

SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # No other site's page shows an answer that it may not read, as an image or a frame.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer that does not set them itself."""

_LINGER_BYTES: Final = 8 * 1024 * 1024
_LINGER: Final = timedelta(seconds=1)

_log = structlog.get_logger(__name__)


class Edge:
    """Answers whatever its app raises."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; count and answer its errors, if nothing has been answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, safely)
        except Exception as error:  # noqa: BLE001 - the ASGI edge answers for everything
            if not started:
                self._metrics.refused(reason_of(error))
                await answer(error, scope, receive, safely)
            else:
                _log.exception("answer broken off", path=scope["path"])


async def answer(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request that ended in `error`. Faults of ours are logged, and told to nobody."""
    if isinstance(error, DisconnectedError):
        return
    response = problems.response(error)
    if response.status_code == 500:  # noqa: PLR2004 - as HTTP numbers it
        _log.error("request failed", path=scope["path"], exc_info=error)
    if isinstance(error, TooLargeError):
        await _lingering(response, scope, receive, send)
    else:
        await response(scope, receive, send)


def reason_of(error: Exception) -> str:
    """Return the word that a request which ended in `error` is counted under."""
    return error.reason if isinstance(error, AppError | RefusedBodyError) else "internal"


async def _lingering(response: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, and take in a little more before the connection closes.

    Closing on a client that still sends resets the connection, and may destroy the answer
    before it is read (RFC 9112, 9.6).
    """

    async def unfinished(message: Message) -> None:
        await send({**message, "more_body": True} if "body" in message else message)

    await response(scope, receive, unfinished)
    await bodies.drain(receive, _LINGER_BYTES, _LINGER)
    await send({"type": "http.response.body", "body": b""})
