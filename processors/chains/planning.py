"""Plan a chain: check that what its steps take from one another fits, and write them down."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from pydantic import JsonValue
from pydantic_core import to_json

from processors import jobs
from processors.errors import ChainRefusedError, InputRefusedError
from schemas.base import GenerationId, UserId
from schemas.job import Source, Step
from schemas.preset import (
    ITEMS_MOST,
    PARTS_MOST,
    Binding,
    ChainTarget,
    Definition,
    ImageInput,
    Input,
    NamedOutput,
    TextInput,
)
from schemas.run import OutputKind

_TAKES: Final[Mapping[OutputKind, type[Input]]] = {
    OutputKind.IMAGE: ImageInput,
    OutputKind.TEXT: TextInput,
}
"""Which inputs take which outputs."""


BYTES_MOST: Final = 262_144
"""Bytes of JSON that the inputs of all runs of a job may take."""


class Wanted(NamedTuple):
    """A step as it is ordered.

    Attributes:
        preset: What is made.
        inputs: What is given, by the names of the preset's inputs.
        bindings: What earlier steps give.
        over: The values that it is made once for each of.
    """

    preset: Definition
    inputs: Mapping[str, JsonValue]
    bindings: Mapping[str, Binding]
    over: Mapping[str, Sequence[JsonValue]]


Ids: TypeAlias = Sequence[Sequence[GenerationId]]
"""Of generations: for each step those of its items."""


class Terms(NamedTuple):
    """Who orders, and at what rates.

    Attributes:
        user: Who.
        estimates: What a run of each preset is expected to cost, in USD.
        credits_per_usd: How many credits a dollar is.
    """

    user: UserId
    estimates: Mapping[str, Decimal | None]
    credits_per_usd: Decimal


def sizes(wanted: Sequence[Wanted]) -> tuple[int, ...]:
    """Return how many times each step is made.

    Raises:
        ChainRefusedError: A step takes what there is not, or what does not fit; or there are
            more of them than a job may have.
    """
    found = list[int]()
    for number, step in enumerate(wanted, 1):
        _check_names(number, step)
        _check_bindings(number, step, wanted, found)
        found.append(_size(number, step, found))
    if sum(found) > PARTS_MOST:
        raise ChainRefusedError("steps", f"come to {sum(found)} runs; a job has {PARTS_MOST}")
    return tuple(found)


def planned(wanted: Sequence[Wanted], ids: Ids, terms: Terms) -> tuple[Step, ...]:
    """Return the steps as they are agreed on, one for each item.

    Args:
        wanted: What is ordered, as `sizes` has found it good.
        ids: Of the generations: for each step as many as it is made times.
        terms: Who orders, and at what rates.

    Raises:
        InputRefusedError: One of the inputs is not what its preset takes.
        ChainRefusedError: The inputs of all runs together are more than a record should carry.
    """
    plan = _Plan(wanted, ids, terms)
    steps = tuple(
        plan.step(number, item)
        for number in range(1, len(wanted) + 1)
        for item in range(1, len(ids[number - 1]) + 1)
    )
    size = sum(len(to_json(each.inputs)) for each in steps)
    if size > BYTES_MOST:
        raise ChainRefusedError("steps", f"inputs come to {size} bytes; at most {BYTES_MOST}")
    return steps


class _Plan(NamedTuple):
    """What is ordered, the ids of its generations, and the terms."""

    wanted: Sequence[Wanted]
    ids: Ids
    terms: Terms

    def step(self, number: int, item: int) -> Step:
        """Return an item of a step as it is agreed on."""
        step = self.wanted[number - 1]
        values = {name: given[item - 1] for name, given in step.over.items()}
        try:
            agreed = jobs.step_for(
                step.preset,
                {**step.inputs, **values},
                self.ids[number - 1][item - 1],
                user=self.terms.user,
                estimate_usd=self.terms.estimates.get(step.preset.name),
                credits_per_usd=self.terms.credits_per_usd,
                bound=step.bindings,
            )
        except InputRefusedError as error:
            raise (error.at(number) if len(self.wanted) > 1 else error) from None
        sources = {
            _input(step.preset, name).key: self.source(step.preset, name, binding, item)
            for name, binding in step.bindings.items()
        }
        return agreed.change(number=number, item=item, sources=sources)

    def source(self, preset: Definition, name: str, binding: Binding, item: int) -> Source:
        """Return where an input of an item comes from."""
        of = self.ids[binding.step - 1]
        chosen = binding.item or (item if len(of) > 1 else 1)
        output = _output(self.wanted[binding.step - 1].preset, binding.output)
        asked = _input(preset, name)
        return Source(
            step=binding.step,
            generation=of[chosen - 1],
            type=output.type,
            of=output.of,
            place=binding.place,
            most=asked.most if isinstance(asked, TextInput) else None,
        )


def _check_names(number: int, step: Wanted) -> None:
    """Refuse inputs that there are not, or that are given in two ways."""
    at, known = f"steps.{number}", {each.name for each in step.preset.inputs}
    if isinstance(step.preset.target, ChainTarget):
        raise ChainRefusedError(f"{at}.preset", "is made of steps itself; order it by itself")
    ways = {"bindings": step.bindings, "over": step.over}
    for way, names in ways.items():
        for name in names:
            if name not in known:
                raise ChainRefusedError(f"{at}.{way}.{name}", f"is no input of {step.preset.name}")
    given = [name for name, value in step.inputs.items() if value is not None]
    for name in (*step.bindings, *step.over):
        if (*given, *step.bindings, *step.over).count(name) > 1:
            raise ChainRefusedError(f"{at}.inputs.{name}", "is given in two ways")


def _check_bindings(
    number: int, step: Wanted, wanted: Sequence[Wanted], found: Sequence[int]
) -> None:
    for name, binding in step.bindings.items():
        at = f"steps.{number}.bindings.{name}"
        if binding.step > len(wanted):
            raise ChainRefusedError(at, f"there is no step {binding.step}")
        if binding.step >= number:
            raise ChainRefusedError(
                at, f"step {number} comes before step {binding.step} has made anything"
            )
        if binding.item is not None and binding.item > found[binding.step - 1]:
            raise ChainRefusedError(
                at, f"step {binding.step} is made {found[binding.step - 1]} times"
            )
        _check_type(at, step.preset, name, wanted[binding.step - 1].preset, binding.output)


def _check_type(at: str, preset: Definition, name: str, source: Definition, output: str) -> None:
    named = next((each for each in source.outputs if each.name == output), None)
    if named is None:
        made = ", ".join(each.name for each in source.outputs) or "nothing"
        raise ChainRefusedError(at, f"{source.name} makes no {output}; it makes {made}")
    asked = _input(preset, name)
    takes = _TAKES.get(named.type)
    if takes is None or not isinstance(asked, takes):
        raise ChainRefusedError(at, f"an input of type {asked.type} takes no {named.type}")


def _size(number: int, step: Wanted, found: Sequence[int]) -> int:
    """Return how many times a step is made: once for each value, or each item that it takes."""
    counts = {f"over.{name}": len(values) for name, values in step.over.items()}
    for name, binding in step.bindings.items():
        many = found[binding.step - 1]
        if binding.item is None and many > 1:
            counts[f"bindings.{name}"] = many
    size = max(counts.values(), default=1)
    for field, count in counts.items():
        at = f"steps.{number}.{field}"
        if not 1 <= count <= ITEMS_MOST:
            raise ChainRefusedError(at, f"takes from 1 to {ITEMS_MOST} values")
        if count != size:
            raise ChainRefusedError(at, f"has {count} values where another has {size}")
    return size


def _input(preset: Definition, name: str) -> Input:
    return next(each for each in preset.inputs if each.name == name)


def _output(preset: Definition, name: str) -> NamedOutput:
    return next(each for each in preset.outputs if each.name == name)
