"""A time limit for the heads of requests, which uvicorn has none for.

Whoever connects and says nothing, or stops within a head, would keep one of our connections for
ever; enough of them would shut everybody out.
"""

import asyncio
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 10.0
"""Longest from a connection's beginning, or a further request's, to the end of the head."""


class HeadProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which closes a connection whose head does not come in time."""

    head_seconds = HEAD_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Expect a head from now on."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Expect a head, or the rest of it, from whoever is not being answered."""
        super().data_received(data)
        # uvicorn has just ended its own wait for a further request, if there was one.
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        if cycle is None or cycle.response_complete:
            self._expect()

    def on_headers_complete(self) -> None:
        """Be content; bodies have a limit of their own."""
        self._forget()
        super().on_headers_complete()

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_seconds, self.transport.close)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def within(seconds: float) -> type[HeadProtocol]:
    """Return the protocol with another limit."""
    return type("HeadProtocol", (HeadProtocol,), {"head_seconds": seconds})
