"""JSON values, and what nodes hand to each other."""

from dataclasses import dataclass
from typing import cast

Json = dict[str, object]


@dataclass(frozen=True)
class Blocked:
    """What a node hands on that blocks those that get it.

    Attributes:
        message: What the first of them says of it; None blocks in silence.
    """

    message: str | None


@dataclass(frozen=True)
class Sound:
    """Silence of some length, in seconds."""

    seconds: float


def an_object(value: object) -> Json | None:
    """Return a JSON value that is an object; None for others."""
    # JSON objects have text for keys.
    return cast("Json", value) if isinstance(value, dict) else None


def a_list(value: object) -> list[object] | None:
    """Return a JSON value that is a list; None for others."""
    return cast("list[object]", value) if isinstance(value, list) else None


def whole(value: object, default: int = 0) -> int:
    """Return a value as a whole number, as a node's INT input converts it."""
    return int(value) if isinstance(value, (int, float, str)) else default


def number(value: object, default: float = 0.0) -> float:
    """Return a value as a number, as a node's FLOAT input converts it."""
    return float(value) if isinstance(value, (int, float, str)) else default
