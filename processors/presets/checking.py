"""What is wrong with a preset although each of its fields is well formed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from processors.errors import InputRefusedError
from processors.images.keys import given_in
from processors.presets import inputs
from schemas.preset import (
    ChainTarget,
    ChoiceInput,
    CostPrice,
    Definition,
    ImageInput,
    Input,
    IntegerInput,
    NumberInput,
    StepsPrice,
    TextInput,
    WorkflowTarget,
)

Path: TypeAlias = tuple[str | int, ...]
"""Where in a preset: the names and numbers that lead there."""

_FIELD: Final = re.compile(r".+/[^/]+", re.DOTALL)
_NO_FIELD: Final = "names a field of a node, as in 6/text"


class Problem(NamedTuple):
    """One thing that is wrong, in words that follow the place."""

    path: Path
    said: str


def problems(preset: Definition) -> tuple[Problem, ...]:
    """Return everything that is wrong with a preset; nothing where it may be stored."""
    return (
        *_of_chains(preset),
        *_of_money(preset),
        *_of_names(preset),
        *_of_inputs(preset),
        *_of_fields(preset),
    )


def is_field(key: str) -> bool:
    """Return whether a key is the name of a node's field: ``{node id}/{field}``."""
    return _FIELD.fullmatch(key) is not None


def _of_chains(preset: Definition) -> Iterator[Problem]:
    """Yield what a preset that is made of others cannot have; what its steps name shows later."""
    chain, steps = isinstance(preset.target, ChainTarget), isinstance(preset.price, StepsPrice)
    if chain != steps:
        said = "comes to what its steps do: kind is steps" if chain else "is of presets with steps"
        yield Problem(("price", "kind"), said)
    if not chain:
        return
    if preset.constants:
        yield Problem(("constants",), "belong to an engine; each step has inputs of its own")
    if preset.cost_rate is not None:
        yield Problem(("costRate",), "belongs to the presets of its steps")
    if preset.cancel_fee != "none":
        yield Problem(("cancelFee",), "belongs to the presets of its steps")


def _of_money(preset: Definition) -> Iterator[Problem]:
    if preset.cost_rate is not None or isinstance(preset.target, ChainTarget):
        return
    if isinstance(preset.price, CostPrice):
        yield Problem(("price", "kind"), "a price that follows the cost needs a costRate")
    if preset.cancel_fee == "cost":
        yield Problem(("cancelFee",), "a fee that follows the cost needs a costRate")


def _of_names(preset: Definition) -> Iterator[Problem]:
    names = [each.name for each in preset.inputs]
    keys = [each.key for each in preset.inputs]
    for index in _repeated(names):
        yield Problem(("inputs", index, "name"), "another input has this name")
    for index in _repeated(keys):
        if names[index] not in names[:index]:
            yield Problem(("inputs", index), f"another input goes to {keys[index]} too")
    for index, key in enumerate(keys):
        if key in preset.constants:
            yield Problem(("inputs", index), f"goes to {key}, which is among the constants")


def _of_inputs(preset: Definition) -> Iterator[Problem]:
    for index, each in enumerate(preset.inputs):
        for path, said in _of_input(each):
            yield Problem(("inputs", index, *path), said)


def _of_fields(preset: Definition) -> Iterator[Problem]:
    """Yield what no workflow could take; whether it has the fields shows once it is read."""
    if not isinstance(preset.target, WorkflowTarget):
        return
    for index, each in enumerate(preset.inputs):
        if not is_field(each.key):
            yield Problem(("inputs", index, "to"), _NO_FIELD)
        if isinstance(each, ImageInput) and each.default is not None:
            said = (
                "a ComfyUI fetches nothing; without a default it takes the workflow's own picture"
            )
            yield Problem(("inputs", index, "default"), said)
    for key in preset.constants:
        if not is_field(key):
            yield Problem(("constants", key), _NO_FIELD)


def _of_input(asked: Input) -> Iterator[Problem]:
    match asked:
        case TextInput() if asked.least > asked.most:
            yield Problem(("minLength",), "is more than maxLength")
        case IntegerInput() | NumberInput() if (
            asked.least is not None and asked.most is not None and asked.least > asked.most
        ):
            yield Problem(("min",), "is more than max")
        case ChoiceInput():
            written = [str(each.value) for each in asked.choices]
            for index in _repeated(written):
                yield Problem(("choices", index, "value"), "another choice has this value")
        case _:
            pass
    if asked.default is not None:
        yield from _of_default(asked)


def _of_default(asked: Input) -> Iterator[Problem]:
    if asked.required:
        yield Problem(("required",), "what has a default is never missing; take one of them away")
    try:
        inputs.take(asked, asked.default)
    except InputRefusedError as error:
        yield Problem(("default",), f"would be refused itself: {error.fault.value}")
    if isinstance(asked, ImageInput) and given_in(asked.default) is not None:
        yield Problem(("default",), "is not kept for ever; give an address")


def _repeated(values: Iterable[str]) -> Iterator[int]:
    """Yield the places of values that have come before."""
    seen = Counter[str]()
    for index, value in enumerate(values):
        if seen[value]:
            yield index
        seen[value] += 1
