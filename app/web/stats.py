"""The API of statistics: what the last hours came to, in figures and as plots."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import orjson
from starlette.responses import Response

from app import errors
from app.web import ranges, reading
from app.web.operations import Call, Operation, Route
from app.web.services import AddUp
from processors import totals
from schemas.totals import Figures, HourTotals
from schemas.wire.jobs import ReadHeaders
from schemas.wire.stats import HourShown, Stats, StatsQuery, UsualShown

PATH: Final = "/api/stats"
TAG: Final = "statistics"
_TAG_DIGITS: Final = 32


class StatsHandlers:
    """Answers for statistics."""

    def __init__(self, add_up: AddUp) -> None:
        self._add_up = add_up

    async def read(self, call: Call) -> Response:
        """Show the last hours, unless the client has them."""
        query = reading.query(StatsQuery, call.request.scope["query_string"])
        view = shown(await self._add_up(query.hours))
        content = orjson.dumps(view.model_dump(mode="json", by_alias=True))
        return tagged(call, content, "application/json", {"Cache-Control": "private, no-cache"})


def routes(add_up: AddUp) -> tuple[Route, ...]:
    """Return what can be known of the last hours."""
    do = StatsHandlers(add_up)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="readStats",
                tag=TAG,
                summary="Show what the last hours came to: outcomes, times, spend, and nodes",
                query=StatsQuery,
                headers=ReadHeaders,
                answer=Stats,
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            do.read,
        ),
    )


def shown(figures: Figures) -> Stats:
    """Return figures as they are shown."""
    first, last = figures.hours[0].start, figures.hours[-1].start
    return Stats(
        hours=len(figures.hours),
        at=figures.at,
        since=first,
        until=last + timedelta(hours=1),
        items=tuple(map(_hour, figures.hours)),
        total=totals.together(figures.hours),
        presets=tuple(
            UsualShown(name=each.preset, p50_seconds=each.seconds, runs=each.number)
            for each in figures.usual
        ),
    )


def tagged(call: Call, content: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return an answer with its ETag, or that the client has it."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:_TAG_DIGITS]}"'
    named = {**headers, "ETag": tag}
    if ranges.known(reading.headers(ReadHeaders, call.request).if_none_match, tag):
        return Response(None, 304, named)
    return Response(content, 200, named, media_type)


def _hour(each: HourTotals) -> HourShown:
    return HourShown(
        start=each.start,
        final=totals.final(each),
        runs=each.runs,
        duration=each.duration,
        waiting=each.waiting,
        spend=each.spend,
        nodes=each.nodes,
    )
