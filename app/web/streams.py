"""Streams of events: how things stand, and how they change (HTML Standard, 9.2).

A stream's answer is written by hand: there may be a thousand of them at a time, each told of a
change as soon as it is known, so each has few frames, one wait, and no copy of what is said.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app import errors
from app.clock import monotonic
from app.live.reader import Reader
from app.live.states import Beat, Words
from app.web import reading
from app.web.frames import BEGINNING, Frames
from app.web.operations import Access, Call, Operation, Route
from app.web.services import Generations, Live
from schemas.access import Sight
from schemas.base import GenerationId
from schemas.job import JobId
from schemas.live import BEGINNING as NOTHING_KNOWN
from schemas.live import Position, Wanted
from schemas.wire.live import EventsQuery, StreamHeaders, StreamQuery

Still = Callable[[Sight], Awaitable[bool]]
"""Returns whether somebody may still see what they saw."""

CUT: Final = "runrelay.cut"
"""The server's extension (ASGI, "extensions") that ends a connection at once: what its client
never reads would keep a connection that is only closed for ever."""
PART_BYTES: Final = 32_768
"""About so much is handed to the server at a time: it buffers all that it is handed."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # A proxy such as nginx would collect events before it passes them on.
    "X-Accel-Buffering": "no",
}


class Telling(NamedTuple):
    """What it takes to tell somebody something."""

    live: Live
    frames: Frames
    still: Still


class StreamHandlers:
    """Answers for streams."""

    def __init__(self, telling: Telling, generations: Generations) -> None:
        self._telling = telling
        self._generations = generations

    async def generation(self, call: Call) -> Response:
        """Tell how one generation goes."""
        named = GenerationId(reading.identity(call.request, "generation"))
        query = reading.query(StreamQuery, call.request.scope["query_string"])
        found = await self._generations.get(named)
        if found is None or not call.sight.sees(
            user=found.metadata.user_id, job=found.job_id, generation=found.id
        ):
            raise errors.NotFoundError("generation")
        return self._stream(call, Wanted(generation=named), query)

    async def all(self, call: Call) -> Response:
        """Tell how everything goes that is asked for."""
        query = reading.query(EventsQuery, call.request.scope["query_string"])
        wanted = Wanted(
            user=query.user,
            job=None if query.job is None else JobId(query.job),
            status=query.status,
        )
        return self._stream(call, seen(wanted, call.sight), query)

    def _stream(self, call: Call, wanted: Wanted, query: StreamQuery) -> Response:
        given = reading.headers(StreamHeaders, call.request).last_event_id or query.after
        return EventStream(self._telling, wanted, call.sight, after_of(given))


def seen(wanted: Wanted, sight: Sight) -> Wanted:
    """Return that part of what is wanted that somebody may see.

    Raises:
        NotFoundError: It is not theirs to see; as if there were none.
    """
    for mine, given in (
        (sight.user, wanted.user),
        (sight.job, wanted.job),
        (sight.generation, wanted.generation),
    ):
        if mine is not None and given is not None and mine != given:
            raise errors.NotFoundError("stream")
    return wanted._replace(
        user=wanted.user or sight.user,
        job=wanted.job or sight.job,
        generation=wanted.generation or sight.generation,
    )


def after_of(given: str | None) -> Position | None:
    """Return where somebody goes on from; what is no position of ours is one long past."""
    return None if not given else Position.read(given) or NOTHING_KNOWN


class EventStream(Response):
    """An answer without an end."""

    def __init__(
        self, telling: Telling, wanted: Wanted, sight: Sight, after: Position | None
    ) -> None:
        super().__init__(None, 200, _HEADERS, "text/event-stream")
        self._live, self._frames, self._still = telling
        self._wanted = wanted
        self._sight = sight
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell everything, until somebody goes.

        Raises:
            UnavailableError: The database does not answer; nothing has been sent.
        """
        reader = Reader(self._wanted, after=self._after, until=self._sight.until, cut=cut_of(scope))
        self._live.join(reader)
        try:
            words = self._live.words(reader)
            # Not begun before there is something to tell: until then it may be refused.
            first = [await anext(words)]
            headers = [each for each in self.raw_headers if each[0] != b"content-length"]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if scope["method"] != "HEAD":
                async with asyncio.TaskGroup() as group:
                    leaving = group.create_task(_gone(receive, reader))
                    await self._tell(reader, first, words, send)
                    leaving.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._live.leave(reader)

    async def _tell(
        self, reader: Reader, first: list[Words], words: AsyncGenerator[Words], send: Send
    ) -> None:
        await _sent(reader, BEGINNING, send)
        # Taken out: these states are the reader's own, and would be kept for as long as they read.
        await self._say(reader, first.pop(), send)
        async for some in words:
            if any(isinstance(each, Beat) for each in some) and not await self._may(reader):
                continue
            await self._say(reader, some, send)

    async def _may(self, reader: Reader) -> bool:
        """Return whether they may read on; if not, they are sent away."""
        if await self._still(self._sight):
            return True
        reader.send_away("signed_out")
        return False

    async def _say(self, reader: Reader, words: Words, send: Send) -> None:
        parts, size = list[bytes](), 0
        for each in words:
            part = self._frames.event(each, internal=self._sight.internal)
            parts.append(part)
            size += len(part)
            if size >= PART_BYTES:
                await _sent(reader, b"".join(parts), send)
                parts, size = [], 0
        if parts:
            await _sent(reader, b"".join(parts), send)


async def _sent(reader: Reader, body: bytes, send: Send) -> None:
    await delivered(reader, {"type": "http.response.body", "body": body, "more_body": True}, send)


async def delivered(reader: Reader, message: Message, send: Send) -> None:
    """Send something, as soon as what was sent before has been read for the most part."""
    reader.busy_since = monotonic()
    await send(message)
    reader.busy_since = None


async def _gone(receive: Receive, reader: Reader) -> None:
    """Have a reader told nothing more once the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.send_away("gone")


def cut_of(scope: Scope) -> Callable[[], None]:
    """Return what ends a connection at once."""
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    return extensions.get(CUT, {}).get("abort", _nothing)


def _nothing() -> None:
    """Leave a connection of a server that cannot end it at once."""


def routes(telling: Telling, generations: Generations) -> Sequence[Route]:
    """Return what streams there are."""
    do = StreamHandlers(telling, generations)
    return (
        Route(
            Operation(
                method="GET",
                path="/api/generations/{id}/events",
                name="streamGeneration",
                tag="live",
                summary="Be told how a generation goes, as server-sent events",
                access=Access.VIEW,
                query=StreamQuery,
                headers=StreamHeaders,
                media_type="text/event-stream",
                errors=_ERRORS,
            ),
            do.generation,
        ),
        Route(
            Operation(
                method="GET",
                path="/api/events",
                name="streamEvents",
                tag="live",
                summary="Be told how generations and jobs go, as server-sent events",
                access=Access.VIEW,
                query=EventsQuery,
                headers=StreamHeaders,
                media_type="text/event-stream",
                errors=_ERRORS,
            ),
            do.all,
        ),
    )


_ERRORS: Final = (errors.BadFieldError, errors.NotFoundError, errors.UnavailableError)
