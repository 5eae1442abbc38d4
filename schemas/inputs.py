"""What an engine's inputs may be: the words that orders and presets share."""

import math
from typing import Annotated, Final

from pydantic import AfterValidator, JsonValue, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

INPUTS_MOST: Final = 12_288
"""Bytes of JSON that the inputs of one order may take; records are hot and small."""
INTEGER_MOST: Final = 2**63 - 1
"""Largest magnitude of a number: what 64 bits hold."""

InputKey = Annotated[str, StringConstraints(pattern=r"^[^$.\x00][^.\x00]{0,127}$")]
"""1 to 128 characters, no NUL and no ".", not beginning with "$": what MongoDB can query."""


def _input(value: JsonValue) -> JsonValue:
    """Take what ComfyDeploy takes: a text, a number, a truth value, or a list."""
    if value is None or isinstance(value, dict):
        raise PydanticCustomError("input_type", "is a string, number, boolean or list")
    _bounded(value)
    return value


def _bounded(value: JsonValue) -> None:
    """Refuse what a database cannot hold, however deep it lies."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not key or len(key) > 128 or "\0" in key or key[0] == "$" or "." in key:  # noqa: PLR2004 - as InputKey
                raise PydanticCustomError("input_key", "holds a key that cannot be stored")
            _bounded(inner)
    elif isinstance(value, list):
        for inner in value:
            _bounded(inner)
    elif isinstance(value, int | float) and not _fits_64_bits(value):
        raise PydanticCustomError("input_range", "holds a number over 64 bits")


def _fits_64_bits(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= INTEGER_MOST


InputValue = Annotated[
    JsonValue,
    AfterValidator(_input),
    WithJsonSchema({"type": ["string", "number", "boolean", "array"]}),
]
