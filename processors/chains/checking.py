"""What is wrong with a preset that is made of others: its steps name what is not there.

Whoever orders it gives only what it asks for, so everything else is settled beforehand.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from processors.chains.planning import Wanted, sizes
from processors.errors import ChainRefusedError, InputRefusedError
from processors.presets import inputs
from processors.presets.checking import Path, Problem
from schemas.preset import (
    ChainStep,
    ChainTarget,
    ChoiceInput,
    Definition,
    Input,
    IntegerInput,
    NumberInput,
    TextInput,
)

_STEPS: Final[Path] = ("target", "steps")
_GIVEN: Final = "given"
"""Stands for what a person gives."""


def misfits(preset: Definition, known: Mapping[str, Definition]) -> tuple[Problem, ...]:
    """Return everything that is wrong with the steps of a preset; nothing where it has none.

    Args:
        preset: The preset.
        known: All presets there are, by their names.
    """
    target = preset.target
    if not isinstance(target, ChainTarget):
        return ()
    unknown = tuple(_unknown(target, known))
    if unknown:
        # What they take and make nobody can tell.
        return unknown
    return (*_of_steps(preset, target, known), *_together(target, known))


def _unknown(target: ChainTarget, known: Mapping[str, Definition]) -> Iterator[Problem]:
    for index, step in enumerate(target.steps):
        found, path = known.get(step.preset), (*_STEPS, index, "preset")
        if found is None:
            yield Problem(path, f"there is no preset {step.preset}")
        elif isinstance(found.target, ChainTarget):
            yield Problem(path, f"{step.preset} is made of others itself")


def _of_steps(
    preset: Definition, target: ChainTarget, known: Mapping[str, Definition]
) -> Iterator[Problem]:
    """Yield what is wrong with what each step is given."""
    own = {each.name: each for each in preset.inputs}
    for index, step in enumerate(target.steps):
        place, theirs = (*_STEPS, index), {each.name: each for each in known[step.preset].inputs}
        for name, value in step.inputs.items():
            yield from _value(theirs, name, value, (*place, "inputs", name))
        for name, values in step.over.items():
            for number, value in enumerate(values):
                yield from _value(theirs, name, value, (*place, "over", name, number))
        yield from _asked(step, own, theirs, place)
        yield from _missing(step, own, theirs, place)


def _value(
    theirs: Mapping[str, Input], name: str, value: JsonValue, path: Path
) -> Iterator[Problem]:
    if name not in theirs:
        yield Problem(path, "is no input of this step")
        return
    try:
        inputs.take(theirs[name], value)
    except InputRefusedError as error:
        yield Problem(path, f"would be refused: {error.fault.value}")


def _asked(
    step: ChainStep, own: Mapping[str, Input], theirs: Mapping[str, Input], place: Path
) -> Iterator[Problem]:
    for name, asked in step.asked.items():
        path = (*place, "asked", name)
        if name not in theirs:
            yield Problem(path, "is no input of this step")
        elif asked not in own:
            yield Problem(path, f"there is no input {asked} to ask for")
        elif name in step.inputs:
            yield Problem(path, "is given in two ways")
        elif not _fits(own[asked], theirs[name]):
            yield Problem(path, f"what {asked} may be is not always taken here")


def _missing(
    step: ChainStep, own: Mapping[str, Input], theirs: Mapping[str, Input], place: Path
) -> Iterator[Problem]:
    for name, needed in theirs.items():
        ways = (step.inputs, step.over, step.bindings)
        if not needed.required or any(name in way for way in ways):
            continue
        given = own.get(step.asked.get(name, ""))
        if given is None or not (given.required or given.default is not None):
            yield Problem(place, f"{name} is needed, and may be given by nobody")


def _fits(given: Input, taken: Input) -> bool:
    """Return whether whatever is taken for one input is taken for another too."""
    match given, taken:
        case ChoiceInput(), _:
            return all(_takes(taken, each.value) for each in given.choices)
        case TextInput(), TextInput():
            return given.most <= taken.most and given.least >= taken.least
        case (IntegerInput(), IntegerInput() | NumberInput()) | (NumberInput(), NumberInput()):
            low, high = given.least, given.most
            return (taken.least is None or (low is not None and low >= taken.least)) and (
                taken.most is None or (high is not None and high <= taken.most)
            )
        case _:
            return given.type == taken.type


def _takes(asked: Input, value: JsonValue) -> bool:
    try:
        inputs.take(asked, value)
    except InputRefusedError:
        return False
    return True


def _together(target: ChainTarget, known: Mapping[str, Definition]) -> Iterator[Problem]:
    """Yield the first thing in which the steps do not fit together."""
    wanted = [
        Wanted(
            preset=known[step.preset],
            inputs={**dict.fromkeys(step.asked, _GIVEN), **step.inputs},
            bindings=step.bindings,
            over=step.over,
        )
        for step in target.steps
    ]
    try:
        sizes(wanted)
    except ChainRefusedError as error:
        yield Problem(_path(error.field), str(error).removeprefix(f"{error.field}: "))


def _path(field: str) -> Path:
    """Return the place in a preset of a field of an order, whose steps count from 1."""
    _, *rest = field.split(".")
    return (*_STEPS, int(rest[0]) - 1, *rest[1:]) if rest else _STEPS
