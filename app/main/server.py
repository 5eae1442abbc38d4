"""uvicorn in our process: our signals, our sockets, no access log."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from app.errors import SetupError

GRACE_SECONDS: Final = 5
"""Longest that open requests are waited for at the end."""
CONNECTIONS: Final = 2_000
"""At most so many at once; further ones get 503."""


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


def make_server(app: ASGIApp, trusted_proxies: tuple[str, ...]) -> Server:
    """Return the server for an app."""
    return Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            backlog=2048,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Bind the address, so that the port is known before anybody is told of it.

    Raises:
        SetupError: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SetupError(
            [f"PORT: {host}:{port} cannot be listened on ({reason}); choose another PORT"]
        ) from error
    bound.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return bound
