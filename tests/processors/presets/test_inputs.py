"""What is taken for an input, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from processors.errors import InputFault, InputRefusedError
from processors.presets import inputs
from schemas.preset import (
    BooleanInput,
    Choice,
    ChoiceInput,
    ImageInput,
    Input,
    NumberInput,
    TextInput,
)
from tests.builders import a_prompt, some_steps, titled

TITLES = titled("It")
SCALE = NumberInput(name="scale", type="number", titles=TITLES, least=0.5, most=2.5)
ANY_NUMBER = NumberInput(name="any", type="number", titles=TITLES)
ANY_INTEGER = some_steps(least=None, most=None)
PICTURE = ImageInput(name="picture", type="image", titles=TITLES)
SWITCH = BooleanInput(name="switch", type="boolean", titles=TITLES)
SIZE = ChoiceInput(
    name="size",
    type="choice",
    titles=TITLES,
    choices=(
        Choice(value="square", titles=titled("Square")),
        Choice(value=2, titles=titled("Two")),
    ),
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@pytest.mark.parametrize(
    ("asked", "value", "taken"),
    [
        (a_prompt(), "a lighthouse", "a lighthouse"),
        (a_prompt(), "  two\nlines\t", "  two\nlines\t"),
        (a_prompt(), "👩‍🎨", "👩‍🎨"),
        (a_prompt(), "\u200f\u05e1\u05d5\u05e1\u200f", "\u200f\u05e1\u05d5\u05e1\u200f"),
        (a_prompt(), "<b>&amp;", "<b>&amp;"),
        (a_prompt(), "x" * 500, "x" * 500),
        (some_steps(), 1, 1),
        (some_steps(), "50", 50),
        (some_steps(), 7.0, 7),
        (some_steps(least=-5), "-5", -5),
        (ANY_INTEGER, 2**63 - 1, 2**63 - 1),
        (SCALE, 0.5, 0.5),
        (SCALE, "2.5", 2.5),
        (SCALE, "2", 2),
        (SCALE, 1, 1),
        (PICTURE, "https://example.com/a.png?x=1", "https://example.com/a.png?x=1"),
        (PICTURE, "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (PICTURE, f"media:inputs/{'a' * 32}.webp", f"media:inputs/{'a' * 32}.webp"),
        (SIZE, "square", "square"),
        (SIZE, 2, 2),
        (SIZE, "2", 2),
        (SWITCH, False, False),
        (SWITCH, "true", True),
    ],
)
def test_what_is_taken(asked: Input, value: JsonValue, taken: object) -> None:
    """A text counts as a number where it says exactly that number; texts stay as they are."""
    found = inputs.take(asked, value)

    assert (found, type(found)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("asked", "value", "fault"),
    [
        (a_prompt(), 5, InputFault.NOT_TEXT),
        (a_prompt(), ["a"], InputFault.NOT_TEXT),
        (a_prompt(), "", InputFault.TOO_SHORT),
        (a_prompt(), " \n\u200f\u2029\u00a0\u200b", InputFault.TOO_SHORT),
        (a_prompt(), "x" * 501, InputFault.TOO_LONG),
        (a_prompt(), "x" * 10_000, InputFault.TOO_LONG),
        (a_prompt(), "half \ud83d", InputFault.UNREADABLE),
        (a_prompt(), "nul \0", InputFault.UNREADABLE),
        (some_steps(), True, InputFault.NOT_INTEGER),
        (some_steps(), 1.5, InputFault.NOT_INTEGER),
        (some_steps(), math.nan, InputFault.NOT_INTEGER),
        (some_steps(), math.inf, InputFault.NOT_INTEGER),
        (some_steps(), "1e1", InputFault.NOT_INTEGER),
        (some_steps(), "1_0", InputFault.NOT_INTEGER),
        (some_steps(), "٣", InputFault.NOT_INTEGER),
        (some_steps(), "9" * 10_000, InputFault.NOT_INTEGER),
        (some_steps(), 0, InputFault.TOO_LITTLE),
        (some_steps(), 51, InputFault.TOO_MUCH),
        (some_steps(), 10**400, InputFault.TOO_MUCH),
        (ANY_INTEGER, 2**63, InputFault.TOO_MUCH),
        (ANY_INTEGER, -(2**63), InputFault.TOO_LITTLE),
        (SCALE, False, InputFault.NOT_NUMBER),
        (SCALE, math.nan, InputFault.NOT_NUMBER),
        (SCALE, "nan", InputFault.NOT_NUMBER),
        (SCALE, "1,5", InputFault.NOT_NUMBER),
        (SCALE, 0.49, InputFault.TOO_LITTLE),
        (SCALE, 2.51, InputFault.TOO_MUCH),
        (ANY_NUMBER, 1e16, InputFault.TOO_MUCH),
        (ANY_NUMBER, -1e16, InputFault.TOO_LITTLE),
        (PICTURE, 5, InputFault.NOT_IMAGE),
        (PICTURE, "file:///etc/passwd", InputFault.NOT_IMAGE),
        (PICTURE, "https://", InputFault.NOT_IMAGE),
        (PICTURE, "https://a b", InputFault.NOT_IMAGE),
        (PICTURE, "media:outputs/a.png", InputFault.NOT_IMAGE),
        (PICTURE, f"media:inputs/{'a' * 31}.png", InputFault.NOT_IMAGE),
        (PICTURE, f"inputs/{'a' * 32}.png", InputFault.NOT_IMAGE),
        (PICTURE, "https://a/\ud83d", InputFault.NOT_IMAGE),
        (PICTURE, f"https://a/{'x' * 2048}", InputFault.NOT_IMAGE),
        (SIZE, "round", InputFault.NOT_A_CHOICE),
        (SIZE, True, InputFault.NOT_A_CHOICE),
        (SIZE, 2.0, InputFault.NOT_A_CHOICE),
        (SWITCH, 1, InputFault.NOT_BOOLEAN),
        (SWITCH, "yes", InputFault.NOT_BOOLEAN),
    ],
)
def test_what_is_refused(asked: Input, value: JsonValue, fault: InputFault) -> None:
    """By the input's name and what is wrong, with its bounds."""
    with pytest.raises(InputRefusedError) as caught:
        inputs.take(asked, value)

    assert (caught.value.name, caught.value.fault) == (asked.name, fault)
    assert caught.value.titles == asked.titles
    assert caught.value.bounds.items() >= inputs.bounds(asked).items()


