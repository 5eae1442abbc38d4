"""Read the keys that open the API: each alone, or with a name and what it may do.

``NAME:SCOPE:KEY``; a key alone has no name and may do everything. No message quotes any part of
one: what stands where a name belongs may be half of a key.
"""

import re
from collections.abc import Sequence
from typing import Final, cast

from pydantic import SecretStr

from app.settings import values
from schemas.access import ApiKey, KeyScope

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_FORM: Final = "write it NAME:SCOPE:KEY, or as a key without a colon"


def api_keys(value: object) -> object:
    """Check the setting: a comma list of keys.

    Raises:
        ValueError: One is not of that form, or there twice with different words before it.
    """
    given = values.items(value)
    if isinstance(value, str):
        found = [_checked(number, each) for number, each in enumerate(_texts(given), 1)]
        keys = [each.secret.get_secret_value() for each in found]
        if len(set(keys)) < len(keys):
            raise ValueError("has a key twice, with different names or scopes before it")
    return given


def parse(text: str) -> ApiKey:
    """Return what an element of the setting stands for, which has been checked."""
    if ":" not in text:
        return ApiKey(secret=SecretStr(text))
    name, scope, key = text.split(":", 2)
    return ApiKey(name=name, scope=KeyScope(scope), secret=SecretStr(key))


def _checked(number: int, text: str) -> ApiKey:
    """Return what an element stands for, or say by its number what is wrong with it."""
    if ":" not in text:
        return parse(text)
    name, _, rest = text.partition(":")
    scope, _, key = rest.partition(":")
    if not _NAME.fullmatch(name):
        raise ValueError(f"has a name in entry {number} that is none; {_FORM}")
    if scope not in set(KeyScope):
        words = " or ".join(KeyScope)
        raise ValueError(f"has a scope in entry {number} that is not {words}; {_FORM}")
    if not key:
        raise ValueError(f"has no key in entry {number}; {_FORM}")
    return parse(text)


def _texts(given: object) -> Sequence[str]:
    return cast("tuple[str, ...]", given)
