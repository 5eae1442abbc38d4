"""Order a step of a job again, with all that comes after it: a job that goes on from another."""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from processors.chains.advancing import Made, take
from processors.errors import ChainRefusedError
from schemas.base import GenerationId
from schemas.job import Job, Source, Step
from schemas.run import RunStatus


class Again(NamedTuple):
    """A generation that is ordered again.

    Attributes:
        step: As it was.
        number: Of the step in the new job, from 1.
        item: Of that step, from 1.
        fixed: What those that stay have made for it, by the engine's names of its inputs.
        sources: What it takes from others that are ordered again, likewise.
    """

    step: Step
    number: int
    item: int
    fixed: Mapping[str, JsonValue]
    sources: Mapping[str, Source]


def again(job: Job, made: Made, number: int) -> tuple[Again, ...]:
    """Return what is ordered again where a step is: in its order, and with what it takes.

    What of the step has not completed; all of it, where all has. And what comes later and has
    not completed, or took something of that. What waits for others that have not completed, and
    are not ordered again, is left out.

    Raises:
        ChainRefusedError: There is no such step; what it needs is no longer there.
    """
    chosen = _chosen(job, made, number)
    if not job.parts(number):
        raise ChainRefusedError("step", f"there is no step {number}")
    if not chosen:
        raise ChainRefusedError("step", "it takes what an earlier step has not made; retry that")
    numbers = sorted({each.number for each in chosen.values()})
    found, items = list[Again](), dict[int, int]()
    for step in chosen.values():
        items[step.number] = items.get(step.number, 0) + 1
        kept = {key: each for key, each in step.sources.items() if each.generation not in chosen}
        fixed = {**step.fixed, **{key: _fixed(each, made) for key, each in kept.items()}}
        new = numbers.index(step.number) + 1
        sources = {
            key: each.change(step=numbers.index(each.step) + 1)
            for key, each in step.sources.items()
            if key not in kept
        }
        found.append(Again(step, new, items[step.number], fixed, sources))
    return tuple(found)


def _chosen(job: Job, made: Made, number: int) -> dict[GenerationId, Step]:
    completed = {each.id for each in made.values() if each.status is RunStatus.COMPLETED}
    parts = job.parts(number)
    left = [each for each in parts if each.generation not in completed] or parts
    wanted = {each.generation for each in left}
    chosen = dict[GenerationId, Step]()
    for step in job.steps:
        sources = {each.generation for each in step.sources.values()}
        later = step.number > number and step.generation not in completed
        again = step.generation in wanted or later or not sources.isdisjoint(chosen)
        if again and sources <= completed | chosen.keys():
            chosen[step.generation] = step
    return chosen


def _fixed(source: Source, made: Made) -> JsonValue:
    value = take(source, made).value
    if value is None:
        raise ChainRefusedError("step", f"what step {source.step} made is no longer there")
    return value
