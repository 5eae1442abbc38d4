"""The API of what is owed: what was given up, what does not move, and another try."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import orjson
from starlette.responses import Response

from app import errors
from app.usecases.arrears import Arrear, Silent
from app.web import bodies, reading
from app.web.operations import Call, Operation, Route
from app.web.services import Arrears
from schemas.access import KeyScope
from schemas.base import rfc3339
from schemas.wire.arrears import (
    DebtPage,
    DebtQuery,
    DebtView,
    Replay,
    Replayed,
    SilentView,
    StuckQuery,
    StuckView,
)

_DEBTS: Final = "/api/debts"
_TAG: Final = "debts"


class ArrearHandlers:
    """Answers for debts."""

    def __init__(self, arrears: Arrears, deadline: timedelta) -> None:
        self._arrears = arrears
        self._deadline = deadline

    async def list(self, call: Call) -> Response:
        """Show debts, those of the oldest records first."""
        query = reading.query(DebtQuery, call.request.scope["query_string"])
        found = self._arrears.listed(only_dead=query.state == "dead")
        items = [_debt(each) async for each in _first(found, query.limit)]
        return _json(DebtPage(items=tuple(items)))

    async def replay(self, call: Call) -> Response:
        """Have what was given up tried again."""
        raw = await bodies.taken(call.request.scope, call.request.receive, self._deadline)
        wanted = reading.body(Replay, raw)
        if (wanted.record is None) == (wanted.since is None):
            raise errors.BadFieldError("record", "give it, or since, and not both")
        count = await self._arrears.replay(wanted.record, wanted.key, wanted.since)
        return _json(Replayed(replayed=count))

    async def stuck(self, call: Call) -> Response:
        """Show what does not move."""
        query = reading.query(StuckQuery, call.request.scope["query_string"])
        found = await self._arrears.stuck(timedelta(minutes=query.minutes), query.limit)
        silent, overdue = map(_silent, found.silent), map(_debt, found.overdue)
        return _json(StuckView(silent=tuple(silent), overdue=tuple(overdue)))


def routes(arrears: Arrears, deadline: timedelta) -> tuple[Route, ...]:
    """Return what can be done about debts."""
    do = ArrearHandlers(arrears, deadline)
    looking = (errors.BadFieldError, errors.UnavailableError)
    return (
        Route(
            Operation(
                method="GET",
                path=_DEBTS,
                name="listDebts",
                tag=_TAG,
                summary="Show what was given up, or everything that must still happen",
                query=DebtQuery,
                answer=DebtPage,
                errors=looking,
            ),
            do.list,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_DEBTS}/replay",
                name="replayDebts",
                scope=KeyScope.ADMIN,
                tag=_TAG,
                summary="Have what was given up tried again, from the beginning",
                body=Replay,
                answer=Replayed,
                errors=(*bodies.ERRORS, errors.NotFoundError),
            ),
            do.replay,
        ),
        Route(
            Operation(
                method="GET",
                path="/api/stuck",
                name="listStuck",
                tag=_TAG,
                summary="Show what is open without news, and what is overdue",
                query=StuckQuery,
                answer=StuckView,
                errors=looking,
            ),
            do.stuck,
        ),
    )


async def _first(found: AsyncIterator[Arrear], most: int) -> AsyncIterator[Arrear]:
    count = 0
    async for each in found:
        yield each
        count += 1
        if count == most:
            return


def _debt(arrear: Arrear) -> DebtView:
    debt = arrear.debt
    state = "dead" if debt.dead_at else "claimed" if debt.by else "live"
    return DebtView(
        what=arrear.what,
        record=arrear.record,
        key=debt.key,
        kind=debt.kind,
        state=state,
        since=rfc3339(arrear.since),
        attempts=debt.attempts,
        last_error=debt.last_error,
    )


def _silent(silent: Silent) -> SilentView:
    return SilentView(
        what=silent.what, record=silent.record, status=silent.status, since=rfc3339(silent.since)
    )


def _json(answer: DebtPage | Replayed | StuckView) -> Response:
    return Response(
        orjson.dumps(answer.model_dump(mode="json", by_alias=True)), media_type="application/json"
    )
