"""Why an input was refused, in each language."""

import string
from decimal import Decimal

import pytest

from processors.errors import InputFault, InputRefusedError
from processors.notifications import refusals
from processors.notifications.texts import Language
from tests.builders import titled


def fields_of(template: str) -> set[str]:
    """Return the names of a sentence's fields."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("language", Language)
def test_no_sentence_is_missing(language: Language) -> None:
    """Every language says everything, with the same fields as English."""
    table = refusals.TABLES[language]

    assert set(table) == set(InputFault)
    assert {fault: fields_of(table[fault]) for fault in InputFault} == {
        fault: fields_of(refusals.ENGLISH[fault]) for fault in InputFault
    }
    assert all("title" in fields_of(sentence) for sentence in table.values())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.ENGLISH, "Scale must be at most 2.5."),
        (Language.RUSSIAN, "Масштаб: не больше 2,5."),
        (Language.PORTUGUESE, "Scale: no máximo 2,5."),
    ],
)
def test_the_name_and_the_bounds_are_said(language: Language, said: str) -> None:
    """In the person's language where the preset has it, with that language's comma."""
    error = InputRefusedError(
        "scale",
        InputFault.TOO_MUCH,
        titles=titled("Scale", ru="Масштаб"),
        bounds={"min": 1.0, "max": 2.5},
    )

    assert refusals.refused(language, error) == said


def test_numbers_have_all_their_digits() -> None:
    """No exponents: a bound is for people."""
    sizes = {1e-06: "0.000001", 1e15: "1000000000000000", 2.0: "2", 2**63 - 1: f"{2**63 - 1}"}
    for bound, written in sizes.items():
        error = InputRefusedError("x", InputFault.TOO_LITTLE, bounds={"min": bound})
        assert refusals.refused(Language.ENGLISH, error) == f"x must be at least {written}."
        assert Decimal(written) == Decimal(repr(bound))


def test_choices_are_named_and_long_names_cut() -> None:
    """A name that there is not is anybody's text; braces in it are no fields."""
    choices = (titled("Square", pt="Quadrado"), titled("Wide", pt="Largo"))
    chosen = InputRefusedError("size", InputFault.NOT_A_CHOICE, choices=choices)
    unknown = InputRefusedError("{0}" * 1000, InputFault.UNKNOWN)

    assert refusals.refused(Language.PORTUGUESE, chosen).endswith("Quadrado, Largo.")
    assert refusals.refused(Language.ENGLISH, unknown).startswith("{0}{0}")
    assert len(refusals.refused(Language.ENGLISH, unknown)) < 100
