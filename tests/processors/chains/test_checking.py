"""processors.chains.checking: presets that are made of others, held against those."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import JsonValue

from processors import chains
from schemas.preset import (
    ChainStep,
    Choice,
    ChoiceInput,
    Definition,
    ImageInput,
    Input,
    IntegerInput,
    NumberInput,
    TextInput,
)
from tests.builders import a_chain_preset, a_preset, a_prompt, titled

PHOTO = ImageInput(name="photo", type="image", titles=titled("Photo"), required=True)
SHADE = ChoiceInput(
    name="shade",
    type="choice",
    titles=titled("Shade"),
    choices=(Choice(value="dark", titles=titled("Dark")), Choice(value=7, titles=titled("7"))),
)
KNOWN = {
    each.name: each
    for each in (
        a_preset("draw"),
        a_preset("wear", PHOTO, SHADE, a_prompt(name="note", required=False)),
        a_chain_preset("both", ChainStep(preset="draw", asked={"prompt": "words"})),
    )
}
DRAW: dict[str, JsonValue] = {"preset": "draw", "asked": {"prompt": "words"}}
WEAR: dict[str, JsonValue] = {"preset": "wear", "bindings": {"photo": {"step": 1}}}


def said(*steps: Mapping[str, object], inputs: tuple[Input, ...] = ()) -> list[tuple[str, str]]:
    """What is wrong with a preset of these steps: where, and what."""
    made = a_chain_preset(
        "new", *(ChainStep.model_validate(each, strict=False) for each in steps), inputs=inputs
    )
    problems = chains.misfits(made, KNOWN)
    return [(".".join(map(str, each.path)), each.said) for each in problems]


def test_what_fits_is_fine() -> None:
    """Whatever its person gives, each step takes it; a preset without steps has none to fit."""
    assert said(DRAW, WEAR | {"inputs": {"shade": "dark"}, "over": {"note": ["a", "b"]}}) == []
    assert chains.misfits(KNOWN["draw"], KNOWN) == ()


@pytest.mark.parametrize(
    ("steps", "place", "words"),
    [
        ((DRAW | {"preset": "gone"},), "target.steps.0.preset", "there is no preset gone"),
        ((DRAW | {"preset": "both"},), "target.steps.0.preset", "both is made of others itself"),
        ((DRAW | {"inputs": {"colour": 1}},), "target.steps.0.inputs.colour", "is no input"),
        ((DRAW | {"inputs": {"steps": 99}},), "target.steps.0.inputs.steps", "refused: too_much"),
        ((DRAW | {"over": {"steps": [1, 99]}},), "target.steps.0.over.steps.1", "too_much"),
        (
            (DRAW | {"asked": {"prompt": "words", "colour": "words"}},),
            "target.steps.0.asked.colour",
            "is no input of this step",
        ),
        ((DRAW | {"asked": {"prompt": "w"}},), "target.steps.0.asked.prompt", "no input w"),
        (
            (DRAW | {"inputs": {"prompt": "the sea"}},),
            "target.steps.0.asked.prompt",
            "is given in two ways",
        ),
        ((DRAW | {"asked": {}},), "target.steps.0", "prompt is needed, and may be given by"),
        ((DRAW, WEAR | {"bindings": {}}), "target.steps.1", "photo is needed"),
        (
            (DRAW, {"preset": "wear", "bindings": {"photo": {"step": 3}}}),
            "target.steps.1.bindings.photo",
            "there is no step 3",
        ),
        ((DRAW | {"over": {"steps": list(range(1, 51))}},) * 5, "target.steps", "250 runs"),
    ],
)
def test_what_does_not_fit_is_said_by_its_place(
    steps: tuple[Mapping[str, object], ...], place: str, words: str
) -> None:
    """What is not there, what is not taken, and what is missing."""
    found = dict(said(*steps))

    assert words in found[place]


def asked(kind: Any, **fields: Any) -> Input:  # noqa: ANN401 - any of the inputs, and its fields
    """An input that is called `it`."""
    named = str(kind.__name__).removesuffix("Input").lower()
    return kind(name="it", type=named, titles=titled("It"), required=True, **fields)


@pytest.mark.parametrize(
    ("given", "taken", "fits"),
    [
        (asked(ImageInput), asked(ImageInput), True),
        (asked(ImageInput), asked(TextInput), False),
        (asked(TextInput, most=9), asked(TextInput, most=9), True),
        (asked(TextInput, most=10), asked(TextInput, most=9), False),
        (asked(TextInput), asked(TextInput, least=1), False),
        (asked(IntegerInput, least=1, most=9), asked(NumberInput, least=1, most=9), True),
        (asked(IntegerInput), asked(IntegerInput), True),
        (asked(IntegerInput, most=9), asked(IntegerInput, least=1), False),
        (asked(IntegerInput, least=1), asked(IntegerInput, most=9), False),
        (asked(NumberInput), asked(IntegerInput), False),
        (
            asked(ChoiceInput, choices=SHADE.choices),
            asked(ChoiceInput, choices=SHADE.choices),
            True,
        ),
        (asked(ChoiceInput, choices=SHADE.choices), asked(IntegerInput), False),
    ],
)
def test_what_a_person_may_give_has_to_be_taken(given: Input, taken: Input, *, fits: bool) -> None:
    """All of it: a preset that takes some of its own answers would break when it is ordered."""
    known = {"one": a_preset("one", taken)}
    made: Definition = a_chain_preset(
        "new", ChainStep(preset="one", asked={"it": "it"}), inputs=(given,)
    )

    assert (chains.misfits(made, known) == ()) is fits
