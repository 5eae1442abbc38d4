"""Why an input of a preset was refused, in the person's language, with its bounds."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from processors.errors import InputFault, InputRefusedError
from processors.notifications.texts import Language, Translate, Voice, message, pointed

FAULTS: Final[Mapping[InputFault, str]] = {
    InputFault.UNKNOWN: message("{title}: there is no such input."),
    InputFault.MISSING: message("{title} is missing."),
    InputFault.NOT_TEXT: message("{title} must be a text."),
    InputFault.NOT_IMAGE: message("{title} must be a picture."),
    InputFault.NOT_THEIRS: message("{title}: this picture is not yours. Send it again."),
    InputFault.NOT_INTEGER: message("{title} must be a whole number."),
    InputFault.NOT_NUMBER: message("{title} must be a number."),
    InputFault.NOT_BOOLEAN: message("{title} must be yes or no."),
    InputFault.NOT_A_CHOICE: message("{title} must be one of these: {choices}."),
    InputFault.TOO_LITTLE: message("{title} must be at least {min}."),
    InputFault.TOO_MUCH: message("{title} must be at most {max}."),
    InputFault.TOO_SHORT: message("{title} is too short; the least length is {minLength}."),
    InputFault.TOO_LONG: message("{title} is too long; the greatest length is {maxLength}."),
    InputFault.UNREADABLE: message("{title} holds characters that cannot be read."),
    InputFault.TOO_LARGE: message(
        "{title} is too long; the limit for everything is {maxBytes} bytes."
    ),
}

_NAME_MOST: Final = 64
"""Characters of a name that somebody else made up."""


def refused(language: Language, error: InputRefusedError, *, translate: Translate) -> str:
    """Say in one sentence what is wrong with an input, its name and bounds in it.

    The name of an input that there is not is somebody else's text, cut but not escaped.
    """
    title = error.titles.of(language) if error.titles else error.name[:_NAME_MOST]
    choices = ", ".join(each.of(language) for each in error.choices)
    bounds = {name: _number(language, bound) for name, bound in error.bounds.items()}
    said = FAULTS[error.fault]
    return Voice(language, translate).say(said, title=title, choices=choices, **bounds)


def _number(language: Language, value: float) -> str:
    """Write a bound with all its digits, and no others: ``0.05``, ``20``."""
    return pointed(language, format(Decimal(repr(value)), "f").removesuffix(".0"))
