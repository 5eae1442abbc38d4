"""Go on with a chain: what begins now, and what never will."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from pydantic import JsonValue

from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.image import SCHEME
from schemas.job import Job, Source, Step
from schemas.run import Output, OutputKind, RunStatus

Made: TypeAlias = Mapping[GenerationId, Generation]
"""The generations of a job, as they are."""


class Begin(NamedTuple):
    """A generation whose turn has come, and what it takes, by the engine's names of its inputs."""

    generation: GenerationId
    inputs: dict[str, JsonValue]


class Drop(NamedTuple):
    """A generation whose turn will never come, and why.

    Attributes:
        reason: ``step_failed`` (what it waited for), ``nothing_made`` (no such output),
            ``outputs_lost`` (it is gone) or ``input_refused`` (it does not fit).
    """

    generation: GenerationId
    reason: str


Move: TypeAlias = Begin | Drop


class Taken(NamedTuple):
    """What an input is given, or why it never will be; neither where that is not known yet."""

    value: str | None = None
    never: str | None = None


def moves(job: Job, made: Made) -> tuple[Move, ...]:
    """Return what begins and what is dropped, in the order of the steps.

    Nothing where the job is to be cancelled: then its every generation is.

    Args:
        job: What was ordered.
        made: Its generations, or those that `concerned` names.
    """
    # Whoever starts it may not have said so yet; what is there was held for and made.
    if job.ended or job.cancel_wanted:
        return ()
    found, gone = list[Move](), set[GenerationId]()
    for step in job.steps:
        record = made.get(step.generation)
        if record is None or record.status is not RunStatus.WAITING:
            continue
        move = _move(job, step, made, gone)
        if isinstance(move, Drop):
            gone.add(step.generation)
        found += [] if move is None else [move]
    return tuple(found)


def concerned(job: Job, ended: Generation) -> tuple[GenerationId, ...]:
    """Return the generations that decide what follows from an end.

    Of a success those that take something of it, with all that they take from; else all.
    """
    if ended.status is not RunStatus.COMPLETED:
        return tuple(each.generation for each in job.steps)
    takers = [each for each in job.steps if _takes_from(each, ended.id)]
    ids = [ended.id]
    for each in takers:
        ids += [each.generation, *(source.generation for source in each.sources.values())]
    return tuple(dict.fromkeys(ids))


def following(job: Job, generation_id: GenerationId) -> tuple[GenerationId, ...]:
    """Return the generations that wait for one, themselves or by way of others that do."""
    found = {generation_id}
    for step in job.steps:
        if any(source.generation in found for source in step.sources.values()):
            found.add(step.generation)
    return tuple(
        each.generation for each in job.steps if each.generation in found - {generation_id}
    )


def take(source: Source, made: Made) -> Taken:
    """Return what a source gives, once its generation has completed and is copied."""
    record = made.get(source.generation)
    if record is None or not record.ended:
        return Taken()
    if record.status is not RunStatus.COMPLETED:
        return Taken(never="step_failed")
    fitting = [each for each in record.response_payload.outputs if _fits(each, source)]
    if len(fitting) < source.place:
        return Taken(never="nothing_made")
    return _given(fitting[source.place - 1], source)


def _move(job: Job, step: Step, made: Made, gone: Collection[GenerationId]) -> Move | None:
    """Return what becomes of a generation that waits; None where it goes on waiting."""
    inputs, waits = dict[str, JsonValue](), False
    for key, source in step.sources.items():
        dropped = source.generation in gone
        taken = Taken(never="step_failed") if dropped else take(source, made)
        if taken.never is not None:
            return Drop(step.generation, taken.never)
        if taken.value is None:
            waits = True
        else:
            inputs[key] = taken.value
    held_back = job.manual and step.number > job.continued + 1
    return None if waits or held_back else Begin(step.generation, inputs)


def _given(output: Output, source: Source) -> Taken:
    if source.type is OutputKind.TEXT:
        text = output.text or ""
        fits = source.most is None or len(text) <= source.most
        return Taken(value=text) if fits else Taken(never="input_refused")
    if output.key is not None:
        return Taken(value=SCHEME + output.key)
    # Its copy is still being made, or there will never be one.
    return Taken() if output.not_kept is None and output.url else Taken(never="outputs_lost")


def _fits(output: Output, source: Source) -> bool:
    return output.kind is source.type and output.id.startswith(source.of or "")


def _takes_from(step: Step, generation: GenerationId) -> bool:
    return any(each.generation == generation for each in step.sources.values())
