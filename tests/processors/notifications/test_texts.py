"""Which language, and how something is said in it."""

from decimal import Decimal

import pytest

from processors.notifications import texts
from processors.notifications.texts import Language, Voice
from tests.speech import ENGLISH, PORTUGUESE, RUSSIAN


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        (None, Language.ENGLISH),
        ("", Language.ENGLISH),
        ("ru", Language.RUSSIAN),
        ("RU-ru", Language.RUSSIAN),
        ("pt-BR", Language.PORTUGUESE),
        ("pt_PT", Language.PORTUGUESE),
        ("ja", Language.ENGLISH),
    ],
)
def test_language_of(tag: str | None, language: Language) -> None:
    """A tag's first part chooses; English stands in for what we do not speak."""
    assert language is texts.language_of(tag)


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, Language.ENGLISH),
        ("", Language.ENGLISH),
        ("pt-BR,pt;q=0.9,en;q=0.8", Language.PORTUGUESE),
        ("de, ru;q=0.5, en;q=0.4", Language.RUSSIAN),
        ("en;q=0.3, RU ; q=0.301", Language.RUSSIAN),
        ("ru, pt", Language.RUSSIAN),
        ("ru;q=0, pt;q=0.1", Language.PORTUGUESE),
        ("ru;q=0", Language.ENGLISH),
        ("ru;q=nan, pt;q=2, *", Language.ENGLISH),
        ("," * 10_000, Language.ENGLISH),
    ],
)
def test_preferred(accept: str | None, language: Language) -> None:
    """The heaviest that we speak, the first of equals; English where there is none."""
    assert language is texts.preferred(accept)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (0.04, "0 s"),
        (11.94, "11.9 s"),
        (12, "12 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (123, "2 min 3 s"),
        (3600, "1 h"),
        (3905.2, "1 h 5 min"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    """A time is written as a person would."""
    assert expected == texts.duration(ENGLISH, seconds)


def test_a_decimal_comma_where_one_is_usual() -> None:
    """Russian and Portuguese write 11,9."""
    assert texts.duration(RUSSIAN, 11.9) == "11,9 с"  # noqa: RUF001
    assert texts.duration(PORTUGUESE, 11.9) == "11,9 s"


@pytest.mark.parametrize(
    ("voice", "amount", "said"),
    [
        (ENGLISH, "1", "1 credit"),
        (ENGLISH, "1.000000", "1 credit"),
        (ENGLISH, "0", "0 credits"),
        (ENGLISH, "100", "100 credits"),
        (ENGLISH, "0.5", "0.5 credits"),
        (ENGLISH, "-1", "-1 credit"),
        (RUSSIAN, "1", "1 кредит"),
        (RUSSIAN, "21", "21 кредит"),
        (RUSSIAN, "3", "3 кредита"),
        (RUSSIAN, "11", "11 кредитов"),
        (RUSSIAN, "112", "112 кредитов"),
        (RUSSIAN, "2.50", "2,5 кредита"),
        (RUSSIAN, "0.000001", "0,000001 кредита"),
        (PORTUGUESE, "1", "1 crédito"),
        (PORTUGUESE, "0", "0 créditos"),
        (PORTUGUESE, "1.5", "1,5 créditos"),
    ],
)
def test_credits_are_counted(voice: Voice, amount: str, said: str) -> None:
    """In the form that the number asks for, with the places that say something."""
    assert texts.in_credits(voice, Decimal(amount)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "10 s"),
        (24, "20 s"),
        (58, "1 min"),
        (89, "1 min"),
        (150, "2 min"),
        (3899, "1 h 5 min"),
    ],
)
def test_a_time_that_nobody_knows_exactly_is_rounded(seconds: float, said: str) -> None:
    """No more is said than is known."""
    assert texts.roughly(ENGLISH, seconds) == said


def test_what_a_person_writes_is_no_field() -> None:
    """Only our own braces are filled in."""
    assert ENGLISH.say("Reason: {reason}", reason="{step}") == "Reason: {step}"


def test_a_marked_text_is_itself() -> None:
    """The mark is for whoever reads the source."""
    assert texts.message("Done") == "Done"


@pytest.mark.parametrize(("n", "said"), [(1, "a file"), (2, "files"), (0, "files")])
def test_programs_are_told_in_english(n: int, said: str) -> None:
    """Whatever the language; no catalogue is needed for it."""
    assert texts.english(Language.RUSSIAN, "a file", "files", n) == said
    assert texts.english(Language.RUSSIAN, "a file") == "a file"