def test_a_refusal_names_the_bounds() -> None:
    """By the names that a preset gives them; those of a number that has none are ours."""
    with pytest.raises(InputRefusedError) as short:
        inputs.take(a_prompt(), "")
    with pytest.raises(InputRefusedError) as much:
        inputs.take(ANY_INTEGER, 2**63)
    with pytest.raises(InputRefusedError) as other:
        inputs.take(SIZE, "round")

    assert short.value.bounds == {"minLength": 1, "maxLength": 500}
    assert much.value.bounds == {"max": 2**63 - 1}
    assert other.value.choices == (titled("Square"), titled("Two"))
    assert inputs.bounds(SCALE) == {"min": 0.5, "max": 2.5}
    assert str(short.value) == "'prompt': too_short (minLength 1, maxLength 500)"


@given(st.sampled_from([a_prompt(), some_steps(), SCALE, PICTURE, SIZE, SWITCH]), anything)
def test_whatever_is_given_is_taken_or_refused(asked: Input, value: JsonValue) -> None:
    """Nothing else is raised, and what was taken is taken again as it is."""
    try:
        taken = inputs.take(asked, value)
    except InputRefusedError:
        return

    assert inputs.take(asked, taken) == taken


@given(st.integers())
def test_an_integer_is_within_its_bounds_or_refused(value: int) -> None:
    """Written or given, it is the same number."""
    asked = some_steps()
    for form in (value, str(value)):
        try:
            assert inputs.take(asked, form) == value
            assert 1 <= value <= 50
        except InputRefusedError:
            assert not 1 <= value <= 50


def test_a_text_may_never_be_longer_than_our_own_limit() -> None:
    """Where the preset says nothing there is one all the same."""
    with pytest.raises(InputRefusedError):
        inputs.take(TextInput(name="x", type="text", titles=TITLES), "x" * 2001)
