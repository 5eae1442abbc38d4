"""What an engine's inputs may be: the words that orders and presets share."""

import math
from typing import Annotated, Final

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

INPUTS_MOST: Final = 12_288
"""Bytes of JSON that the inputs of one order may take; records are hot and small."""
INTEGER_MOST: Final = 2**63 - 1
"""Largest magnitude of a number: what 64 bits hold."""

WorkflowDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of a stored workflow's canonical JSON: what it is called."""
OwnedName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$"
    ),
]
"""``owner/name``, as Replicate names models and deployments: part of a path, so no ``..``."""
ModelVersion = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9_.-]{1,64}/[a-z0-9_.-]{1,64}:)?[0-9a-f]{64}$")
]
"""Of a model at Replicate: 64 hexadecimal digits, alone or after ``owner/name:``."""
PRIORITY_MOST: Final = 10
"""Farthest that a priority may be from 0, which is usual."""
ATTEMPTS_MOST: Final = 10
"""Times that a run may be tried, counting the first."""
ATTEMPTS_USUAL: Final = 3

Priority = Annotated[int, Field(ge=-PRIORITY_MOST, le=PRIORITY_MOST)]
"""Whose turn comes first among runs that wait for a server: the higher goes first."""
Attempts = Annotated[int, Field(ge=1, le=ATTEMPTS_MOST)]
"""Times that a run is tried, counting the first."""

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
