"""The steps of a job as a small table: how each stands, and what it waits for."""

from collections.abc import Iterator, Mapping
from typing import Final

from app.cli import speaking
from schemas.base import GenerationId, plain
from schemas.generation import Generation
from schemas.job import Job, Step
from schemas.run import RunStatus

_HEADINGS: Final = (
    *("step", "item", "preset", "engine", "status"),
    *("attempts", "cost", "price", "waits for"),
)


def show(job: Job, made: Mapping[GenerationId, Generation]) -> None:
    """Print the steps of a job.

    Args:
        job: The job.
        made: Those of its generations that are there.
    """
    speaking.show(_HEADINGS, _rows(job, made))


def _rows(job: Job, made: Mapping[GenerationId, Generation]) -> Iterator[tuple[str, ...]]:
    for step in job.steps:
        generation = made.get(step.generation)
        items = len(job.parts(step.number))
        yield (
            f"{step.number} of {job.last}",
            f"{step.item} of {items}" if items > 1 else "",
            step.preset,
            _engine(step, generation),
            _status(step, generation),
            "" if generation is None else f"{generation.attempt} of {generation.max_attempts}",
            _cost(step, generation),
            _price(step),
            _waits(job, step, generation),
        )


def _engine(step: Step, generation: Generation | None) -> str:
    if generation is not None:
        return generation.engine
    return step.work.engine if step.work else ""


def _status(step: Step, generation: Generation | None) -> str:
    if generation is not None:
        return generation.status
    return step.outcome.status if step.outcome else "not made"


def _cost(step: Step, generation: Generation | None) -> str:
    known = generation.cost_usd if generation else step.outcome and step.outcome.cost_usd
    return "" if known is None else f"{plain(known)} USD"


def _price(step: Step) -> str:
    outcome = step.outcome
    if outcome is None or outcome.price is None:
        return f"{plain(step.held)} held"
    back = f", {plain(outcome.refunded)} given back" if outcome.refunded else ""
    return plain(outcome.price) + back


def _waits(job: Job, step: Step, generation: Generation | None) -> str:
    """Say what a step waits for, as long as it does."""
    if generation is None or generation.status is not RunStatus.WAITING:
        return ""
    taken = sorted({(each.step, name) for name, each in step.sources.items()})
    said = [f"{name} of step {number}" for number, name in taken]
    if job.pause is not None:
        said.append("its person's word")
    return ", ".join(said)
