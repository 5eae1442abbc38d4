"""The two calls of hosts without background processes: work off what is owed, check open runs.

They have a key of their own, which opens nothing else. It may come in the query, for monitors
that can send nothing but a URL; so no part of the query is ever logged or said again.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.web import reading
from app.web.auth import Keys
from app.web.operations import Access, Call, Operation, Route
from app.web.services import Shifts
from schemas.wire.cron import CronChecked, CronQuery, CronWorked

PATH: Final = "/api/cron"
METHODS: Final = ("GET", "POST")

_HEADER: Final = "x-cron-key"
_NAME: Final = "key"

T = TypeVar("T")


class CronHandlers:
    """Answers monitors."""

    def __init__(self, shifts: Shifts, keys: Keys) -> None:
        self._shifts = shifts
        self._keys = keys

    async def worker(self, call: Call) -> Response:
        """Work off what is owed."""
        did = await self._within(call.request, self._shifts.work_off)
        return _json(CronWorked(busy=True) if did is None else CronWorked(**did._asdict()))

    async def checker(self, call: Call) -> Response:
        """Check the open runs."""
        did = await self._within(call.request, self._shifts.check_runs)
        return _json(CronChecked(busy=True) if did is None else CronChecked(**did._asdict()))

    async def _within(self, request: Request, do: Callable[[timedelta], Awaitable[T]]) -> T:
        """Do something within the budget that is asked for, if the key is right."""
        headers = request.headers
        given = [
            *(value.encode("latin-1") for value in headers.getlist(_HEADER)),
            *(value.encode() for value in request.query_params.getlist(_NAME)),
        ]
        self._keys.check(request.scope["headers"], given)
        query = reading.query(CronQuery, request.scope["query_string"])
        return await do(timedelta(seconds=query.budget))


def routes(shifts: Shifts, keys: Keys) -> tuple[Route, ...]:
    """Return the two calls, by either method."""
    do = CronHandlers(shifts, keys)
    return tuple(
        Route(
            Operation(
                method=method,
                path=f"{PATH}/{name}",
                name=f"{method.lower()}Cron{name.capitalize()}",
                tag="cron",
                summary=summary,
                access=Access.CRON,
                query=CronQuery,
                answer=answer,
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            handler,
        )
        for name, summary, answer, handler in (
            ("worker", "Work off what is owed, within a budget", CronWorked, do.worker),
            ("checker", "Ask about all open runs, within a budget", CronChecked, do.checker),
        )
        for method in METHODS
    )


def _json(answer: BaseModel) -> Response:
    content = answer.model_dump_json(exclude_none=True)
    return Response(content, media_type="application/json")
