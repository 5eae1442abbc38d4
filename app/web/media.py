"""Files that engines made, served under links that we signed.

They are other people's: whatever they call themselves, only what their first bytes show to be a
picture, a film or sound is shown in place. Everything else is a download, without a type that a
browser would run, and nothing of it runs on our origin.
"""

import re
from collections.abc import Sequence
from typing import Final

from starlette.responses import Response, StreamingResponse

from app import errors
from app.ports import Stored
from app.web import ranges, reading
from app.web.operations import Access, Call, Operation, Route
from app.web.ranges import Part, RangeError
from app.web.refusals import UnauthorizedError
from app.web.services import Clock, Storage
from processors import runs
from processors.protocols import links, sniffing
from processors.protocols.links import Disposition, Signed
from schemas.wire.api import MediaHeaders, MediaQuery

PATH: Final = "/media/{key:path}"
_TYPE: Final = "application/octet-stream"
_LONGEST_KEY: Final = 512
_CACHED: Final = "private, max-age=86400, immutable"
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._ -]")


class MediaHandlers:
    """Answers for files."""

    def __init__(self, storage: Storage, keys: Sequence[bytes], clock: Clock) -> None:
        self._storage = storage
        self._keys = keys
        self._clock = clock

    async def read(self, call: Call) -> Response:
        """Send a file, or the part of it that is asked for."""
        request = call.request
        key: str = request.path_params["key"]
        asked = reading.query(MediaQuery, request.scope["query_string"])
        signed = Signed(asked.disposition, asked.until, asked.signature)
        today = self._clock.now().date()
        if len(key) > _LONGEST_KEY or not links.admits(self._keys, key, signed, today):
            raise UnauthorizedError
        stored = await self._storage.head(key)
        if stored is None:
            raise errors.NotFoundError("file")
        given = reading.headers(MediaHeaders, request)
        described = _described(key, stored, asked.disposition)
        if ranges.known(given.if_none_match, stored.etag):
            return Response(None, 304, described)
        return self._sent(
            key, stored, described, _part(request.method, given, stored), request.method
        )

    def _sent(
        self,
        key: str,
        stored: Stored,
        described: dict[str, str],
        part: Part | None,
        method: str,
    ) -> Response:
        start, end = part or Part(0, stored.size)
        status, headers = 200, {**described, "Content-Length": str(end - start)}
        if part is not None:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
        if method == "HEAD":
            return Response(None, status, headers)
        return StreamingResponse(self._storage.read(key, start, end), status, headers)


def routes(storage: Storage, keys: Sequence[bytes], clock: Clock, prefix: str) -> tuple[Route, ...]:
    """Return how files are had: at the root, and under the path that our links have."""
    do = MediaHandlers(storage, keys, clock)
    return tuple(
        Route(
            Operation(
                method="GET",
                path=f"{each}{PATH}",
                name="readMedia" if not each else "readMediaUnderPrefix",
                tag="media",
                summary="Have a file by its link; parts of it by Range",
                access=Access.TOKEN,
                query=MediaQuery,
                headers=MediaHeaders,
                media_type=_TYPE,
                errors=(errors.BadFieldError, errors.NotFoundError, errors.PeerError, RangeError),
            ),
            do.read,
        )
        for each in dict.fromkeys(("", prefix.rstrip("/")))
    )


def _part(method: str, given: MediaHeaders, stored: Stored) -> Part | None:
    """The part to be sent; only a GET has parts (RFC 9110, 14.2)."""
    if method != "GET" or not ranges.still(given.if_range, stored.etag):
        return None
    return ranges.part_of(given.range, stored.size)


def _described(key: str, stored: Stored, asked: Disposition) -> dict[str, str]:
    """The headers that keep a stranger's file from doing anything here."""
    shows = sniffing.is_inline(stored.content_type)
    disposition = "inline" if shows and asked == "inline" else "attachment"
    name = _UNFIT.sub("_", runs.name_in(key))
    headers = {
        "Content-Type": (shows and stored.content_type) or _TYPE,
        "Content-Disposition": f'{disposition}; filename="{name}"',
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        # Its link is what opens it, in whatever page that stands.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Accept-Ranges": "bytes",
        "Cache-Control": _CACHED,
    }
    if stored.etag is not None:
        headers["ETag"] = stored.etag
    return headers
