"""What can be wrong with what we are told.

* ProcessorError
    * RefusedBodyError: a sender's body is not what its protocol says; refuse it
    * InputRefusedError: what was given for a preset's input cannot be; refuse the order
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from schemas.preset import Titles


class ProcessorError(Exception):
    """Root of everything a processor raises."""


class RefusedBodyError(ProcessorError):
    """A body is not JSON, or not the schema of its protocol.

    Attributes:
        reason: ``json`` or ``schema``; a metric's label.
        field: Path of the first field at fault, or None when the whole is.
    """

    def __init__(self, reason: str, detail: str, field: str | None = None) -> None:
        where = f"{field}: " if field else ""
        super().__init__(f"{where}{detail}")
        self.reason: Final = reason
        self.field: Final = field


class InputFault(StrEnum):
    """What is wrong with an input. The words for programs; they never change their meaning."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    NOT_TEXT = "not_text"
    NOT_IMAGE = "not_image"
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_BOOLEAN = "not_boolean"
    NOT_A_CHOICE = "not_a_choice"
    TOO_LITTLE = "too_little"
    TOO_MUCH = "too_much"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNREADABLE = "unreadable"
    """A text holds characters that cannot be kept: half a character, or a control character."""
    TOO_LARGE = "too_large"
    """All inputs together are; the longest is named."""


class InputRefusedError(ProcessorError):
    """What was given for an input of a preset is not what it takes.

    Attributes:
        name: The input's name; for one that there is not, the name that was given.
        fault: What is wrong.
        bounds: The bounds that it must keep: ``min``, ``max``, ``minLength``, ``maxLength``,
            ``maxBytes``, those it has.
        titles: The input's name in each language; None where there is no such input.
        choices: What may be chosen, where something is.
    """

    def __init__(
        self,
        name: str,
        fault: InputFault,
        *,
        titles: Titles | None = None,
        bounds: Mapping[str, int | float] | None = None,
        choices: tuple[Titles, ...] = (),
    ) -> None:
        self.name: Final = name
        self.fault: Final = fault
        self.titles: Final = titles
        self.bounds: Final = dict(bounds or {})
        self.choices: Final = choices
        super().__init__(f"{name[:64]!r}: {fault.value}")
