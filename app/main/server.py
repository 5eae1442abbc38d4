"""uvicorn in our process: our signals, our sockets, no access log."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from app.main import short_way
from app.main.heads import HEAD_SECONDS
from app.main.sockets import MESSAGE_MOST, SocketProtocol
from app.web.webhooks import Webhooks

GRACE_SECONDS: Final = 5
"""Longest that open requests are waited for at the end."""
CONNECTIONS: Final = 2_000
"""At most so many at once; further ones get 503."""


def _uncounted(_word: str) -> None:
    """Count nothing."""


class Server(uvicorn.Server):
    """A uvicorn that leaves signals to its owner: we flush and release after it has stopped."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


def make_server(
    app: ASGIApp,
    trusted_proxies: tuple[str, ...],
    *,
    hooks: Webhooks | None = None,
    refused: Callable[[str], None] = _uncounted,
    head_seconds: float = HEAD_SECONDS,
) -> Server:
    """Return the server for an app.

    Args:
        app: Answers everything.
        trusted_proxies: Whose word is taken for where a request comes from.
        hooks: What takes webhooks in by the short way; None: the app has them all.
        refused: Takes a word for each connection that is closed for what came of a head.
        head_seconds: A head that takes longer ends its connection.
    """
    return Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=short_way.protocol(hooks, refused, head_seconds),
            ws=SocketProtocol,
            ws_max_size=MESSAGE_MOST,
            # A thousand compressors would be more memory than what they save of the wire.
            ws_per_message_deflate=False,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            date_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            backlog=2048,
        )
    )
