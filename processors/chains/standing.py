"""Say how far a job has come: "step 2 of 3"."""

from typing import NamedTuple

from processors.chains.advancing import Made
from schemas.job import Job, Step


class Standing(NamedTuple):
    """How far a job has come, in steps as its person counts them.

    Attributes:
        step: The first that is not at its end; the last where all are.
        of: How many there are, with those of the job that it goes on from.
    """

    step: int
    of: int


def standing(job: Job, made: Made) -> Standing:
    """Return how far a job has come.

    Args:
        job: The job.
        made: Its generations; where there are none at hand, what is settled counts.
    """
    before = job.first - 1
    open_ones = [each.number for each in job.steps if not _done(each, made)]
    return Standing(before + min(open_ones, default=job.last), before + job.last)


def _done(step: Step, made: Made) -> bool:
    record = made.get(step.generation)
    return step.outcome is not None if record is None else record.ended
