"""Read a peer's JSON: strictly where its schema is agreed on, leniently where it is not."""

import re
from typing import Any, Final, TypeVar

import orjson
from pydantic import ValidationError

from processors.errors import RefusedBodyError
from schemas.base import Wire

M = TypeVar("M", bound=Wire)

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL: the only way to write one in JSON, unless its backslash is escaped itself."""


def parsed(model: type[M], raw: bytes) -> M:
    """Read a body strictly: pydantic's own JSON takes NaN and 1e999 where nobody looks.

    Raises:
        RefusedBodyError: It is not JSON (too deep and out of range included), no object, or
            not the schema.
    """
    return fitting(model, decoded(raw))


def decoded(raw: bytes) -> dict[str, Any]:
    """Return the object that a body is.

    Raises:
        RefusedBodyError: It is not JSON, or no object.
    """
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RefusedBodyError("json", error.msg) from None
    if not isinstance(told, dict):
        raise RefusedBodyError("schema", "is not an object")
    return told  # pyright: ignore[reportUnknownVariableType] - keys of JSON objects are strings


def fitting(model: type[M], told: object) -> M:
    """Read a value strictly.

    Raises:
        RefusedBodyError: It is not the schema.
    """
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        raise RefusedBodyError("schema", first["msg"], field) from None


def read(model: type[M], value: object) -> M | None:
    """Read a value that may be anything; None where it does not fit."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def holds_nul(raw: bytes) -> bool:
    """Return whether a text of this JSON holds a NUL character, which no record keeps."""
    return rb"\u0000" in raw and _NUL.search(raw) is not None
