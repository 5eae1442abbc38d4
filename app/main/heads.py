"""A time limit for the heads of requests, which uvicorn has none for.

Whoever connects and says nothing, or stops within a head, would keep one of our connections for
ever; enough of them would shut everybody out. uvicorn sets a timer at every answer; here each
connection has one, which looks now and then at how long it has to go.
"""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.refusals import MalformedError
from app.web.streams import CUT

HEAD_SECONDS: Final = 10.0
"""Longest from a connection's beginning, or a further request's, to the end of the head."""
SLOW: Final = "slow_head"
"""What a connection is counted under that is closed within a head."""
LOOK_SECONDS: Final = 1.0
"""How much later than it should a connection may be closed."""


class HeadProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which closes a connection whose head does not come in time."""

    head_seconds = HEAD_SECONDS
    refused: Callable[[str], None]
    """Takes a word for each connection that is closed for what came of a head."""
    _until = inf
    """When the connection is closed unless something comes; by the loop's clock."""
    _idle = False
    """Whether a request was answered and nothing has come since."""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Expect a head from now on."""
        super().connection_made(transport)
        self._until = self.loop.time() + self.head_seconds
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Expect the rest of a head that has begun, however little of it comes at a time."""
        if self._idle:
            self._idle = False
            self._until = self.loop.time() + self.head_seconds
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Be content; bodies have a limit of their own."""
        self._until = inf
        self.scope["extensions"] = {CUT: {"abort": self.transport.abort}}
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the socket's protocol, and look at it no more."""
        if self._timer is not None:
            self._timer.cancel()
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        """Go on with a request that has come meanwhile, or keep the connection for a while."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle = True
        self._until = self.loop.time() + self.timeout_keep_alive

    def send_400_response(self, msg: str) -> None:
        """Answer and count what is not HTTP."""
        self.refused(MalformedError.reason)
        super().send_400_response(msg)

    def _look(self) -> None:
        """Close the connection if it is time, or look again when it may be."""
        left = self._until - self.loop.time()
        if left <= 0:
            if not self._idle:
                self.refused(SLOW)
            self.transport.close()
        else:
            soon = min(left, self.head_seconds, LOOK_SECONDS)
            self._timer = self.loop.call_later(soon, self._look)
