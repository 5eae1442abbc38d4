"""How a picture looks while it is being made.

Engines draw previews, but what they call one is not believed: only what its first bytes show to
be a picture is sent, as what they show, with nothing allowed to it. Anything else is none.
"""

import hashlib
from typing import Final

from starlette.responses import Response

from app import errors
from app.web import generations, ranges, reading
from app.web.operations import Access, Call, Operation, Route
from app.web.services import Generations, Previews
from processors.protocols import sniffing
from processors.protocols.sniffing import MediaKind
from schemas.base import GenerationId
from schemas.wire.jobs import ReadHeaders

_TAG_DIGITS: Final = 32


class PreviewHandlers:
    """Answers for previews."""

    def __init__(self, previews: Previews, generations: Generations) -> None:
        self._previews = previews
        self._generations = generations

    async def read(self, call: Call) -> Response:
        """Send the newest preview, unless the client has it."""
        named = GenerationId(reading.identity(call.request, "preview"))
        if not await self._is_seen(call, named):
            raise errors.NotFoundError("preview")
        found = await self._previews.get(named)
        sniffed = None if found is None else sniffing.kind_of(found.image)
        if found is None or sniffed is None or sniffed.kind is not MediaKind.IMAGE:
            raise errors.NotFoundError("preview")
        tag = f'"{hashlib.sha256(found.image).hexdigest()[:_TAG_DIGITS]}"'
        headers = _HEADERS | {"ETag": tag}
        given = reading.headers(ReadHeaders, call.request).if_none_match
        if ranges.known(given, tag):
            return Response(None, 304, headers)
        return Response(found.image, 200, headers, sniffed.content_type)

    async def _is_seen(self, call: Call, named: GenerationId) -> bool:
        """Return whether whoever calls sees the generation; all do who see everything."""
        if call.sight.internal:
            return True
        record = await self._generations.get(named)
        return record is not None and generations.sees(call.sight, record)


def routes(previews: Previews, records: Generations) -> tuple[Route, ...]:
    """Return how previews are had."""
    do = PreviewHandlers(previews, records)
    return (
        Route(
            Operation(
                method="GET",
                path="/api/generations/{id}/preview",
                name="readPreview",
                tag="generations",
                summary="Have the newest preview of a picture that is being made",
                access=Access.VIEW,
                headers=ReadHeaders,
                media_type="image/*",
                errors=(errors.BadFieldError, errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
    )


_HEADERS: Final = {
    "Content-Disposition": "inline",
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # It changes each second: kept by nobody without asking whether it is still that one.
    "Cache-Control": "private, no-cache",
}
