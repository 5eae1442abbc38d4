"""A preset: a generation that people can ask for by a name, and what it asks and takes of them.

An author writes a `Definition`, in a file; a `Preset` is one that is stored. Texts are by
language, English being the one that is always there.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError, to_json

from schemas.base import EngineName, Money, Record, Time
from schemas.generation import CostRate
from schemas.inputs import (
    ATTEMPTS_USUAL,
    INTEGER_MOST,
    Attempts,
    InputKey,
    InputValue,
    ModelVersion,
    OwnedName,
    Priority,
    WorkflowDigest,
)
from schemas.run import OutputKind

STEPS_MOST: Final = 50
"""Steps that a job may have."""
ITEMS_MOST: Final = 100
"""Times that one step may be made."""
PARTS_MOST: Final = 200
"""Generations that a job may have."""
OUTPUTS_MOST: Final = 200
TEXT_MOST: Final = 10_000
"""Characters that the text of one input may have, whatever its preset says."""
TEXT_USUAL: Final = 2_000
"""Characters that the text of one input may have where its preset says nothing."""
CONSTANTS_MOST: Final = 8_192
"""Bytes of JSON that a preset's constants may take."""
NUMBER_MOST: Final = 1e15
"""Largest magnitude of a number that need not be whole."""

PresetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
"""Also the command in Telegram (core.telegram.org/bots/api#botcommand)."""
InputName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
Title = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Help = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]+$"),
]
Credits = Annotated[Money, Field(ge=0)]
"""What people hold and pay with."""
Factor = Annotated[Decimal, Field(gt=0, le=1000, allow_inf_nan=False, decimal_places=6)]
Bound = Annotated[float, Field(ge=-NUMBER_MOST, le=NUMBER_MOST, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-INTEGER_MOST, le=INTEGER_MOST)]
Length = Annotated[int, Field(ge=0, le=TEXT_MOST)]


class _Texts(Record):
    """A text by language."""

    def of(self, language: str) -> str:
        """Return the text in a language, by its two letters; in English where there is none."""
        texts: Mapping[str, str | None] = vars(self)
        return texts.get(language) or texts["en"] or ""


class Titles(_Texts):
    """A short name by language, as on a button."""

    en: Title
    ru: Title | None = None
    pt: Title | None = None


class Helps(_Texts):
    """An explanation by language."""

    en: Help
    ru: Help | None = None
    pt: Help | None = None


class _Input(Record):
    name: InputName
    """What people and programs call it."""
    titles: Titles
    required: bool = False
    to: InputKey | None = None
    """What the engine calls it; the same as `name` where nothing is said."""

    @property
    def key(self) -> str:
        """What the engine calls it."""
        return self.to or self.name


class TextInput(_Input):
    """A text, such as a prompt. It is given to the engine as it was written."""

    type: Literal["text"]
    default: str | None = None
    least: Length = Field(default=0, validation_alias="minLength", serialization_alias="minLength")
    """Visible characters that it must have."""
    most: Length = Field(
        default=TEXT_USUAL, validation_alias="maxLength", serialization_alias="maxLength"
    )
    """Characters (code points) that it may have."""


class ImageInput(_Input):
    """A picture, by its address."""

    type: Literal["image"]
    default: str | None = None


class IntegerInput(_Input):
    """A whole number."""

    type: Literal["integer"]
    default: Whole | None = None
    least: Whole | None = Field(default=None, validation_alias="min", serialization_alias="min")
    most: Whole | None = Field(default=None, validation_alias="max", serialization_alias="max")


class NumberInput(_Input):
    """A number, whole or not."""

    type: Literal["number"]
    default: Bound | None = None
    least: Bound | None = Field(default=None, validation_alias="min", serialization_alias="min")
    most: Bound | None = Field(default=None, validation_alias="max", serialization_alias="max")


class Choice(Record):
    """One of the values that may be chosen."""

    value: (
        Annotated[
            str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")
        ]
        | Whole
    )
    """What the engine is given."""
    titles: Titles


class ChoiceInput(_Input):
    """One of a few values."""

    type: Literal["choice"]
    default: str | Whole | None = None
    choices: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=50)]


class BooleanInput(_Input):
    """Yes or no."""

    type: Literal["boolean"]
    default: bool | None = None


Input = Annotated[
    TextInput | ImageInput | IntegerInput | NumberInput | ChoiceInput | BooleanInput,
    Field(discriminator="type"),
]


class Deployment(Record):
    """A workflow that ComfyDeploy runs."""

    engine: Literal["comfydeploy"]
    deployment_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")] = Field(
        validation_alias="deployment_id", serialization_alias="deployment_id"
    )


class WorkflowTarget(Record):
    """A workflow of ours that a ComfyUI runs."""

    engine: Literal["comfyui"]
    workflow: WorkflowDigest
    """Of the stored workflow."""


