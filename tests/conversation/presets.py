"""Presets for conversations: one of each sort that a person notices."""

# Russian is written in Cyrillic letters, some of which look like Latin ones.

from decimal import Decimal
from pathlib import Path
from typing import Final

from app.cli import preset_file
from schemas.preset import (
    Binding,
    BooleanInput,
    ChainStep,
    ChainTarget,
    Choice,
    ChoiceInput,
    CostPrice,
    Deployment,
    EstimatedHold,
    FixedPrice,
    Helps,
    ImageInput,
    Input,
    IntegerInput,
    Preset,
    StepsPrice,
    TextInput,
    Titles,
)
from tests.builders import A10G, NOON

PROMPT: Final = TextInput(
    name="prompt",
    type="text",
    titles=Titles(en="Prompt", ru="Описание", pt="Descrição"),
    required=True,
    least=1,
    most=1000,
)
STEPS: Final = IntegerInput(
    name="steps",
    type="integer",
    titles=Titles(en="Steps", ru="Шаги"),
    default=30,
    least=10,
    most=60,
)
SHAPE: Final = ChoiceInput(
    name="shape",
    type="choice",
    titles=Titles(en="Shape", ru="Формат", pt="Formato"),
    required=True,
    choices=(
        Choice(value="square", titles=Titles(en="Square", ru="Квадрат")),
        Choice(value="wide", titles=Titles(en="Wide", ru="Широкий")),
    ),
)
FACES: Final = BooleanInput(
    name="faces", type="boolean", titles=Titles(en="Keep faces"), default=True
)
IMAGE: Final = ImageInput(
    name="image", type="image", titles=Titles(en="Picture", ru="Картинка"), required=True
)


def a_preset(name: str, *inputs: Input, title: str = "", **fields: object) -> Preset:
    """A preset that costs 5 credits."""
    known = {
        "id": name,
        "name": name,
        "titles": Titles(en=title or name, ru=f"{title or name} по-русски"),
        "help": Helps(en="Describe it.", ru="Опишите."),
        "target": Deployment(
            engine="comfydeploy", deployment_id="c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11"
        ),
        "inputs": inputs,
        "price": FixedPrice(kind="fixed", credits=Decimal(5)),
        "updated_at": NOON,
    }
    known.pop("id")
    return Preset(**(known | fields))  # pyright: ignore[reportArgumentType] - any field


def a_chain(second: str, *, manual: bool = False, **asked: str) -> ChainTarget:
    """A picture is made, and then another one of it."""
    drawn = ChainStep(preset="art", asked={"prompt": "prompt"})
    bindings = {"image": Binding(step=1, output="image")}
    changed = ChainStep(preset=second, asked=asked, bindings=bindings)
    return ChainTarget(engine="chain", manual=manual, steps=(drawn, changed))


TAILORS: Final = "tailor"
"""Who may use the presets that are made of others; those who do not see them count fewer."""

PRESETS: Final = (
    a_preset("art", PROMPT, STEPS, title="Picture"),
    a_preset("i2i", IMAGE, PROMPT, FACES, title="Another picture"),
    a_preset("shaped", SHAPE, PROMPT, title="Shaped picture"),
    a_preset("surprise", title="Surprise"),
    a_preset("cut_out", IMAGE, title="Cut out"),
    a_preset(
        "by_cost",
        PROMPT,
        title="By cost",
        cost_rate=A10G,
        price=CostPrice(
            kind="cost",
            factor=Decimal("1.5"),
            floor=Decimal(2),
            hold=EstimatedHold(kind="estimate", factor=Decimal(2), first=Decimal(10)),
        ),
    ),
    a_preset("dear", PROMPT, title="Dear", price=FixedPrice(kind="fixed", credits=Decimal(150))),
    a_preset("failing", PROMPT, title="Failing", constants={"sandbox_end": "failed"}),
    a_preset("endless", PROMPT, title="Endless", constants={"sandbox_end": "none"}),
    a_preset(
        "broken",
        IMAGE,
        title="Broken",
        constants={"sandbox_end": "failed"},
        allowed=(TAILORS,),
    ),
    a_preset(
        "dressed",
        PROMPT,
        title="Dressed",
        target=a_chain("i2i", manual=True, prompt="prompt"),
        price=StepsPrice(kind="steps"),
        allowed=(TAILORS,),
    ),
    a_preset(
        "in_vain",
        PROMPT,
        title="In vain",
        target=a_chain("broken"),
        price=StepsPrice(kind="steps"),
        allowed=(TAILORS,),
    ),
    a_preset("secret", PROMPT, title="Secret", allowed=("partner",)),
    a_preset("elsewhere", PROMPT, title="Elsewhere", active=False),
)

PARTNERS: Final = "comfy"
"""Who may use the presets that run workflows; others do not see them."""


def drawn_presets() -> tuple[list[Preset], dict[str, bytes]]:
    """Return the examples that run workflows, and by digest the workflows that they run."""
    written = preset_file.read(Path(__file__).parents[2] / "examples/comfyui.yaml")
    presets = [
        Preset(**dict(each.change(allowed=(PARTNERS,))), updated_at=NOON)
        for each in written.presets
    ]
    return presets, {digest: each.raw for digest, each in written.workflows.items()}
