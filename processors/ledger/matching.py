"""Compare the ledger with the records: what is held for whom, and who has ended without a close.

What the ledger says of itself is for `auditing` to see. Here a line of a hold that is open must
be that of a job under way, and a job's generation that has ended must have closed its line.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from processors.ledger.auditing import OpenLine
from processors.ledger.deciding import close_key
from schemas.base import GenerationId, plain, rfc3339
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.job import Job
from schemas.timing import Timing


class EndedRun(NamedTuple):
    """A generation of a job that has ended, and when that was written."""

    generation: GenerationId
    job: str
    at: datetime


class Mismatch(NamedTuple):
    """Something that the ledger and the records do not say alike.

    Attributes:
        key: Of the entry that is there, or is missing.
        generation: Which one it is about.
        said: What is wrong, in words.
    """

    key: str
    generation: GenerationId
    said: str


def patience(timing: Timing) -> timedelta:
    """Return how long after an end its credits may be held.

    A provisional end holds them for its grace; a settling that fails is tried again after at
    most the longest wait of a debt to ourselves.
    """
    return timing.grace + timing.retry_inward_most


def held_for_nobody(
    line: OpenLine, job: Job | None, generation: Generation | None, now: datetime, timing: Timing
) -> Mismatch | None:
    """Return why a line should not be open any more, or None where its job is under way.

    Args:
        line: Of a hold, which nothing has closed.
        job: Whose hold it is, as it is now.
        generation: Whose line it is, as it is now.
        now: When.
        timing: How long after an end credits may be held.
    """
    said = _unheld(job, generation, now, timing)
    if said is None:
        return None
    words = f"{plain(line.amount)} credits are held, and {said}"
    return Mismatch(line.hold.key, line.generation, words)


def close_missing(ended: EndedRun) -> Mismatch:
    """Return what is wrong with a generation of a job whose line was never closed."""
    words = f"it ended at {rfc3339(ended.at)}, and its line was never closed (job {ended.job})"
    return Mismatch(close_key(ended.generation), ended.generation, words)


def _unheld(
    job: Job | None, generation: Generation | None, now: datetime, timing: Timing
) -> str | None:
    if job is None:
        return "there is no such job"
    if generation is not None:
        over = generation.history[-1].at if generation.ended else None
    elif any(each.kind is DebtKind.START for each in job.owed):
        return None
    else:
        over = job.ended_at or job.updated_at
    if over is None or now < over + patience(timing):
        return None
    if generation is None:
        return f"its job is {job.status.value} without this generation"
    return f"it ended at {rfc3339(over)} ({generation.status.value})"
