"""The API of usage: what the nodes of runs took, added up, and those of one generation."""

from datetime import timedelta
from typing import Final

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from app import errors
from app.web import reading
from app.web.operations import Call, Operation, Route
from app.web.services import Clock, Generations, Uses
from schemas.base import GenerationId
from schemas.wire.usage import GenerationUsage, Usage, UsageQuery

PATH: Final = "/api/usage"
USUALLY: Final = timedelta(days=7)
"""How long before its end a time begins of which only the end is known."""
_TAG: Final = "usage"


class UsageHandlers:
    """Answers for usage."""

    def __init__(self, uses: Uses, generations: Generations, clock: Clock) -> None:
        self._uses = uses
        self._generations = generations
        self._clock = clock

    async def report(self, call: Call) -> Response:
        """Add up what was executed in a time."""
        query = reading.query(UsageQuery, call.request.scope["query_string"])
        until = query.until or self._clock.now()
        since = query.since or until - USUALLY
        if since > until:
            raise errors.BadFieldError("since", "lies after until")
        rows = await self._uses.report(since, until, query.by)
        return _json(Usage.of(query.by, since, until, rows))

    async def read(self, call: Call) -> Response:
        """Show the nodes of one generation."""
        named = GenerationId(reading.identity(call.request, "generation"))
        uses = await self._uses.of(named)
        if not uses and await self._generations.get(named) is None:
            raise errors.NotFoundError("generation")
        return _json(GenerationUsage.of(named, uses))


def routes(uses: Uses, generations: Generations, clock: Clock) -> tuple[Route, ...]:
    """Return what can be known of usage."""
    do = UsageHandlers(uses, generations, clock)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="reportUsage",
                tag=_TAG,
                summary="Add up what the nodes of runs took, by class, model or server",
                query=UsageQuery,
                answer=Usage,
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            do.report,
        ),
        Route(
            Operation(
                method="GET",
                path="/api/generations/{id}/usage",
                name="readGenerationUsage",
                tag=_TAG,
                summary="Show what each node of a generation took",
                answer=GenerationUsage,
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
    )


def _json(view: BaseModel) -> Response:
    content = orjson.dumps(view.model_dump(mode="json", by_alias=True))
    return Response(content, media_type="application/json")
