"""What a person writes to a preset: inputs that they name, and the text that is the rest.

``a lighthouse --steps 30 shape="wide"``: whatever names no input is the text. Values
stay as they were written, but for words that mean a choice, or yes and no.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from pydantic import JsonValue

from processors.errors import InputFault, InputRefusedError
from schemas.preset import (
    BooleanInput,
    ChoiceInput,
    Definition,
    ImageInput,
    Input,
    IntegerInput,
    NumberInput,
    TextInput,
)

TRUE: Final = frozenset({"true", "yes", "y", "on", "1", "да", "sim"})
FALSE: Final = frozenset({"false", "no", "n", "off", "0", "нет", "não", "nao"})

_VALUE: Final = r"\"[^\"]{0,2000}\"|“[^”]{0,2000}”|«[^»]{0,2000}»|(?!--|—)\S+"
# Telephones make one long dash of two short ones.
_NAMED: Final = re.compile(
    rf"(?<!\S)(?:(?:--|—)(?P<option>[A-Za-z][A-Za-z0-9_]{{0,31}})(?!\w)(?:(?:=|\s+)(?P<after>{_VALUE}))?"
    rf"|(?P<name>[A-Za-z][A-Za-z0-9_]{{0,31}})=(?P<value>{_VALUE}))"
)
_QUOTED: Final = re.compile(r"[\"“«](.*)[\"”»]", re.DOTALL)
_WITH_COMMA: Final = re.compile(r"-?\d+,\d+")
_GAPS: Final = re.compile(r"[ \t]{2,}")


class Written(NamedTuple):
    """What a text says.

    Attributes:
        inputs: By their names; the text among them where the preset takes one.
        rest: The text that the preset does not take.
    """

    inputs: dict[str, JsonValue]
    rest: str = ""


def main(preset: Definition) -> TextInput | None:
    """Return the input that a text without a name is for: the first text that is required."""
    texts = [each for each in preset.inputs if isinstance(each, TextInput)]
    return next((each for each in texts if each.required), texts[0] if texts else None)


def picture(preset: Definition) -> ImageInput | None:
    """Return the input that a picture is for, or None: the first."""
    return next((each for each in preset.inputs if isinstance(each, ImageInput)), None)


def missing(preset: Definition, given: Mapping[str, JsonValue]) -> Input | None:
    """Return the first input that a person still has to give, or None."""
    return next(
        (each for each in preset.inputs if each.required and given.get(each.name) is None), None
    )


def named(preset: Definition, name: str) -> Input | None:
    """Return the input of a name, or None."""
    return next((each for each in preset.inputs if each.name == name), None)


def read(preset: Definition, text: str) -> Written:
    """Return what a text says to a preset.

    Raises:
        InputRefusedError: It names, by ``--name``, an input that there is not.
    """
    asked = main(preset)
    known = {
        each.name: each
        for each in preset.inputs
        if each is not asked and not isinstance(each, ImageInput)
    }
    inputs: dict[str, JsonValue] = {}

    def take(found: re.Match[str]) -> str:
        name = (found["option"] or found["name"]).lower()
        each = known.get(name)
        if each is None:
            if found["option"]:
                raise InputRefusedError(found["option"], InputFault.UNKNOWN)
            return found[0]
        given = found["after"] if found["option"] else found["value"]
        if isinstance(each, BooleanInput) and found["option"]:
            said = _truth(given or "")
            inputs[name] = "true" if said is None else said
            return given or "" if said is None else ""
        inputs[name] = answer(each, _unquoted(given or ""))
        return ""

    rest = _GAPS.sub(" ", _NAMED.sub(take, text)).strip() if known or "--" in text else text.strip()
    if asked is None or not rest:
        return Written(inputs, rest)
    return Written({**inputs, asked.name: rest})


def answer(asked: Input, text: str) -> JsonValue:
    """Return the value that a person's text gives for one input; whether it may be is not said."""
    match asked:
        case ChoiceInput():
            return _choice(asked, text)
        case BooleanInput():
            return _truth(text) or text
        case IntegerInput() | NumberInput():
            given = text.strip()
            return given.replace(",", ".") if _WITH_COMMA.fullmatch(given) else given
        case _:
            return text


def values(asked: Input) -> tuple[str, ...]:
    """Return the values that may be chosen, in the order in which they are offered."""
    match asked:
        case ChoiceInput():
            return tuple(str(each.value) for each in asked.choices)
        case BooleanInput():
            return ("true", "false")
        case _:
            return ()


def _choice(asked: ChoiceInput, text: str) -> JsonValue:
    wanted = text.strip().casefold()
    for each in asked.choices:
        titles = (each.titles.en, each.titles.ru, each.titles.pt)
        if wanted in {str(each.value).casefold(), *(t.casefold() for t in titles if t)}:
            return each.value
    return text.strip()


def _truth(text: str) -> str | None:
    said = _unquoted(text).strip().casefold()
    if said in TRUE:
        return "true"
    return "false" if said in FALSE else None


def _unquoted(text: str) -> str:
    found = _QUOTED.fullmatch(text)
    return found[1] if found else text
