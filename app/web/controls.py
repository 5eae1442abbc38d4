"""The API of controls: what is paused, what is capped, and what today has cost."""

from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.web import amounts, bodies, reading, shown
from app.web.operations import Call, Operation, Route
from app.web.people import doer
from app.web.services import Controlling, Watch
from processors.errors import AmountError
from schemas.access import KeyScope
from schemas.base import plain
from schemas.control import KINDS, Subject
from schemas.ledger import MOST
from schemas.wire.api import ControlChange

PATH: Final = "/api/controls"
_ONE: Final = f"{PATH}/{{kind}}/{{name}}"
_TAG: Final = "controls"


class ControlHandlers:
    """Answers for controls."""

    def __init__(self, controlling: Controlling, deadline: timedelta) -> None:
        self._controlling = controlling
        self._deadline = deadline

    async def list(self, call: Call) -> Response:
        """Show everything that is paused or capped, or has cost something today."""
        del call
        return _json({"items": [_shown(each) for each in await self._controlling.all()]})

    async def read(self, call: Call) -> Response:
        """Show how one engine or preset stands."""
        return _json(_shown(await self._controlling.get(_subject(call.request))))

    async def change(self, call: Call) -> Response:
        """Pause, resume, or cap; what is not named stays."""
        subject, by = _subject(call.request), doer(call)
        raw = await bodies.taken(call.request.scope, call.request.receive, self._deadline)
        wanted = reading.body(ControlChange, raw)
        if wanted.reason is not None and wanted.paused is None:
            raise errors.BadFieldError("reason", "says why paused is changed: give paused as well")
        if "daily_cap_usd" in wanted.model_fields_set:
            await self._cap(subject, wanted.daily_cap_usd, by)
        if wanted.paused is True:
            await self._controlling.pause(subject, by=by, reason=wanted.reason)
        elif wanted.paused is False:
            await self._controlling.resume(subject, by=by, reason=wanted.reason)
        return _json(_shown(await self._controlling.get(subject)))

    async def _cap(self, subject: Subject, given: str | None, by: str) -> None:
        cap = None if given is None else amounts.read("dailyCapUsd", given)
        if cap is not None and (not 0 <= cap <= MOST or cap != round(cap, 6)):
            raise AmountError("dailyCapUsd", "is below zero, too much, or finer than 6 places")
        await self._controlling.cap(subject, cap, by=by)


def routes(controlling: Controlling, deadline: timedelta) -> tuple[Route, ...]:
    """Return what can be done with controls."""
    do = ControlHandlers(controlling, deadline)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="listControls",
                tag=_TAG,
                summary="Show what is paused or capped, and what today has cost",
                answer=shown.controls(),
                errors=(errors.UnavailableError,),
            ),
            do.list,
        ),
        Route(
            Operation(
                method="GET",
                path=_ONE,
                name="readControl",
                tag=_TAG,
                summary="Show how an engine or a preset stands",
                answer=shown.control(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
        Route(
            Operation(
                method="PUT",
                path=_ONE,
                name="changeControl",
                scope=KeyScope.ADMIN,
                tag=_TAG,
                summary="Pause, resume or cap an engine or a preset; what runs goes on",
                body=ControlChange,
                answer=shown.control(),
                errors=(*bodies.ERRORS, errors.NotFoundError, AmountError),
            ),
            do.change,
        ),
    )


def _subject(request: Request) -> Subject:
    """Return what a path is about; what can be nothing is not asked of the database."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    for known in KINDS:
        if kind == known and name.isascii() and len(name) <= 32:  # noqa: PLR2004 - as PresetName
            return Subject(known, name)
    raise errors.NotFoundError("engine or preset")


def _shown(watch: Watch) -> dict[str, Any]:
    return {**watch.control.internal(), "spentTodayUsd": plain(watch.spent_usd)}


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
