"""Read ComfyUI's JSON, which is as Python writes it: with NaN, Infinity and half characters.

They stand where a node gave them. ``IS_CHANGED`` of NaN, by which many extensions say that they
are always to run anew, is kept in the prompt's graph, and so in queue and history
(github.com/Comfy-Org/ComfyUI issues 6915 and 8548). An end must not be missed for that.
"""

import json
import math
from typing import Any, TypeVar

from processors.errors import RefusedBodyError
from processors.protocols import bodies
from schemas.base import Wire

M = TypeVar("M", bound=Wire)


def parsed(model: type[M], raw: bytes) -> M:
    """Read a body strictly by its schema, once it is JSON.

    Raises:
        RefusedBodyError: It is no object, or not the schema.
    """
    return bodies.fitting(model, decoded(raw))


def decoded(raw: bytes) -> dict[str, Any]:
    """Return the object that a body is; null stands where a number is none.

    Raises:
        RefusedBodyError: It is no object.
    """
    try:
        return bodies.decoded(raw)
    except RefusedBodyError as error:
        mended = _mended(raw) if error.reason == "json" else None
        if mended is None:
            raise
    return bodies.decoded(mended)


def _mended(raw: bytes) -> bytes | None:
    """Return what Python wrote as JSON; None where it is neither.

    Slow, and rarely needed: so only where the quick reader has refused.
    """
    try:
        text = raw.decode(errors="replace")
        told = json.loads(text, parse_constant=_nothing, parse_float=_finite)
        return json.dumps(told, ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return None


def _nothing(_: str) -> None:
    """Stand for NaN and both infinities."""


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None
