"""A job as the API shows it: what was ordered, with how far each part of it has come."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.usecases.orders import JobView
from app.web import shown
from app.web.services import Link
from processors import chains, projections
from schemas.base import GenerationId, plain
from schemas.generation import Generation
from schemas.job import Job, Step
from schemas.run import RunStatus

Json = dict[str, Any]
"""What the API says of something; Any, as in `shown`."""

_OF_OUTPUT: Final = ("kind", "url", "mediaUrl", "text")


def internal(view: JobView, link: Link) -> Json:
    """Return a job as the API shows it, its generations beside it."""
    made = [shown.internal(each, link) for each in view.generations]
    return {
        **_shown(view.job, view.generations),
        "outputs": _outputs(view.job, made),
        "generations": made,
    }


def public(view: JobView, link: Link) -> Json:
    """Return what whom a job belongs to may see of it, in the same shape as `internal`."""
    told = _shown(view.job, view.generations)
    made = [shown.internal(each, link) for each in view.generations]
    return {
        **projections.job(told),
        "outputs": [projections.made(each) for each in _outputs(view.job, made)],
        "generations": [shown.public(each, link) for each in view.generations],
    }


def listed(job: Job) -> Json:
    """Return a job as lists show it: what its generations would tell is unknown there.

    Nor does it say what was given for each of up to 200 runs: a page of such jobs has no bound.
    """
    told = _shown(job)
    return {**told, "steps": [{**each, "inputs": {}} for each in told["steps"]]}


def _shown(job: Job, generations: Sequence[Generation] = ()) -> Json:
    made = {each.id: each for each in generations}
    told = job.internal()
    steps = [
        {**each, **_progress(step, made)}
        for step, each in zip(job.steps, told["steps"], strict=True)
    ]
    standing = chains.standing(job, made)
    return {**told, "steps": steps, "step": standing.step, "of": standing.of}


def _progress(step: Step, made: Mapping[GenerationId, Generation]) -> Json:
    """Return how far an item of a step has come."""
    record, outcome = made.get(step.generation), step.outcome
    cost = outcome.cost_usd if outcome else None
    price = outcome.price if outcome else None
    status = record.status if record else outcome.status if outcome else None
    return {
        "status": None if status is None else status.value,
        "progress": record.progress if record else None,
        "attempt": record.attempt if record else None,
        "maxAttempts": record.max_attempts if record else None,
        "waitsFor": _waits_for(step, made) if status is RunStatus.WAITING else [],
        "costUsd": None if cost is None else plain(cost),
        "price": None if price is None else plain(price),
    }


def _waits_for(step: Step, made: Mapping[GenerationId, Generation]) -> list[int]:
    """Return the numbers of the steps that have not made yet what this one takes."""
    missing = {each.step for each in step.sources.values() if chains.take(each, made).value is None}
    return sorted(missing)


def _outputs(job: Job, made: Sequence[Json]) -> list[Json]:
    """Return what its runs have made so far, in the order of its steps."""
    outputs = {each["id"]: each["responsePayload"]["outputs"] for each in made}
    return [
        {"step": each.number, "item": each.item, **{name: output[name] for name in _OF_OUTPUT}}
        for each in job.steps
        for output in outputs.get(each.generation, ())
    ]
