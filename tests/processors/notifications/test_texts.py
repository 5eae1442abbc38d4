"""What we say, in each language."""

import string

import pytest

from processors.notifications import texts
from processors.notifications.texts import REASONS, TABLES, Language, Say
from schemas.run import RunStatus


def fields_of(template: str) -> set[str]:
    """Return the names of a sentence's fields."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("language", Language)
def test_no_sentence_is_missing(language: Language) -> None:
    """Every language says everything, with the same fields as English."""
    table = TABLES[language]

    assert set(table) == set(Say)
    assert {say: fields_of(table[say]) for say in Say} == {
        say: fields_of(texts.ENGLISH[say]) for say in Say
    }


def test_every_status_has_words() -> None:
    """No status is left unsaid, and neither is a reason that we give."""
    assert {status.value for status in RunStatus} <= {say.value for say in Say}
    assert set(REASONS.values()) <= set(Say)


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
    assert expected == texts.duration(Language.ENGLISH, seconds)


def test_a_decimal_comma_where_one_is_usual() -> None:
    """Russian and Portuguese write 11,9."""
    assert texts.duration(Language.RUSSIAN, 11.9) == "11,9 с"  # noqa: RUF001
    assert texts.duration(Language.PORTUGUESE, 11.9) == "11,9 s"
