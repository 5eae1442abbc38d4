"""Languages: which one a person is spoken to in, and how something is said in it.

English stands in the code, and is what the catalogues know a text by. What is said in other
languages is in ``app/locales``, and comes in as an argument.
"""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from schemas.base import plain


class Language(StrEnum):
    """A language that we speak."""

    ENGLISH = "en"
    RUSSIAN = "ru"
    PORTUGUESE = "pt"


class Translate(Protocol):
    """Looks a text up in a language's catalogue; what is not there stays English."""

    def __call__(
        self, language: Language, message: str, plural: str | None = None, n: int = 1, /
    ) -> str:
        """Return a text, its fields not filled in.

        Args:
            language: To say it in.
            message: The English text; the singular where there is a plural.
            plural: The English plural, where the words depend on a number.
            n: That number, 0 or more.
        """
        ...


def english(language: Language, message: str, plural: str | None = None, n: int = 1, /) -> str:
    """Say it in English, whatever the language: the words of a program for programs."""
    del language
    return message if plural is None or n == 1 else plural


class Voice(NamedTuple):
    """Somebody's language, and how to speak it.

    Attributes:
        language: To speak in.
        translate: Where the words come from.
    """

    language: Language
    translate: Translate

    def say(self, message: str, /, **fields: object) -> str:
        """Say a text, its fields filled in.

        Args:
            message: In English, and as it stands: the catalogues are made from such calls. One
                that is in a table is marked there by `message`.
            fields: What stands in its braces.
        """
        return self.translate(self.language, message).format(**fields)

    def plural(self, one: str, many: str, n: int, /, **fields: object) -> str:
        """Say a text whose words depend on a number, which is its field ``n`` as well.

        Args:
            one: In English, for 1.
            many: In English, for any other number.
            n: The number, 0 or more.
            fields: What else stands in its braces.
        """
        return self.translate(self.language, one, many, n).format(**{"n": n} | fields)


_RANGE: Final = re.compile(
    r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,64})?(?:\s*;\s*q=([01](?:\.[0-9]{0,3})?))?"
)
"""A language range and its weight."""

_A_FEW: Final = 2
"""What a fraction is counted like: "2,5 кредита" as "2 кредита", "0.5 credits" as "2 credits"."""


def message(text: str) -> str:
    """Mark a text that is said later, so that it gets into the catalogues."""
    return text


def language_of(tag: str | None) -> Language:
    """Return the language for an IETF tag such as ``pt-BR``; English where we do not speak it."""
    primary = (tag or "").replace("_", "-").split("-")[0].lower()
    return next((language for language in Language if language == primary), Language.ENGLISH)


def preferred(accept: str | None) -> Language:
    """Return the language that an ``Accept-Language`` header likes best, of those we speak.

    English where it names none of them. Of equals the first counts (RFC 9110, 12.5.4); what is
    not well formed is passed over.
    """
    best, language = 0.0, Language.ENGLISH
    for part in (accept or "").split(","):
        found = _RANGE.fullmatch(part.strip())
        spoken = found and found[1].lower() in set(Language)
        if found and spoken and float(found[2] or 1) > best:
            best, language = float(found[2] or 1), language_of(found[1])
    return language


def pointed(language: Language, digits: str) -> str:
    """Write a number's digits with the decimal mark that a language has."""
    return digits if language is Language.ENGLISH else digits.replace(".", ",")


def number(language: Language, value: float) -> str:
    """Write a number with one decimal place, or none where it is zero."""
    return pointed(language, f"{value:.1f}".removesuffix(".0"))


def in_credits(voice: Voice, amount: Decimal) -> str:
    """Write an amount of credits, with the places that say something: ``2.5 credits``."""
    whole, _, fraction = plain(amount).partition(".")
    digits = f"{whole}.{fraction}".rstrip("0").removesuffix(".") if fraction else whole
    counted = abs(int(amount)) if amount == int(amount) else _A_FEW
    return voice.plural(
        "{amount} credit", "{amount} credits", counted, amount=pointed(voice.language, digits)
    )


def duration(voice: Voice, seconds: float) -> str:
    """Write a time as a person would: ``11.9 s``, ``2 min 3 s``, ``1 h 5 min``."""
    if round(seconds, 1) < 60:  # noqa: PLR2004
        return voice.say("{n} s", n=number(voice.language, max(seconds, 0.0)))
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    words = (
        voice.say("{n} h", n=hours) if hours else "",
        voice.say("{n} min", n=minutes) if minutes else "",
        voice.say("{n} s", n=rest) if rest and not hours else "",
    )
    return " ".join(filter(None, words))


def moment(at: datetime) -> str:
    """Write a time: ``2026-01-01 12:00 UTC``."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def roughly(voice: Voice, seconds: float) -> str:
    """Write a time that nobody knows exactly: ``20 s``, ``2 min``, ``1 h 5 min``.

    Up to a minute in steps of ten seconds, from there on in minutes, and never nothing.
    """
    step = 10 if seconds < 60 else 60  # noqa: PLR2004
    return duration(voice, max(1, round(seconds / step)) * step)
