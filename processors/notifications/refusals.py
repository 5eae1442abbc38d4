"""Why an input of a preset was refused, in the person's language, with its bounds."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from processors.errors import InputFault, InputRefusedError
from processors.notifications.texts import Language

ENGLISH: Final[Mapping[InputFault, str]] = {
    InputFault.UNKNOWN: "{title}: there is no such input.",
    InputFault.MISSING: "{title} is missing.",
    InputFault.NOT_TEXT: "{title} must be a text.",
    InputFault.NOT_IMAGE: "{title} must be a picture.",
    InputFault.NOT_INTEGER: "{title} must be a whole number.",
    InputFault.NOT_NUMBER: "{title} must be a number.",
    InputFault.NOT_BOOLEAN: "{title} must be yes or no.",
    InputFault.NOT_A_CHOICE: "{title} must be one of these: {choices}.",
    InputFault.TOO_LITTLE: "{title} must be at least {min}.",
    InputFault.TOO_MUCH: "{title} must be at most {max}.",
    InputFault.TOO_SHORT: "{title} is too short; the least length is {minLength}.",
    InputFault.TOO_LONG: "{title} is too long; the greatest length is {maxLength}.",
    InputFault.UNREADABLE: "{title} holds characters that cannot be read.",
    InputFault.TOO_LARGE: "{title} is too long; the limit for everything is {maxBytes} bytes.",
}

RUSSIAN: Final[Mapping[InputFault, str]] = {
    InputFault.UNKNOWN: "{title}: такого параметра нет.",
    InputFault.MISSING: "{title}: не указано.",
    InputFault.NOT_TEXT: "{title}: нужен текст.",
    InputFault.NOT_IMAGE: "{title}: нужна картинка.",
    InputFault.NOT_INTEGER: "{title}: нужно целое число.",
    InputFault.NOT_NUMBER: "{title}: нужно число.",
    InputFault.NOT_BOOLEAN: "{title}: нужно «да» или «нет».",
    InputFault.NOT_A_CHOICE: "{title}: выберите одно из следующего: {choices}.",
    InputFault.TOO_LITTLE: "{title}: не меньше {min}.",
    InputFault.TOO_MUCH: "{title}: не больше {max}.",
    InputFault.TOO_SHORT: "{title}: слишком коротко, наименьшая длина: {minLength}.",
    InputFault.TOO_LONG: "{title}: слишком длинно, наибольшая длина: {maxLength}.",
    InputFault.UNREADABLE: "{title}: есть символы, которые нельзя прочитать.",
    InputFault.TOO_LARGE: "{title}: слишком длинно, предел для всего вместе: {maxBytes} байт.",
}

PORTUGUESE: Final[Mapping[InputFault, str]] = {
    InputFault.UNKNOWN: "{title}: não existe tal parâmetro.",
    InputFault.MISSING: "{title}: falta este parâmetro.",
    InputFault.NOT_TEXT: "{title}: precisa ser um texto.",
    InputFault.NOT_IMAGE: "{title}: precisa ser uma imagem.",
    InputFault.NOT_INTEGER: "{title}: precisa ser um número inteiro.",
    InputFault.NOT_NUMBER: "{title}: precisa ser um número.",
    InputFault.NOT_BOOLEAN: "{title}: precisa ser sim ou não.",
    InputFault.NOT_A_CHOICE: "{title}: escolha uma destas opções: {choices}.",
    InputFault.TOO_LITTLE: "{title}: no mínimo {min}.",
    InputFault.TOO_MUCH: "{title}: no máximo {max}.",
    InputFault.TOO_SHORT: "{title}: muito curto; o comprimento mínimo é {minLength}.",
    InputFault.TOO_LONG: "{title}: muito longo; o comprimento máximo é {maxLength}.",
    InputFault.UNREADABLE: "{title}: contém caracteres que não podem ser lidos.",
    InputFault.TOO_LARGE: "{title}: muito longo; o limite para tudo junto é {maxBytes} bytes.",
}

TABLES: Final[Mapping[Language, Mapping[InputFault, str]]] = {
    Language.ENGLISH: ENGLISH,
    Language.RUSSIAN: RUSSIAN,
    Language.PORTUGUESE: PORTUGUESE,
}

_NAME_MOST: Final = 64
"""Characters of a name that somebody else made up."""


def refused(language: Language, error: InputRefusedError) -> str:
    """Say in one sentence what is wrong with an input, its name and bounds in it.

    The name of an input that there is not is somebody else's text, cut but not escaped.
    """
    title = error.titles.of(language) if error.titles else error.name[:_NAME_MOST]
    choices = ", ".join(each.of(language) for each in error.choices)
    bounds = {name: _number(language, bound) for name, bound in error.bounds.items()}
    return TABLES[language][error.fault].format(title=title, choices=choices, **bounds)


def _number(language: Language, value: float) -> str:
    """Write a bound with all its digits, and no others: ``0.05``, ``20``."""
    text = format(Decimal(repr(value)), "f").removesuffix(".0")
    return text if language is Language.ENGLISH else text.replace(".", ",")
