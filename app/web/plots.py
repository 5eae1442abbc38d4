"""The API of plots: the last hours as images, each drawn once for all who look."""

import asyncio
from datetime import datetime
from typing import Final

from starlette.responses import Response

from app import errors
from app.web import reading, stats
from app.web.operations import Call, Operation, Route
from app.web.services import AddUp
from processors import plots
from schemas.totals import Figures
from schemas.wire.jobs import ReadHeaders
from schemas.wire.stats import PlotQuery, Theme

PATH: Final = "/api/plots/{name}.svg"
KEPT: Final = 64
"""How many drawn plots are remembered."""


class Gallery:
    """Draws plots, each once for the same figures.

    Args:
        kept: How many drawn plots are remembered.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._drawn = dict[tuple[str, int, Theme], tuple[datetime, bytes]]()
        self._alone = asyncio.Lock()

    async def plot(self, name: str, theme: Theme, figures: Figures) -> bytes:
        """Return a plot as an SVG image."""
        key = name, len(figures.hours), theme
        # One is drawn at a time: who wants the same waits for it, and no reader takes all threads.
        async with self._alone:
            at, content = self._drawn.get(key, (None, b""))
            if at != figures.at:
                content = await asyncio.to_thread(_draw, name, theme, figures)
                # Those drawn last are at the end.
                self._drawn.pop(key, None)
                self._drawn[key] = figures.at, content
                for oldest in list(self._drawn)[: -self._kept]:
                    del self._drawn[oldest]
        return content


class PlotHandlers:
    """Answers for plots."""

    def __init__(self, add_up: AddUp) -> None:
        self._add_up = add_up
        self._gallery = Gallery()

    async def read(self, call: Call) -> Response:
        """Send a plot, unless the client has it."""
        name: str = call.request.path_params["name"]
        if name not in plots.ALL:
            raise errors.NotFoundError("plot")
        query = reading.query(PlotQuery, call.request.scope["query_string"])
        content = await self._gallery.plot(name, query.theme, await self._add_up(query.hours))
        return stats.tagged(call, content, "image/svg+xml", _HEADERS)


def routes(add_up: AddUp) -> tuple[Route, ...]:
    """Return how plots are had."""
    do = PlotHandlers(add_up)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="readPlot",
                tag=stats.TAG,
                summary=f"Have the last hours drawn: {', '.join(plots.ALL)}",
                query=PlotQuery,
                headers=ReadHeaders,
                media_type="image/svg+xml",
                errors=(errors.BadFieldError, errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
    )


_HEADERS: Final = {
    "Content-Disposition": "inline",
    # Its own style is in it, and there is nothing else that it may have.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=10",
}


def _draw(name: str, theme: Theme, figures: Figures) -> bytes:
    # Loads a library that those who never look do without.
    from app.web import drawing  # noqa: PLC0415

    return drawing.draw(plots.ALL[name](figures.hours), theme)
