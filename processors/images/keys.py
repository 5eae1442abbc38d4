"""Keys of pictures in storage, and the values of inputs that name them.

Two kinds are named: pictures that were given, which anybody may name, and copies of what a run
made, which a later step of its job is given; whoever orders cannot name those.

The key of a picture follows from whose it is, the day, and what is in it. The same picture given
twice on a day is one file; the next day it is another, so that none is deleted for its age while
it is being given anew. Nobody shares a file with anybody: what one person has removed is no
other's.
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
COPIES: Final = "outputs/"
"""Begins the key of every copy of an output."""
COPY: Final = re.compile(
    rf"{COPIES}(?P<owner>[0-9a-f]{{32}})/[0-9]{{1,3}}-[0-9a-f]{{8}}-(?P<name>[^/\x00-\x1f\x7f]+)"
)
"""The key of a copy: whose output it is of, and what the file is called."""
EXTENSIONS: Final[Mapping[str, str]] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}
"""By content type."""

_HALF: Final = 16
"""Digits of a key that say whose it is, and as many that say what it is."""
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,8}$")
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


def is_copy(key: str) -> bool:
    """Return whether a key is one of a copy of an output."""
    return COPY.fullmatch(key) is not None


def key_in(value: JsonValue) -> str | None:
    """Return the key in the value of an input; None where it names no file of ours."""
    if not isinstance(value, str) or not value.startswith(SCHEME):
        return None
    key = value.removeprefix(SCHEME)
    return key if is_key(key) or is_copy(key) else None


def given_in(value: JsonValue) -> str | None:
    """Return the key in what somebody gives for an input; None where it names no given picture."""
    key = key_in(value)
    return key if key is not None and is_key(key) else None


def name_of(key: str, content_type: str | None) -> str:
    """Return what an engine is told that a file is called: unique, with an extension.

    Args:
        key: One that `key_in` finds.
        content_type: What the file is, where that is known; ends a name that does not say it.
    """
    name = key.partition("/")[2].replace("/", "-")
    extension = EXTENSIONS.get(content_type or "")
    return name if extension is None or _EXTENSION.search(name) else f"{name}.{extension}"


def keys_in(inputs: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the keys of all files that inputs name, each once, in order."""
    return tuple(dict.fromkeys(_found(list(inputs.values()))))


def replaced(inputs: Mapping[str, JsonValue], addresses: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return inputs with addresses in place of our files.

    Args:
        inputs: As they were ordered.
        addresses: By key; of every file that `keys_in` finds.
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
