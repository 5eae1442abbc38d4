"""The short way in: a webhook that is as it should be is answered without the ASGI machinery.

Thousands come in a second, all alike, and what is done for each request (a task and its context,
a chain of awaits, two writes) costs more than taking a webhook in does. So a request that has
arrived as a whole is offered to the webhooks at once, where it stands. Whatever is out of the
ordinary about it is left to the app, which finds out what: what is said of it is said there alone.
"""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

from starlette.responses import Response
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.main.heads import HEAD_SECONDS, HeadProtocol
from app.web.webhooks import ACCEPTED, Webhooks


class ShortWay(HeadProtocol):
    """uvicorn's protocol, which offers whole requests to `hooks` before the app has them."""

    hooks: Webhooks | None = None
    _reading = False
    """Whether we are called by what `data_received` was given."""
    _begun: tuple[RequestResponseCycle, Any] | None = None
    """A request whose head has just been read, and the app that is to answer it."""

    def data_received(self, data: bytes) -> None:
        """Read on; what is a whole request then is taken in, or goes to the app as ever."""
        self._reading = True
        try:
            super().data_received(data)
        finally:
            self._reading = False
        if self._begun is not None:
            cycle, app = self._begun
            self._begun = None
            # One that lets its answers pile up waits for them there, and one that has sent
            # rubbish after it has been told so already.
            odd = cycle.more_body or self.flow.write_paused or self.transport.is_closing()
            if odd or not self._taken(cycle):
                super()._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn has a type of its own for it
        """Hold a request back until all is read that came with its head.

        Not one that had to wait for the answer to another, nor one that is not the app's.
        """
        if self._reading and app is self.app:  # pyright: ignore[reportUnknownMemberType] - uvicorn leaves it open
            self._begun = (cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def _taken(self, cycle: RequestResponseCycle) -> bool:
        """Offer a request to the webhooks; return whether they took it."""
        scope, answer = cast("Scope", cycle.scope), partial(self._answer, cycle)
        raw = bytes(cycle.body)
        if self.hooks is None or not self.hooks.take(scope, raw, answer):
            return False
        cycle.body = bytearray()
        return True

    def _answer(self, cycle: RequestResponseCycle, otherwise: ASGIApp | None) -> None:
        """Answer a request that was taken in, by the app given where that came to nothing."""
        if otherwise is not None:
            super()._start_asgi_task(cycle, cast("Any", otherwise))
            return
        # Cut as uvicorn does it, or else only the garbage collector would part the two.
        cycle.on_response = _nothing
        if self.transport.is_closing():
            return
        cycle.response_started = cycle.response_complete = True
        self.transport.write(_KEPT if cycle.keep_alive else _CLOSED)
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


def protocol(
    hooks: Webhooks | None, refused: Callable[[str], None], head_seconds: float = HEAD_SECONDS
) -> type[ShortWay]:
    """Return the protocol for some webhooks, and with some limit for heads.

    Args:
        hooks: What takes webhooks in by the short way; None: the app has them all.
        refused: Takes a word for each connection that is closed for what came of a head.
        head_seconds: A head that takes longer ends its connection.
    """
    given = {"hooks": hooks, "refused": staticmethod(refused), "head_seconds": head_seconds}
    return type("ShortWay", (ShortWay,), given)


def _nothing() -> None:
    """Stand where uvicorn would have itself called."""


def _written(response: Response, *more: tuple[bytes, bytes]) -> bytes:
    """Write a response out as it goes over the wire."""
    status = HTTPStatus(response.status_code)
    lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode())]
    lines += [b"%s: %s" % header for header in (*response.raw_headers, *more)]
    return b"\r\n".join((*lines, b"", bytes(response.body)))


_KEPT: Final = _written(ACCEPTED)
_CLOSED: Final = _written(ACCEPTED, (b"connection", b"close"))
