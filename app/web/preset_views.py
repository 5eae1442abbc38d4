"""A preset as the API shows it: in one language, without what is between us and the engine."""

from typing import Literal

from pydantic import ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from app.usecases.prices import Tag
from processors.notifications.texts import Language
from processors.presets import inputs
from schemas.base import EngineName, Money, Time, Value
from schemas.preset import ChainTarget, ChoiceInput, Input, Preset, Price


class _View(Value):
    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class ChoiceView(_View):
    """One of the values that may be chosen."""

    value: str | int
    title: str


class BoundsView(_View):
    """What a value must keep to; null where there is no such bound."""

    min: int | float | None = None
    max: int | float | None = None
    min_length: int | None = None
    """Visible characters."""
    max_length: int | None = None
    """Characters, each code point counted as one."""


class InputView(_View):
    """What can be given for a preset."""

    name: str
    title: str
    type: Literal["text", "image", "integer", "number", "choice", "boolean"]
    required: bool
    default: JsonValue
    """What is taken where nothing is given; null: the engine decides."""
    bounds: BoundsView
    choices: tuple[ChoiceView, ...]
    """Empty unless `type` is `choice`."""


class SumView(_View):
    """What the steps of a preset come to together, in credits."""

    price: Money | None
    """For all runs, if they complete; null while nobody can tell."""
    exact: bool
    """Whether that is the price, not an estimate from the last runs."""
    held: Money
    """What is held of them until then."""


class PresetView(_View):
    """What can be ordered by a name."""

    name: str
    title: str
    help: str
    engine: EngineName
    inputs: tuple[InputView, ...]
    price: Price
    """In credits, for a run that completed; `hold` is what is held of them until it has."""
    steps: tuple[str, ...]
    """Of a preset that is made of others: their names, one after another."""
    sum: SumView | None
    """What those come to together; null where there are none."""
    cancel_fee: Literal["none", "cost"]
    time_limit: int
    """Seconds that a run may take."""
    active: bool
    """Whether it can be ordered."""
    allowed: Literal["all"] | tuple[str, ...]
    """Who may order it: everybody, or people with one of these roles."""
    version: int
    updated_at: Time


class PresetList(_View):
    """The presets that can be ordered, by name."""

    items: tuple[PresetView, ...]


def viewed(preset: Preset, language: Language, tag: Tag | None = None) -> PresetView:
    """Return a preset as it is shown in a language, with what its steps come to."""
    steps = preset.target.steps if isinstance(preset.target, ChainTarget) else ()
    return PresetView(
        name=preset.name,
        title=preset.titles.of(language),
        help=preset.help.of(language),
        engine=preset.engine,
        inputs=tuple(_input(each, language) for each in preset.inputs),
        price=preset.price,
        steps=tuple(each.preset for each in steps),
        sum=SumView(price=tag.price, exact=tag.exact, held=tag.held) if tag else None,
        cancel_fee=preset.cancel_fee,
        time_limit=preset.time_limit,
        active=preset.active,
        allowed=preset.allowed,
        version=preset.version,
        updated_at=preset.updated_at,
    )


def _input(asked: Input, language: Language) -> InputView:
    choices = asked.choices if isinstance(asked, ChoiceInput) else ()
    return InputView(
        name=asked.name,
        title=asked.titles.of(language),
        type=asked.type,
        required=asked.required,
        default=asked.default,
        bounds=BoundsView.model_validate(inputs.bounds(asked), by_alias=True),
        choices=tuple(
            ChoiceView(value=each.value, title=each.titles.of(language)) for each in choices
        ),
    )
