"""The same as a stream of events, through a socket, for those who want one.

Browsers do not see the status of a handshake that is refused, so it is accepted and the socket
closed at once, with a code that says why. Only what another site made a browser ask is refused.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from starlette.types import Receive, Scope, Send

from app.errors import AppError, BadFieldError, NotFoundError
from app.live.reader import Reader
from app.live.states import Beat, Bye, Words
from app.web import reading
from app.web.refusals import CrossSiteError, UnauthorizedError
from app.web.services import Metrics
from app.web.sights import Sights
from app.web.streams import Telling, after_of, cut_of, delivered, seen
from schemas.access import Sight
from schemas.base import GenerationId
from schemas.job import JobId
from schemas.live import Wanted
from schemas.wire.live import SocketQuery

PATH: Final = "/api/ws"
PROTOCOL: Final = "runrelay.v1"
"""The subprotocol that is spoken; others that a client offers may bear its token."""
_UNAUTHORIZED: Final = 4401
_CODES: Final = {
    BadFieldError: 4400,
    UnauthorizedError: _UNAUTHORIZED,
    NotFoundError: 4404,
}
_AGAIN: Final = 1013
"""Try again later (IANA's registry of close codes)."""
_BYES: Final = {
    "expired": _UNAUTHORIZED,
    "signed_out": _UNAUTHORIZED,
    "stopping": 1012,
    "slow": _AGAIN,
}


class Socket:
    """Answers for sockets: an ASGI app."""

    def __init__(self, telling: Telling, sights: Sights, metrics: Metrics) -> None:
        self._live, self._frames, self._still = telling
        self._sights = sights
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell everything, until somebody goes."""
        await receive()
        try:
            sight = await self._sights.of(scope)
            await self._serve(sight, scope, receive, send)
        except CrossSiteError as error:
            self._metrics.refused(error.reason)
            await send({"type": "websocket.close", "code": 1008})
        except AppError as error:
            self._metrics.refused(error.reason)
            await _refused(error, scope, send)

    async def _serve(self, sight: Sight, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell everything, until somebody goes.

        Raises:
            AppError: They are not told anything; nothing has been sent.
        """
        query = reading.query(SocketQuery, scope["query_string"])
        wanted = Wanted(
            user=query.user,
            job=None if query.job is None else JobId(query.job),
            generation=None if query.generation is None else GenerationId(query.generation),
            status=query.status,
        )
        reader = Reader(
            seen(wanted, sight), after=after_of(query.after), until=sight.until, cut=cut_of(scope)
        )
        self._live.join(reader)
        try:
            words = self._live.words(reader)
            first = [await anext(words)]
            await _accepted(scope, send)
            async with asyncio.TaskGroup() as group:
                leaving = group.create_task(_gone(receive, reader))
                await self._tell(reader, sight, first, words, send)
                leaving.cancel()
        finally:
            self._live.leave(reader)

    async def _tell(
        self,
        reader: Reader,
        sight: Sight,
        first: list[Words],
        words: AsyncGenerator[Words],
        send: Send,
    ) -> None:
        """Tell everything, until they are sent away; the socket is closed by then."""
        try:
            # Taken out: these states are the reader's own, and would be kept while they read.
            await self._say(reader, sight, first.pop(), send)
            async for some in words:
                if any(isinstance(each, Beat) for each in some) and not await self._still(sight):
                    reader.send_away("signed_out")
                else:
                    await self._say(reader, sight, some, send)
        except OSError:
            # Gone while it was told something (ASGI, "Send", of a disconnected client).
            return

    async def _say(self, reader: Reader, sight: Sight, words: Words, send: Send) -> None:
        if reader.bye == "gone":
            return
        for each in words:
            text = self._frames.message(each, internal=sight.internal)
            if text:
                message = {"type": "websocket.send", "text": text.decode()}
                await delivered(reader, message, send)
            if isinstance(each, Bye):
                code = _BYES.get(each.why, 1000)
                await send({"type": "websocket.close", "code": code, "reason": each.why})


async def _accepted(scope: Scope, send: Send) -> None:
    spoken = PROTOCOL if PROTOCOL in scope.get("subprotocols", ()) else None
    await send({"type": "websocket.accept", "subprotocol": spoken})


async def _refused(error: AppError, scope: Scope, send: Send) -> None:
    """Close a socket that nothing was said through."""
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), _AGAIN)
    try:
        await _accepted(scope, send)
        await send({"type": "websocket.close", "code": code, "reason": error.reason})
    except OSError:
        return


async def _gone(receive: Receive, reader: Reader) -> None:
    """Have a reader told nothing more once the client is gone; what it says is not heeded."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
    reader.send_away("gone")
