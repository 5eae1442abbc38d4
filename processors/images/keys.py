"""Keys of pictures in storage, and the values of inputs that name them.

A key follows from whose picture it is, the day, and what is in it. The same picture given twice
on a day is one file; the next day it is another, so that none is deleted for its age while it is
being given anew. Nobody shares a file with anybody: what one person has removed is no other's.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from pydantic import JsonValue

from schemas.base import UserId
from schemas.image import SCHEME

INPUTS: Final = "inputs/"
"""Begins the key of every picture that was given."""
EXTENSIONS: Final[Mapping[str, str]] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}
"""By content type."""

_HALF: Final = 16
"""Digits of a key that say whose it is, and as many that say what it is."""
_KEY: Final = re.compile(rf"{INPUTS}[0-9a-f]{{32}}\.(png|jpg|webp)")


def key_of(content: bytes, content_type: str, *, owner: UserId | None, day: date) -> str:
    """Return the key of a picture.

    Args:
        content: The picture as it is kept.
        content_type: One of `EXTENSIONS`.
        owner: Whose it is; None where nobody is named.
        day: The day in UTC.
    """
    seen = hashlib.sha256(f"{owner or ''}\n{day.isoformat()}\n".encode())
    seen.update(content)
    digits = seen.hexdigest()[:_HALF]
    return f"{owned(owner)}{digits}.{EXTENSIONS[content_type]}"


def owned(owner: UserId | None) -> str:
    """Return what the keys of all pictures of one person begin with, and of nobody else."""
    whose = hashlib.sha256(f"owner\n{owner or ''}".encode()).hexdigest()
    return f"{INPUTS}{whose[:_HALF]}"


def is_key(key: str) -> bool:
    """Return whether a key is one that `key_of` makes."""
    return _KEY.fullmatch(key) is not None


def key_in(value: JsonValue) -> str | None:
    """Return the key in the value of an input; None where it names no picture of ours."""
    if not isinstance(value, str) or not value.startswith(SCHEME):
        return None
    key = value.removeprefix(SCHEME)
    return key if is_key(key) else None


def keys_in(inputs: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the keys of all pictures that inputs name, each once, in order."""
    return tuple(dict.fromkeys(_found(list(inputs.values()))))


def replaced(inputs: Mapping[str, JsonValue], addresses: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return inputs with addresses in place of our pictures.

    Args:
        inputs: As they were ordered.
        addresses: By key; of every picture that `keys_in` finds.
    """
    return {name: _replaced(value, addresses) for name, value in inputs.items()}


def _found(value: JsonValue) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _found(inner)
    elif (key := key_in(value)) is not None:
        yield key


def _replaced(value: JsonValue, addresses: Mapping[str, str]) -> JsonValue:
    if isinstance(value, list):
        return [_replaced(inner, addresses) for inner in value]
    key = key_in(value)
    return value if key is None else addresses[key]
