"""processors.presets.writing: what a person's words come to."""

# Russian is written in Cyrillic letters, some of which look like Latin ones.

import pytest

from processors.errors import InputFault, InputRefusedError
from processors.presets import writing
from schemas.preset import (
    BooleanInput,
    Choice,
    ChoiceInput,
    ImageInput,
    Input,
    IntegerInput,
    NumberInput,
    Preset,
    TextInput,
    Titles,
)
from tests.builders import a_preset

PROMPT = TextInput(name="prompt", type="text", titles=Titles(en="Prompt"), required=True)
AVOID = TextInput(name="avoid", type="text", titles=Titles(en="To avoid"))
STEPS = IntegerInput(name="steps", type="integer", titles=Titles(en="Steps"))
SCALE = NumberInput(name="scale", type="number", titles=Titles(en="Scale"))
FACES = BooleanInput(name="keep_faces", type="boolean", titles=Titles(en="Keep faces"))
IMAGE = ImageInput(name="image", type="image", titles=Titles(en="Picture"), required=True)
SHAPE = ChoiceInput(
    name="shape",
    type="choice",
    titles=Titles(en="Shape"),
    required=True,
    choices=(
        Choice(value="wide", titles=Titles(en="Wide", ru="Широкий")),
        Choice(value=2, titles=Titles(en="Two", pt="Dois")),
    ),
)


def of(*inputs: Input) -> Preset:
    """A preset with these inputs."""
    return a_preset(inputs=inputs)


FULL = of(IMAGE, PROMPT, AVOID, STEPS, SCALE, FACES, SHAPE)


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("a lighthouse at dusk", {"prompt": "a lighthouse at dusk"}),
        ("  two\n\nlines  kept ", {"prompt": "two\n\nlines kept"}),
        ("sea --steps 30", {"prompt": "sea", "steps": "30"}),
        ("sea --steps=30 at dusk", {"prompt": "sea at dusk", "steps": "30"}),
        ("Steps=30 sea", {"prompt": "sea", "steps": "30"}),
        ("sea —steps 30", {"prompt": "sea", "steps": "30"}),
        ("sea scale=2,5", {"prompt": "sea", "scale": "2.5"}),
        ("sea --scale -1.5", {"prompt": "sea", "scale": "-1.5"}),
        ("sea --scale many", {"prompt": "sea", "scale": "many"}),
        ('sea avoid="red boats" big', {"prompt": "sea big", "avoid": "red boats"}),
        ("sea avoid=«red boats»", {"prompt": "sea", "avoid": "red boats"}),
        ("sea --keep_faces", {"prompt": "sea", "keep_faces": "true"}),
        ("--keep_faces sea", {"prompt": "sea", "keep_faces": "true"}),
        ("--keep_faces no sea", {"prompt": "sea", "keep_faces": "false"}),
        ("--keep_faces --steps 9 sea", {"prompt": "sea", "keep_faces": "true", "steps": "9"}),
        ("keep_faces=да sea", {"prompt": "sea", "keep_faces": "true"}),
        ("keep_faces=нет sea", {"prompt": "sea", "keep_faces": "false"}),
        ("keep_faces=perhaps sea", {"prompt": "sea", "keep_faces": "perhaps"}),
        ("sea shape=широкий", {"prompt": "sea", "shape": "wide"}),
        ("sea shape=dois", {"prompt": "sea", "shape": 2}),
        ("sea shape=2", {"prompt": "sea", "shape": 2}),
        ("sea shape=round", {"prompt": "sea", "shape": "round"}),
        ("sea --steps", {"prompt": "sea", "steps": ""}),
        ("e=mc2 prompt=x image=y", {"prompt": "e=mc2 prompt=x image=y"}),
        ("a well--known sea", {"prompt": "a well--known sea"}),
        ("", {}),
        ("🎨🎨", {"prompt": "🎨🎨"}),
    ],
)
def test_a_text_names_its_inputs(text: str, inputs: dict[str, object]) -> None:
    """What names an input is taken for it, wherever it stands; the rest is the prompt."""
    assert writing.read(FULL, text) == (inputs, "")


def test_what_names_nothing_is_refused() -> None:
    """A misspelt name is no part of a prompt that somebody would pay for."""
    with pytest.raises(InputRefusedError) as refused:
        writing.read(of(PROMPT), "sea --stpes 30")

    assert (refused.value.name, refused.value.fault) == ("stpes", InputFault.UNKNOWN)


def test_a_preset_without_a_text_takes_none() -> None:
    """What is left over is said, not thrown away."""
    assert writing.read(of(STEPS), "sea steps=3") == ({"steps": "3"}, "sea")
    assert writing.read(of(), "sea") == ({}, "sea")


def test_which_input_is_for_what() -> None:
    """The text that is needed comes before one that is not; the first picture is the picture."""
    assert writing.main(of(AVOID, PROMPT)) == PROMPT
    assert writing.main(of(AVOID)) == AVOID
    assert writing.main(of(STEPS)) is None
    assert writing.picture(FULL) == IMAGE
    assert writing.picture(of(PROMPT)) is None
    assert writing.named(FULL, "steps") == STEPS
    assert writing.named(FULL, "seed") is None


def test_what_is_missing_is_found_in_order() -> None:
    """The preset's order is that of the questions; what is null is missing."""
    assert writing.missing(FULL, {}) == IMAGE
    assert writing.missing(FULL, {"image": "x", "prompt": None}) == PROMPT
    assert writing.missing(FULL, {"image": "x", "prompt": "y"}) == SHAPE
    assert writing.missing(FULL, {"image": "x", "prompt": "y", "shape": 2}) is None


def test_values_to_choose_from() -> None:
    """They are those that an answer may be."""
    assert writing.values(SHAPE) == ("wide", "2")
    assert writing.values(FACES) == ("true", "false")
    assert writing.values(STEPS) == ()
