"""The API of whoever watches the service: what is open, what is stuck, and having it moved."""

import hashlib
from typing import Final

import orjson
from starlette.responses import Response

from app import errors
from app.usecases import open_work, reset_job
from app.web import jobs, ranges, reading
from app.web.operations import Call, Operation, Route
from app.web.people import doer
from app.web.services import OpenWork, ResetJob
from schemas.access import KeyScope
from schemas.wire.jobs import ReadHeaders
from schemas.wire.open_work import OpenQuery, OpenView, ResetView

PATH: Final = "/api/open"

_TAG_DIGITS: Final = 32
_AGE: Final = {"age_seconds"}
_PASSING: Final = {
    "as_of": True,
    "jobs": {"oldest": _AGE},
    "generations": {"oldest": _AGE},
    "stuck": {"__all__": _AGE},
}
"""What is another with each second though nothing has happened."""


class OpenWorkHandlers:
    """Answers for what is open."""

    def __init__(self, work: OpenWork, reset: ResetJob) -> None:
        self._work = work
        self._reset = reset

    async def read(self, call: Call) -> Response:
        """Show what is open and what is stuck; or nothing, where the client has it already.

        The tag is a weak one: what only grows older is the same.
        """
        query = reading.query(OpenQuery, call.request.scope["query_string"])
        view = open_work.shown(await self._work(query.limit))
        lasting = view.model_dump_json(exclude=_PASSING).encode()
        tag = f'"{hashlib.sha256(lasting).hexdigest()[:_TAG_DIGITS]}"'
        given = reading.headers(ReadHeaders, call.request).if_none_match
        headers = {"ETag": f"W/{tag}"}
        if ranges.known(given, tag):
            return Response(None, 304, headers)
        content = orjson.dumps(view.model_dump(mode="json", by_alias=True))
        return Response(content, 200, headers, "application/json")

    async def reset(self, call: Call) -> Response:
        """Have everything that a job owes done now."""
        named = reading.identity(call.request, "job")
        told = reset_job.shown(await self._reset(named, by=doer(call)))
        content = orjson.dumps(told.model_dump(mode="json", by_alias=True))
        return Response(content, media_type="application/json")


def routes(work: OpenWork, reset: ResetJob) -> tuple[Route, ...]:
    """Return what can be known of what is open, and done about it."""
    do = OpenWorkHandlers(work, reset)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="readOpen",
                tag="jobs",
                summary="Show what is open, what is stuck, why and since when",
                headers=ReadHeaders,
                query=OpenQuery,
                answer=OpenView,
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            do.read,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{jobs.PATH}/{{id}}/reset",
                name="resetJob",
                scope=KeyScope.ADMIN,
                tag="jobs",
                summary="Have everything that a job owes done now; nothing is sent twice",
                answer=ResetView,
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.reset,
        ),
    )
