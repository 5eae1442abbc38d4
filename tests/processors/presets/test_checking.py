"""What is wrong with presets whose fields are each well formed."""

from decimal import Decimal

import pytest

from processors.presets import checking
from schemas.preset import (
    ChainStep,
    Choice,
    ChoiceInput,
    CostPrice,
    Definition,
    FixedHold,
    ImageInput,
    NumberInput,
    StepsPrice,
    WorkflowTarget,
)
from tests.builders import A10G, a_chain_preset, a_preset, a_prompt, some_steps, titled

BY_COST = CostPrice(
    kind="cost", factor=Decimal(1), hold=FixedHold(kind="fixed", credits=Decimal(1))
)
SIZE = ChoiceInput(
    name="size",
    type="choice",
    titles=titled("Size"),
    default="wide",
    choices=(
        Choice(value="2", titles=titled("Two")),
        Choice(value=2, titles=titled("Two as well")),
    ),
)


OF_ANOTHER = ChainStep(preset="b", asked={"prompt": "words"})
A_WORKFLOW = WorkflowTarget(engine="comfyui", workflow="0" * 64)


def a_photo(default: str, to: str | None = None) -> ImageInput:
    """A picture that is taken where none is given."""
    return ImageInput(name="photo", type="image", titles=titled("Photo"), default=default, to=to)


def test_a_good_preset_has_no_problems() -> None:
    """With bounds, without, with one alone, and with a price by cost."""
    scale = NumberInput(name="scale", type="number", titles=titled("Scale"), least=0.5)
    preset = a_preset("a", a_prompt(), some_steps(), scale, price=BY_COST, cancel_fee="cost")

    assert checking.problems(preset) == ()


@pytest.mark.parametrize(
    ("preset", "places"),
    [
        (a_preset(cost_rate=None), []),
        (a_preset(cost_rate=None, price=BY_COST), [("price", "kind")]),
        (a_preset(cost_rate=None, cancel_fee="cost"), [("cancelFee",)]),
        (a_preset("a", a_prompt(), a_prompt()), [("inputs", 1, "name")]),
        (a_preset("a", a_prompt(), some_steps(to="prompt")), [("inputs", 1)]),
        (a_preset(constants={"steps": 1}), [("inputs", 1)]),
        (a_preset("a", a_prompt(least=501)), [("inputs", 0, "minLength")]),
        (
            a_preset("a", some_steps(least=60, default=None)),
            [("inputs", 0, "min")],
        ),
        (a_preset("a", some_steps(default=51)), [("inputs", 0, "default")]),
        (a_preset("a", a_photo(f"media:inputs/{'a' * 32}.png")), [("inputs", 0, "default")]),
        (a_preset("a", a_photo("https://example.com/a.png")), []),
        (a_preset("a", some_steps(required=True)), [("inputs", 0, "required")]),
        (
            a_preset("a", SIZE),
            [("inputs", 0, "choices", 1, "value"), ("inputs", 0, "default")],
        ),
        (a_preset("a", some_steps(to="3/a/steps"), target=A_WORKFLOW), []),
        (
            a_preset("a", a_prompt(), some_steps(to="/steps"), target=A_WORKFLOW),
            [("inputs", 0, "to"), ("inputs", 1, "to")],
        ),
        (
            a_preset("a", some_steps(to="3/"), target=A_WORKFLOW, constants={"cfg": 1, "3/cfg": 1}),
            [("inputs", 0, "to"), ("constants", "cfg")],
        ),
        (a_chain_preset("a", OF_ANOTHER), []),
        (a_chain_preset("a", OF_ANOTHER, price=BY_COST), [("price", "kind")]),
        (
            a_chain_preset("a", OF_ANOTHER, constants={"x": 1}, cost_rate=A10G, cancel_fee="cost"),
            [("constants",), ("costRate",), ("cancelFee",)],
        ),
        (a_preset(price=StepsPrice(kind="steps")), [("price", "kind")]),
        (
            a_preset("a", a_photo("https://example.com/a.png", to="1/image"), target=A_WORKFLOW),
            [("inputs", 0, "default")],
        ),
    ],
)
def test_each_problem_is_at_its_place(preset: Definition, places: list[checking.Path]) -> None:
    """All of them at once."""
    assert [each.path for each in checking.problems(preset)] == places
