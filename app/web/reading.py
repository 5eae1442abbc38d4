"""Turn what a request says into the API's models, or refuse it by the name of what is wrong."""

import hashlib
import re
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, JsonValue, ValidationError
from starlette.requests import Request

from app.errors import BadFieldError, NotFoundError, UnknownFieldError
from app.web.operations import Call
from app.web.refusals import NotJsonError
from schemas.inputs import INTEGER_MOST
from schemas.wire.api import CreateHeaders

M = TypeVar("M", bound=BaseModel)

DEPTH_MOST: Final = 32
"""Levels of nesting that a body may have; MongoDB's own limit is about 100."""

_ID: Final = re.compile(r"[0-9a-f]{32}")
_PARAMETERS_MOST: Final = 32
_QUERY_MOST: Final = 4096


def identity(request: Request, what: str) -> str:
    """Return the id in the path, 32 hexadecimal digits; what is none is not asked of the database.

    Raises:
        NotFoundError: It can be that of no such thing.
    """
    named: str = request.path_params["id"]
    if not _ID.fullmatch(named):
        raise NotFoundError(what)
    return named


def json(raw: bytes, most: int = INTEGER_MOST) -> JsonValue:
    """Parse a JSON body; of names that occur twice the last counts.

    Args:
        raw: The body.
        most: Largest magnitude of a number in it.

    Raises:
        NotJsonError: It is not JSON in UTF-8, too deep, or has a number over 64 bits.
    """
    try:
        value: JsonValue = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotJsonError(str(error)) from None
    _check(value, DEPTH_MOST, most)
    return value


def body(model: type[M], raw: bytes, most: int = INTEGER_MOST) -> M:
    """Read a JSON body as a model.

    Args:
        model: The model.
        raw: The body.
        most: Largest magnitude of a number in it, where the model says nothing.

    Raises:
        NotJsonError: As for `json`.
        BadFieldError: A field is not what it has to be.
    """
    value = json(raw, most)
    try:
        # Read twice: from JSON, pydantic 2.13 passes over a field's Python name where it has
        # another in JSON, instead of refusing it. From values it refuses.
        model.model_validate(value, strict=False)
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _named(error) from None


def query(model: type[M], raw: bytes) -> M:
    """Read a query string as a model: each name at most once, as a plain string.

    Raises:
        BadFieldError: A name is unknown or repeated, or a value is not what it has to be.
    """
    try:
        if len(raw) > _QUERY_MOST:
            raise BadFieldError("query", f"takes at most {_QUERY_MOST} bytes")
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_PARAMETERS_MOST,
        )
    except ValueError:
        raise BadFieldError("query", "is not a query string in UTF-8") from None
    return _from_strings(model, pairs)


def headers(model: type[M], request: Request) -> M:
    """Read those headers that a model names.

    Raises:
        BadFieldError: A header is repeated, or not what it has to be.
    """
    names = [str(field.alias) for field in model.model_fields.values()]
    return _from_strings(
        model, [(name, value) for name in names for value in request.headers.getlist(name)]
    )


def idempotency(
    call: Call, headers: CreateHeaders, asked: JsonValue
) -> tuple[str | None, str | None]:
    """Return the key, scoped by who calls, and the digest of what is asked for."""
    if headers.idempotency_key is None:
        return None, None
    canonical = orjson.dumps([call.request.scope["path"], asked], option=orjson.OPT_SORT_KEYS)
    return f"{call.caller}:{headers.idempotency_key}", hashlib.sha256(canonical).hexdigest()


def _from_strings(model: type[M], pairs: list[tuple[str, str]]) -> M:
    given = dict[str, str]()
    for name, value in pairs:
        if name in given:
            raise BadFieldError(name, "is given more than once")
        given[name] = value
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise _named(error) from None


def _named(error: ValidationError) -> BadFieldError:
    """Name the first thing that is wrong."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    # A key that does not fit is followed by a word of pydantic's own.
    parts = [_part(each) for each in first["loc"] if each != "[key]"]
    field = ".".join(parts) or "body"
    if first["type"] == "extra_forbidden":
        return UnknownFieldError(field, "is not a name that can be given here")
    return BadFieldError(field, first["msg"])


def _part(part: str | int) -> str:
    """Write a part of a place; those of lists count from 1, as steps do and as people count."""
    return str(part + 1) if isinstance(part, int) else part


def _check(value: JsonValue, levels: int, most: int) -> None:
    """Refuse what is nested too deep, or numbers that 64 bits do not hold."""
    match value:
        case dict() | list():
            if levels == 0:
                raise NotJsonError(f"at most {DEPTH_MOST} levels deep")
            for inner in value.values() if isinstance(value, dict) else value:
                _check(inner, levels - 1, most)
        case int() | float() if abs(value) > most:
            raise NotJsonError("a number over 64 bits")
        case _:
            pass
