"""Ask after each step whether to go on: a manual job pauses until its person says so."""

from datetime import datetime

from processors import debts, jobs
from processors.chains.advancing import Made
from processors.debts import Taker
from schemas.debt import Debt, DebtKind
from schemas.job import Job, Pause
from schemas.run import RunStatus
from schemas.timing import Timing


def paused(job: Job, made: Made, now: datetime, timing: Timing, taker: Taker | None = None) -> Job:
    """Have a job wait for its person's word, if a step is done and settled and others wait.

    It owes `advance` for when nobody has said it in time, and its chat the telling of the step.
    """
    if job.pause is not None:
        return _until(job, job.pause)
    step = _done(job, made)
    if step is None:
        return job
    pause = Pause(step=step, at=now, until=now + timing.continue_within)
    waiting = _until(job.change(pause=pause), pause)
    return jobs.step_done(waiting, step, now, taker)


def undecided(job: Job, now: datetime) -> bool:
    """Return whether a job has waited for its person's word for as long as it may."""
    return job.pause is not None and now >= job.pause.until


def continued(job: Job, step: int, now: datetime, taker: Taker | None = None) -> Job:
    """Let a job go on after a step; one that does not wait there stays as it is."""
    if job.pause is None or job.pause.step != step or job.cancel_wanted:
        return job
    freed = job.change(pause=None, continued=step)
    debt = Debt(key=jobs.ADVANCE, kind=DebtKind.ADVANCE, next_at=now)
    return debts.put(freed, debts.owe(freed.owed, debt, taker=taker))


def _until(job: Job, pause: Pause) -> Job:
    debt = Debt(key=jobs.ADVANCE, kind=DebtKind.ADVANCE, next_at=pause.until)
    return debts.put(job, debts.owe(job.owed, debt))


def _done(job: Job, made: Made) -> int | None:
    """Return the step after which a job waits; None where it does not."""
    if not job.manual or job.ended or job.cancel_wanted:
        return None
    records = [(each, made.get(each.generation)) for each in job.steps]
    left = [(step, record) for step, record in records if record is not None and not record.ended]
    if not left:
        return None
    first = left[0][0].number
    waiting = all(
        record.status is RunStatus.WAITING for step, record in left if step.number == first
    )
    settled = all(
        each.outcome is not None and each.outcome.price is not None
        for each in job.steps
        if each.number < first
    )
    after = first - 1
    return after if waiting and settled and after > job.continued else None
