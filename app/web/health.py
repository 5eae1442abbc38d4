"""Whether we live, whether we can work, and what has been counted."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.responses import PlainTextResponse, Response

from app.web.auth import ApiKeys
from app.web.operations import Access, Call, Operation, Route
from app.web.services import Metrics

_EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"

_log = structlog.get_logger(__name__)


class HealthHandlers:
    """Answers orchestrators and scrapers."""

    def __init__(
        self, ready: Callable[[], Awaitable[tuple[str, ...]]], keys: ApiKeys, metrics: Metrics
    ) -> None:
        self._ready = ready
        self._keys = keys
        self._metrics = metrics

    async def livez(self, _call: Call) -> Response:
        """Say that the process answers."""
        return PlainTextResponse("ok")

    async def readyz(self, call: Call) -> Response:
        """Say whether work can be taken; why not, only to a bearer of a key."""
        problems = await self._ready()
        if not problems:
            return PlainTextResponse("ok")
        _log.warning("not ready", problems=problems)
        said = problems if self._keys.admits(call.request.scope["headers"]) else ()
        return PlainTextResponse("\n".join(("not ready", *said)), 503)

    async def metrics(self, _call: Call) -> Response:
        """Show what has been counted."""
        return Response(self._metrics.render(), media_type=_EXPOSITION)


def routes(
    ready: Callable[[], Awaitable[tuple[str, ...]]], keys: ApiKeys, metrics: Metrics
) -> tuple[Route, ...]:
    """Return what can be asked about our health."""
    do = HealthHandlers(ready, keys, metrics)
    return (
        Route(_operation("/livez", "live", "Whether the process answers", Access.OPEN), do.livez),
        Route(
            _operation("/readyz", "ready", "Whether work can be taken (503 if not)", Access.OPEN),
            do.readyz,
        ),
        Route(
            _operation("/metrics", "metrics", "What has been counted, for Prometheus", Access.KEY),
            do.metrics,
        ),
    )


def _operation(path: str, name: str, summary: str, access: Access) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        tag="health",
        summary=summary,
        access=access,
        media_type="text/plain",
    )
