"""What is stuck: what should have moved by itself by now, why it has not, and since when.

A job that waits for its person's word is open, and not stuck; so is a step that waits for others
which still run. Of each record the one reason is told that says most.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from processors import backoff, debts, runs
from schemas.base import GenerationId
from schemas.debt import MANY_TRIES, Debt, DebtKind, Owing
from schemas.generation import Generation
from schemas.job import Job, JobStatus, Step
from schemas.run import RunStatus
from schemas.stuck import Stuck, StuckReason
from schemas.timing import Timing

WORDS: Final[Mapping[StuckReason, str]] = {
    StuckReason.NOT_STARTED: "ordered, and not everything of it is made",
    StuckReason.NOT_ADVANCED: "its turn has come, and nobody lets it begin",
    StuckReason.NOT_ENDED: "all of it is over, and the job is not",
    StuckReason.SUBMIT_UNKNOWN: "sent, and nobody knows whether its engine has it",
    StuckReason.SILENT: "its time is up, and its engine says nothing",
    StuckReason.CLAIM_RAN_OUT: "a process took it up, and did not do it",
    StuckReason.NOBODY_WORKS: "due, and taken up by nobody: does a process work?",
    StuckReason.FAILING: "tried often, and fails each time",
    StuckReason.DEAD: "given up",
}
"""Each reason in words for people."""
_FOLLOWED: Final = frozenset({DebtKind.KEEP, DebtKind.SETTLE, DebtKind.ADVANCE, DebtKind.END})
"""What an ended run owes while its job still goes on by itself."""
_MOVING: Final = frozenset({DebtKind.START, DebtKind.ADVANCE, DebtKind.CANCEL})
"""What a job owes while it is about to move."""


def words_of(stuck: Stuck) -> str:
    """Say for people why something is stuck: what it owes, and what was last said of that."""
    about = f"{stuck.debt}: " if stuck.debt else ""
    return about + WORDS[stuck.reason] + (f" ({stuck.error})" if stuck.error else "")


def of_generation(generation: Generation, now: datetime, timing: Timing) -> Stuck | None:
    """Return why a generation is stuck; None where it is not.

    Whether a step that waits should have begun by now is told by its job.
    """
    found = _unknown(generation, now, timing) or _owing(
        generation, now, timing, silent=_silent(generation, now, timing)
    )
    if found is None:
        return None
    return found.change(
        job=generation.job_id,
        generation=generation.id,
        step=generation.step,
        of=None if generation.step is None else generation.steps,
        engine=generation.engine,
        status=generation.status.value,
    )


def of_job(
    job: Job, made: Mapping[GenerationId, Generation], now: datetime, timing: Timing
) -> tuple[Stuck, ...]:
    """Return why a job is stuck, and which of its steps should have begun; nothing where none is.

    Args:
        job: The job.
        made: Those of its generations that are there. What these owe is told by `of_generation`.
        now: When.
        timing: Limits.
    """
    own = _unmade(job, made, now, timing) or _owing(job, now, timing)
    if own is None and not _at_rest(job):
        waiting = tuple(_waiting(job, made, now, timing))
        if waiting:
            return waiting
        own = _over(job, made, now, timing)
    if own is None:
        return ()
    return (own.change(job=job.id, of=job.last, status=job.status.value),)


def _unknown(generation: Generation, now: datetime, timing: Timing) -> Stuck | None:
    since = runs.sent_at(generation)
    if generation.status is not RunStatus.SUBMITTING or now < since + timing.stuck_due:
        return None
    return _found(StuckReason.SUBMIT_UNKNOWN, since, now, debts.find(generation.owed, runs.SUBMIT))


def _silent(generation: Generation, now: datetime, timing: Timing) -> Stuck | None:
    waits = generation.ended or generation.status is RunStatus.WAITING
    since = runs.limit_at(generation, timing)
    if waits or now < since + timing.stuck_due:
        return None
    return _found(StuckReason.SILENT, since, now, debts.find(generation.owed, runs.ASK))


def _owing(
    record: Owing, now: datetime, timing: Timing, *, silent: Stuck | None = None
) -> Stuck | None:
    """Return the worst that is the matter with what a record owes."""
    live = [each for each in record.owed if each.dead_at is None]
    for debt in live:
        if debt.kind in debts.COUNTED and debt.attempts >= MANY_TRIES:
            return _found(StuckReason.FAILING, _failing_since(debt, timing), now, debt)
    if silent is not None:
        return silent
    late = [each for each in live if each.next_at + timing.stuck_due <= now]
    for debt in sorted(late, key=lambda each: each.next_at)[:1]:
        left = StuckReason.CLAIM_RAN_OUT if debt.by else StuckReason.NOBODY_WORKS
        return _found(left, debt.next_at, now, debt)
    for debt in record.owed:
        if debt.dead_at is not None and now < debt.dead_at + timing.stuck_given_up:
            return _found(StuckReason.DEAD, debt.dead_at, now, debt)
    return None


def _failing_since(debt: Debt, timing: Timing) -> datetime:
    """Return about when a debt began to fail: its waits tell, and nothing else does."""
    waits = [min(each, timing.retry_inward_most) for each in timing.retry]
    return debt.next_at - backoff.waited(debt.attempts, waits)


def _unmade(
    job: Job, made: Mapping[GenerationId, Generation], now: datetime, timing: Timing
) -> Stuck | None:
    lacks = any(each.generation not in made and each.outcome is None for each in job.steps)
    unmade = job.status is JobStatus.PENDING or (job.status is JobStatus.ACTIVE and lacks)
    if not unmade or now < job.created_at + timing.stuck_due:
        return None
    start = next((each for each in job.owed if each.kind is DebtKind.START), None)
    return _found(StuckReason.NOT_STARTED, job.created_at, now, start)


def _at_rest(job: Job) -> bool:
    """Return whether a job waits by right: it is over, its person is asked, or it owes the next."""
    owes = any(each.kind in _MOVING for each in job.owed)
    return job.ended or job.pause is not None or owes


def _waiting(
    job: Job, made: Mapping[GenerationId, Generation], now: datetime, timing: Timing
) -> Iterator[Stuck]:
    for step in job.steps:
        generation = made.get(step.generation)
        if generation is None or generation.status is not RunStatus.WAITING:
            continue
        since = _ready_since(job, step, made)
        if since is not None and since + timing.stuck_due <= now:
            yield _found(StuckReason.NOT_ADVANCED, since, now, None).change(
                job=job.id,
                generation=generation.id,
                step=step.number,
                of=job.last,
                engine=generation.engine,
                status=generation.status.value,
            )


def _ready_since(job: Job, step: Step, made: Mapping[GenerationId, Generation]) -> datetime | None:
    """Return since when nothing keeps a step waiting; None where something does.

    Where its person is asked after each step, all of those before it do.
    """
    if job.manual:
        before = [each.generation for each in job.steps if each.number < step.number]
    else:
        before = [each.generation for each in step.sources.values()]
    return _done_since([made.get(each) for each in before])


def _over(
    job: Job, made: Mapping[GenerationId, Generation], now: datetime, timing: Timing
) -> Stuck | None:
    there = [made[each.generation] for each in job.steps if each.generation in made]
    since = _done_since(there)
    if job.status is not JobStatus.ACTIVE or since is None or now < since + timing.stuck_due:
        return None
    return _found(StuckReason.NOT_ENDED, since, now, None)


def _done_since(found: Iterable[Generation | None]) -> datetime | None:
    """Return since when all of these are done with; None where one is not, or none is there."""
    ends = list[datetime]()
    for each in found:
        if each is None or not each.ended or _goes_on(each):
            return None
        ends.append(each.response_timestamp or each.updated_at)
    return max(ends, default=None)


def _goes_on(generation: Generation) -> bool:
    """Return whether an ended run owes what its job waits for."""
    return any(each.kind in _FOLLOWED for each in generation.owed)


def _found(reason: StuckReason, since: datetime, now: datetime, debt: Debt | None) -> Stuck:
    if debt is None:
        return Stuck(reason=reason, since=since, status="")
    again = debt.next_at if debt.dead_at is None and debt.next_at > now else None
    return Stuck(
        reason=reason, since=since, status="", debt=debt.key, error=debt.last_error, next=again
    )
