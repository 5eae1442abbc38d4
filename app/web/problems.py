"""The one place where HTTP statuses are chosen (RFC 9457).

A request that cannot be read is 400, whichever field of it is wrong; one that is understood
and cannot be carried out as things stand is 404, 409, 412 or 422; a body is 413 or 415; what
may work later is 503 and says when.
"""

import inspect
import math
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final, NamedTuple

import orjson
from starlette.responses import Response

from app import errors
from app.web import refusals
from app.web.ranges import RangeError
from processors.errors import (
    AlreadyRefundedError,
    ChainRefusedError,
    InputRefusedError,
    InsufficientCreditsError,
    LedgerError,
    RefusedBodyError,
)
from schemas.wire.api import Problem

MEDIA_TYPE: Final = "application/problem+json"
STATUSES: Final[Mapping[type[Exception], HTTPStatus]] = {
    errors.RefusedError: HTTPStatus.BAD_REQUEST,
    errors.EngineOffError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.WorkflowRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.HookRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.AmountRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TelegramOffError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UserBlockedError: HTTPStatus.FORBIDDEN,
    errors.NotAllowedError: HTTPStatus.FORBIDDEN,
    errors.LimitReachedError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.PausedError: HTTPStatus.SERVICE_UNAVAILABLE,
    InputRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ChainRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    LedgerError: HTTPStatus.UNPROCESSABLE_ENTITY,
    AlreadyRefundedError: HTTPStatus.CONFLICT,
    InsufficientCreditsError: HTTPStatus.PAYMENT_REQUIRED,
    errors.IdempotencyMismatchError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StaleVersionError: HTTPStatus.PRECONDITION_FAILED,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PeerError: HTTPStatus.BAD_GATEWAY,
    refusals.HeadersTooLargeError: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    refusals.UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    refusals.ForbiddenError: HTTPStatus.FORBIDDEN,
    refusals.GuessedError: HTTPStatus.TOO_MANY_REQUESTS,
    refusals.MethodError: HTTPStatus.METHOD_NOT_ALLOWED,
    refusals.MediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    refusals.PictureError: HTTPStatus.UNPROCESSABLE_ENTITY,
    refusals.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    refusals.SlowBodyError: HTTPStatus.REQUEST_TIMEOUT,
    RangeError: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    RefusedBodyError: HTTPStatus.BAD_REQUEST,
}
"""By error, the nearest of its ancestors deciding. Whatever is not here is a fault of ours."""

_DETAIL_MOST: Final = 300
_CLOSING: Final = (
    refusals.MalformedError,
    refusals.HeadersTooLargeError,
    refusals.TooLargeError,
    refusals.SlowBodyError,
)
"""After these, what else comes on the connection is not worth reading."""


def status(error: type[Exception]) -> HTTPStatus:
    """Return the HTTP status that an error is answered with."""
    for ancestor in error.__mro__:
        if ancestor in STATUSES:
            return STATUSES[ancestor]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def title(error: type[Exception]) -> str:
    """Return an error's kind in words: the first line of its documentation."""
    return (inspect.getdoc(error) or "").partition("\n")[0].rstrip(".")


class Kind(NamedTuple):
    """One kind of problem, as programs know it."""

    reason: str
    status: int
    title: str


def kinds() -> tuple[Kind, ...]:
    """Return every kind of problem there is."""
    families = (
        _family(errors.RefusedError)
        | _family(errors.UnavailableError)
        | _family(LedgerError)
        | _family(InputRefusedError)
        | _family(ChainRefusedError)
    )
    known = {
        Kind(each.reason, int(status(each)), title(each)) for each in families | {errors.PeerError}
    }
    schema = Kind("schema", int(status(RefusedBodyError)), title(RefusedBodyError))
    return tuple(sorted({*known, schema, _INTERNAL}, key=_by_status))


def response(error: Exception) -> Response:
    """Return the answer to a request that ended in `error`. A fault of ours tells nothing."""
    problem = _problem(error)
    content = orjson.dumps(problem.model_dump(exclude_none=True))
    return Response(content, problem.status, _headers(error), MEDIA_TYPE)


Known = errors.AppError | LedgerError | InputRefusedError | ChainRefusedError

_INTERNAL: Final = Kind("internal", 500, "Something went wrong here")


def _by_status(kind: Kind) -> tuple[int, str]:
    return kind.status, kind.reason


def _family(root: type[Known]) -> frozenset[type[Known]]:
    return frozenset({root}).union(*(_family(each) for each in root.__subclasses__()))


def _problem(error: Exception) -> Problem:
    code = status(type(error))
    if code is HTTPStatus.INTERNAL_SERVER_ERROR:
        reason, number, said = _INTERNAL
        return Problem(type=f"/docs#{reason}", title=said, status=number, reason=reason)
    reason = str(getattr(error, "reason", "refused"))
    return Problem(
        type=f"/docs#{reason}",
        title=title(type(error)),
        status=code,
        # What a peer said is for the log.
        detail=None if isinstance(error, errors.PeerError) else _short(str(error)),
        reason=reason,
        field=_short(getattr(error, "field", None)),
        bounds=getattr(error, "bounds", None),
    )


def _short(text: str | None) -> str | None:
    """Cut what a caller may have had a hand in, and leave out what no encoder takes."""
    return text and text[:_DETAIL_MOST].encode("utf-8", "replace").decode()


def _headers(error: Exception) -> dict[str, str]:
    wait = _wait(error)
    if wait is not None:
        # Whole seconds, at least one (RFC 9110, 10.2.3).
        return {"Retry-After": str(max(1, math.ceil(wait.total_seconds())))}
    match error:
        case refusals.UnauthorizedError():
            return {"WWW-Authenticate": "Bearer"}
        case RangeError():
            return {"Content-Range": f"bytes */{error.size}"}
        case refusals.MethodError():
            return {"Allow": ", ".join(error.allowed)}
        case _ if isinstance(error, _CLOSING):
            return {"Connection": "close"}
        case _:
            return {}


def _wait(error: Exception) -> timedelta | None:
    """Return how long it is better to wait before trying again; None where nobody knows."""
    match error:
        case errors.UnavailableError() | errors.LimitReachedError() | errors.PausedError():
            return error.retry_after
        case refusals.GuessedError():
            return error.retry_after
        case _:
            return None