class ReplicateTarget(Record):
    """What Replicate runs: a version of a model, an official model, or a deployment."""

    engine: Literal["replicate"]
    version: ModelVersion | None = None
    """64 hexadecimal digits, alone or after ``owner/name:``."""
    model: OwnedName | None = None
    """An official model, ``owner/name``."""
    deployment: OwnedName | None = None
    """A deployment, ``owner/name``."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [each for each in (self.version, self.model, self.deployment) if each is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "replicate_target", "give one of `version`, `model` and `deployment`"
            )
        return self


class Binding(Record):
    """What an input is given: something that an earlier step has made."""

    step: Annotated[int, Field(ge=1, le=STEPS_MOST)]
    """Which step, from 1."""
    output: InputName = "image"
    """Which of the outputs that its preset names."""
    item: Annotated[int, Field(ge=1, le=ITEMS_MOST)] | None = None
    """Of a step that is made several times: which one, from 1. None takes for each the one of the
    same number, so that this step is made as many times."""
    place: Annotated[int, Field(ge=1, le=OUTPUTS_MOST)] = 1
    """Of several outputs of this name: which one, from 1."""


class ChainStep(Record):
    """One step of a preset that is made of others."""

    preset: PresetName
    inputs: dict[InputName, JsonValue] = Field(default_factory=dict)
    """Always the same."""
    asked: dict[InputName, InputName] = Field(default_factory=dict)
    """Given by the person: the inputs of this preset by those of the step's."""
    bindings: dict[InputName, Binding] = Field(default_factory=dict)
    over: dict[InputName, Annotated[tuple[JsonValue, ...], Field(max_length=ITEMS_MOST)]] = Field(
        default_factory=dict
    )
    """The step is made once for each of these values; of several inputs, in step."""


class ChainTarget(Record):
    """Other presets, one after another."""

    engine: Literal["chain"]
    manual: bool = False
    """Whether its person is asked after each step whether to go on."""
    steps: Annotated[tuple[ChainStep, ...], Field(min_length=1, max_length=STEPS_MOST)]


Target = Annotated[
    Deployment | WorkflowTarget | ReplicateTarget | ChainTarget, Field(discriminator="engine")
]
"""What is run, and by whom. A further engine is a further variant, told apart by `engine`."""


class NamedOutput(Record):
    """Something that a run makes, by a name that later steps ask for it."""

    name: InputName
    type: OutputKind
    of: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    """What the engine's name of it begins with, such as a node's id; any of its type where nothing
    is said."""


class FixedPrice(Record):
    """The same price for every run."""

    kind: Literal["fixed"]
    credits: Credits


class FixedHold(Record):
    """The same amount is held for every run."""

    kind: Literal["fixed"]
    credits: Credits


class EstimatedHold(Record):
    """What a run is expected to cost is held, with something on top."""

    kind: Literal["estimate"]
    factor: Factor
    """What the expected price is multiplied by."""
    first: Credits
    """Held while no run has a known cost."""


Hold = Annotated[FixedHold | EstimatedHold, Field(discriminator="kind")]


class CostPrice(Record):
    """A price that follows what the run cost us."""

    kind: Literal["cost"]
    factor: Factor
    """What the cost in credits is multiplied by."""
    floor: Credits = Decimal(0)
    """The least that is taken."""
    hold: Hold


OwnPrice = Annotated[FixedPrice | CostPrice, Field(discriminator="kind")]
"""The price of what is run by itself."""


class StepsPrice(Record):
    """The price of a preset that is made of others: what they come to together."""

    kind: Literal["steps"]


Price = Annotated[OwnPrice | StepsPrice, Field(discriminator="kind")]


def _sized(constants: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Leave room for what people give."""
    if len(to_json(constants)) > CONSTANTS_MOST:
        raise PydanticCustomError("constants_size", "takes at most 8192 bytes as JSON")
    return constants


class Definition(Record):
    """A preset as its author writes it."""

    name: PresetName = Field(validation_alias="_id", serialization_alias="_id")
    titles: Titles
    help: Helps
    target: Target
    inputs: Annotated[tuple[Input, ...], Field(max_length=32)] = ()
    """In the order in which a person is asked for them."""
    outputs: Annotated[tuple[NamedOutput, ...], Field(max_length=16)] = (
        NamedOutput(name="image", type=OutputKind.IMAGE),
    )
    """What later steps of a job can ask for."""
    constants: Annotated[dict[InputKey, InputValue], AfterValidator(_sized)] = Field(
        default_factory=dict
    )
    """Inputs of the engine that are always the same."""
    cost_rate: CostRate | None = None
    """What the engine costs us, in USD; without it the cost stays unknown."""
    price: Price
    cancel_fee: Literal["none", "cost"] = "none"
    """What a run that was cancelled is charged: nothing, or what it cost us."""
    time_limit: Annotated[int, Field(ge=10, le=86_400)] = 1800
    """Seconds that a run may take from its start."""
    max_attempts: Attempts = ATTEMPTS_USUAL
    """Times that a run is tried, counting the first, where its engine's runs can be tried again."""
    priority: Priority = 0
    active: bool = True
    allowed: Literal["all"] | Annotated[tuple[Role, ...], Field(min_length=1)] = "all"
    """Who may use it: everybody, or people with one of these roles."""

    @property
    def engine(self) -> EngineName:
        """Who runs it."""
        return EngineName(self.target.engine)

    @property
    def tries(self) -> int:
        """Times that a run is tried: ComfyDeploy's once, whatever was written."""
        return 1 if isinstance(self.target, Deployment) else self.max_attempts


class Preset(Definition):
    """A stored preset: every write of it matches `version` and adds 1."""

    version: int = 1
    updated_at: Time
