"""What is left of a job whose person is forgotten: what was ordered, when, and what it came to."""

from typing import Final

from schemas.debt import OUTWARD, Debt, DebtKind
from schemas.job import Job, Step

_DROPPED: Final = OUTWARD | {DebtKind.WEBHOOK}
"""Debts that need not be paid once a person is forgotten."""


def forgettable(job: Job) -> bool:
    """Return whether nothing is still to happen to it, and no credits are held for it."""
    held = any(each.outcome is not None and each.outcome.price is None for each in job.steps)
    return job.ended and not held and all(map(_idle, job.owed))


def blanked(job: Job) -> Job:
    """Return the job without anything that its person said, or is reached by."""
    if not forgettable(job):
        return job
    return job.change(
        chat=None,
        steps=tuple(map(_blank, job.steps)),
        status_reason=None,
        owed=(),
        due_at=None,
    )


def _idle(debt: Debt) -> bool:
    """Return whether a debt can be dropped: it is dead, or nobody tells it at the moment."""
    return debt.dead_at is not None or (debt.kind in _DROPPED and debt.by is None)


def _blank(step: Step) -> Step:
    outcome = step.outcome
    return step.change(
        inputs={},
        fixed={},
        work=None,
        outcome=None if outcome is None else outcome.change(reason=None),
    )
