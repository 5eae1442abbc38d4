"""What was given for an input, as the engine takes it, or why it cannot be.

Programs give values of their types, people write texts: a text is taken for a number where it
says exactly that number. Nothing is rounded, cut or guessed.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Final, TypeAlias, assert_never

from pydantic import JsonValue

from processors.errors import InputFault, InputRefusedError
from processors.images.keys import given_in
from schemas.inputs import INTEGER_MOST
from schemas.preset import (
    NUMBER_MOST,
    TEXT_MOST,
    BooleanInput,
    ChoiceInput,
    ImageInput,
    Input,
    IntegerInput,
    NumberInput,
    TextInput,
)

Taken: TypeAlias = str | int | float | bool
"""A value as an engine is given it."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?")
_ADDRESS: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f/?#]{1,255}([/?#][^\s\x00-\x1f\x7f]*)?")
_ADDRESS_MOST: Final = 2048
_UNREADABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Categories of characters that show nothing by themselves (Unicode, chapter 4.5)."""
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}


def take(asked: Input, given: JsonValue) -> Taken:
    """Return what the engine is given for an input.

    Raises:
        InputRefusedError: It is of another type, or out of bounds.
    """
    match asked:
        case TextInput():
            return _text(asked, given)
        case ImageInput():
            return _image(asked, given)
        case IntegerInput():
            return _bounded(asked, _integer(asked, given), INTEGER_MOST)
        case NumberInput():
            return _bounded(asked, _number(asked, given), NUMBER_MOST)
        case ChoiceInput():
            return _choice(asked, given)
        case BooleanInput():
            return _boolean(asked, given)
        case _:
            assert_never(asked)


def refusal(asked: Input, fault: InputFault, **more: float) -> InputRefusedError:
    """Return the refusal of what was given for an input, with its bounds and `more` of them."""
    return InputRefusedError(
        asked.name,
        fault,
        titles=asked.titles,
        bounds=bounds(asked) | more,
        choices=tuple(each.titles for each in asked.choices)
        if isinstance(asked, ChoiceInput)
        else (),
    )


def bounds(asked: Input) -> dict[str, int | float]:
    """Return the bounds that an input has, by the names that a preset gives them."""
    match asked:
        case TextInput():
            return {"minLength": asked.least, "maxLength": min(asked.most, TEXT_MOST)}
        case IntegerInput() | NumberInput():
            named = {"min": asked.least, "max": asked.most}
            return {name: bound for name, bound in named.items() if bound is not None}
        case _:
            return {}


def _text(asked: TextInput, given: JsonValue) -> str:
    if not isinstance(given, str):
        raise refusal(asked, InputFault.NOT_TEXT)
    if len(given) > asked.most:
        raise refusal(asked, InputFault.TOO_LONG)
    if _UNREADABLE.search(given):
        raise refusal(asked, InputFault.UNREADABLE)
    if sum(unicodedata.category(each) not in _UNSEEN for each in given) < asked.least:
        raise refusal(asked, InputFault.TOO_SHORT)
    return given


def _image(asked: ImageInput, given: JsonValue) -> str:
    """Return an address, or the name of a picture that we keep; whether we do shows later."""
    if isinstance(given, str) and given_in(given) is not None:
        return given
    if (
        not isinstance(given, str)
        or len(given) > _ADDRESS_MOST
        or _UNREADABLE.search(given)
        or not _ADDRESS.fullmatch(given)
    ):
        raise refusal(asked, InputFault.NOT_IMAGE)
    return given


def _integer(asked: IntegerInput, given: JsonValue) -> int:
    match given:
        case bool():
            pass
        case int():
            return given
        case float() if given.is_integer():
            return int(given)
        case str() if _INTEGER.fullmatch(given):
            return int(given)
        case _:
            pass
    raise refusal(asked, InputFault.NOT_INTEGER)


def _number(asked: NumberInput, given: JsonValue) -> float:
    """Return a number as it is: a whole one stays one, for a float may not hold it."""
    match given:
        case bool():
            pass
        case int():
            return given
        case float() if math.isfinite(given):
            return given
        case str() if _NUMBER.fullmatch(given):
            return float(given) if "." in given else int(given)
        case _:
            pass
    raise refusal(asked, InputFault.NOT_NUMBER)


def _bounded(asked: IntegerInput | NumberInput, value: float, most: float) -> float:
    """Keep a number within its bounds, and within what we and the engines can hold."""
    lowest = -most if asked.least is None else asked.least
    if value < lowest:
        raise refusal(asked, InputFault.TOO_LITTLE, min=lowest)
    highest = most if asked.most is None else asked.most
    if value > highest:
        raise refusal(asked, InputFault.TOO_MUCH, max=highest)
    return value


def _choice(asked: ChoiceInput, given: JsonValue) -> str | int:
    """Return the choice that was written; ``"2"`` is the choice 2."""
    if isinstance(given, str | int) and not isinstance(given, bool):
        for each in asked.choices:
            if each.value == given or str(each.value) == given:
                return each.value
    raise refusal(asked, InputFault.NOT_A_CHOICE)


def _boolean(asked: BooleanInput, given: JsonValue) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given in _TRUTHS:
        return _TRUTHS[given]
    raise refusal(asked, InputFault.NOT_BOOLEAN)
