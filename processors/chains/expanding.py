"""Write a preset that is made of others out as the steps that it orders."""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from processors import presets
from schemas.base import EngineName
from schemas.preset import Binding, ChainTarget, Preset


class Ordered(NamedTuple):
    """A step as somebody orders it; see `Wanted`.

    Attributes:
        engine: Who they take it to be run by; None where they do not say.
    """

    preset: str
    inputs: Mapping[str, JsonValue]
    bindings: Mapping[str, Binding] = {}
    over: Mapping[str, tuple[JsonValue, ...]] = {}
    engine: EngineName | None = None


def expanded(
    preset: Preset, target: ChainTarget, given: Mapping[str, JsonValue]
) -> tuple[Ordered, ...]:
    """Return the steps of a preset that is made of others.

    Args:
        preset: What is ordered.
        target: Its steps.
        given: Values by the names of its inputs.

    Raises:
        InputRefusedError: One of them is not what it takes.
    """
    taken = presets.named(preset, given)
    return tuple(
        Ordered(
            preset=step.preset,
            inputs={
                **step.inputs,
                **{name: taken[asked] for name, asked in step.asked.items() if asked in taken},
            },
            bindings=step.bindings,
            over=step.over,
        )
        for step in target.steps
    )
