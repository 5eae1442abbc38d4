"""Why an input was refused, in each language."""

from decimal import Decimal

import pytest

from processors.errors import InputFault, InputRefusedError
from processors.notifications import refusals
from processors.notifications.texts import Language
from tests.builders import titled
from tests.speech import translate


def test_every_fault_has_words() -> None:
    """None is left unsaid, and the input is named in each."""
    assert set(refusals.FAULTS) == set(InputFault)
    assert all("{title}" in said for said in refusals.FAULTS.values())


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

    assert refusals.refused(language, error, translate=translate) == said


def test_numbers_have_all_their_digits() -> None:
    """No exponents: a bound is for people."""
    sizes = {1e-06: "0.000001", 1e15: "1000000000000000", 2.0: "2", 2**63 - 1: f"{2**63 - 1}"}
    for bound, written in sizes.items():
        error = InputRefusedError("x", InputFault.TOO_LITTLE, bounds={"min": bound})
        assert (
            refusals.refused(Language.ENGLISH, error, translate=translate)
            == f"x must be at least {written}."
        )
        assert Decimal(written) == Decimal(repr(bound))


def test_choices_are_named_and_long_names_cut() -> None:
    """A name that there is not is anybody's text; braces in it are no fields."""
    choices = (titled("Square", pt="Quadrado"), titled("Wide", pt="Largo"))
    chosen = InputRefusedError("size", InputFault.NOT_A_CHOICE, choices=choices)
    unknown = InputRefusedError("{0}" * 1000, InputFault.UNKNOWN)

    assert refusals.refused(Language.PORTUGUESE, chosen, translate=translate).endswith(
        "Quadrado, Largo."
    )
    assert refusals.refused(Language.ENGLISH, unknown, translate=translate).startswith("{0}{0}")
    assert len(refusals.refused(Language.ENGLISH, unknown, translate=translate)) < 100
