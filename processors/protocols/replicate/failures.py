"""Why a prediction failed: in a person's words, and whether another try may not.

Codes: replicate.com/docs/reference/error-codes. The text around a code is not documented, and
models raise texts of their own.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from processors.protocols import words

EXPLAINED: Final[Mapping[str, str]] = {
    "E1001": "the model ran out of memory",
    "E4875": "the webhook's address was empty",
    "E6716": "the model took too long to start",
    "E8367": "the model stopped before its end",
    "E8765": "the model's machine was not well",
    "E9243": "the model could not be started",
    "E9825": "a file that the model made could not be stored",
}
"""E1000 is not among them: it says that nobody knows, so the words beside it are better."""
PASSING: Final = frozenset({"E6716", "E8765", "E9243", "E9825"})
"""Troubles of Replicate's machines. Want of memory is none: every try has the same hardware."""
_CODE: Final = re.compile(r"\bE[0-9]{4}\b")
_LOOKED_AT: Final = 3_000


class Failure(NamedTuple):
    """What is to be known of a failure."""

    error: str | None
    """One line; None where nothing is said."""
    passing: bool
    """Whether another try may not have it."""


def failure(error: object) -> Failure:
    """Translate the error of a prediction that failed, which may be anything."""
    said = error[:_LOOKED_AT] if isinstance(error, str) else ""
    code = next((each for each in _CODE.findall(said) if each in EXPLAINED), None)
    if code is None:
        return Failure(words.line(said) or None, passing=False)
    return Failure(f"{EXPLAINED[code]} ({code})", code in PASSING)
