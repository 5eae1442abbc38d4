"""Reset what is stuck: everything that is owed is due now, and what should be owed is owed.

Nothing is sent that may have been sent: a run whose fate is unknown is looked for. What a process
has claimed is left to it as long as its claim lasts.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from processors import debts, runs
from processors.debts import Owed
from processors.jobs.ending import concluded
from schemas.base import GenerationId, Value
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation
from schemas.job import Job, JobStatus
from schemas.run import RunStatus


class Did(StrEnum):
    """What a reset did about a debt."""

    HURRIED = "hurried"
    """It was to be tried later, and is tried now."""
    RELEASED = "released"
    """A process had taken it up, and its claim had run out."""
    REPLAYED = "replayed"
    """It had been given up, and is tried again from the beginning."""
    OWED = "owed"
    """It was not owed, and should have been."""
    ENDED = "ended"
    """The job was over, and is ended."""


class Done(Value):
    """One thing that a reset did."""

    record: str
    """Of the job, or of one of its generations."""
    did: Did
    debt: str | None = None
    """The debt's key; None where it is about no debt."""


def reset_generation(
    generation: Generation, now: datetime, *, awaited: bool = False, unsettled: bool = False
) -> Generation:
    """Return a generation with everything that it owes due now, and what it should owe owed.

    Args:
        generation: The record.
        now: When.
        awaited: Whether a step of its job waits that takes something of it.
        unsettled: Whether its job does not know yet what it came to.
    """
    owed = _hurried(generation.owed, now, None)
    wanted = _wanted(generation, awaited=awaited, unsettled=unsettled)
    return debts.put(generation, _owed(owed, wanted, now))


def reset_job(job: Job, made: Mapping[GenerationId, Generation], now: datetime) -> Job:
    """Return a job with everything that it owes due now, and what it should owe owed.

    Until when it waits for its person's word stays as it is.

    Args:
        job: The record.
        made: Those of its generations that are there.
        now: When.
    """
    owed = _hurried(job.owed, now, job.pause.until if job.pause else None)
    waiting = any(each.status is RunStatus.WAITING for each in made.values())
    if job.manual and waiting and not (job.ended or job.cancel_wanted):
        # To begin what waits, or to ask its person, whichever it is time for.
        owed = _owed(owed, {DebtKind.ADVANCE}, now)
    if job.status is JobStatus.PENDING:
        owed = _owed(owed, {DebtKind.START}, now)
    running = (each for each in made.values() if not each.ended and not each.cancel_wanted)
    if job.cancel_wanted and not job.ended and any(running):
        owed = _owed(owed, {DebtKind.CANCEL}, now)
    return concluded(debts.put(job, owed), now)


def done(before: Job | Generation, after: Job | Generation) -> tuple[Done, ...]:
    """Return what a reset did, by how a record was and is."""
    found, ended = list[Done](), before.status != after.status
    for debt in after.owed:
        did = _did(debts.find(before.owed, debt.key), debt)
        # What is owed because a job has been ended is told by its end.
        if did is not None and not (ended and did is Did.OWED):
            found.append(Done(record=after.id, did=did, debt=debt.key))
    if ended:
        found.append(Done(record=after.id, did=Did.ENDED))
    return tuple(found)


def _wanted(generation: Generation, *, awaited: bool, unsettled: bool) -> set[DebtKind]:
    """Return what a generation should owe as it stands."""
    named = generation.metadata.run_id is not None
    match generation.status:
        case RunStatus.WAITING:
            return set()
        case RunStatus.PENDING | RunStatus.SUBMITTING if not named:
            # Of one that was sent already, this looks for its run, and sends nothing.
            return {DebtKind.SUBMIT}
        case _ if not generation.ended:
            return {DebtKind.ASK}
        case _:
            goes_on = DebtKind.KEEP if runs.copies_wanted(generation) else DebtKind.ADVANCE
            wanted = ((goes_on, awaited), (DebtKind.SETTLE, unsettled))
            return {kind for kind, holds in wanted if holds}


def _owed(owed: Owed, kinds: set[DebtKind], now: datetime) -> Owed:
    for kind in sorted(kinds - {each.kind for each in owed}):
        owed = debts.owe(owed, Debt(key=kind.value, kind=kind, next_at=now))
    return owed


def _hurried(owed: Owed, now: datetime, kept_at: datetime | None) -> Owed:
    for debt in owed:
        if debt.dead_at is not None:
            owed = debts.replay(owed, debt.key, now)
    return tuple(_due_now(each, now) if each.next_at != kept_at else each for each in owed)


def _due_now(debt: Debt, now: datetime) -> Debt:
    """Return a debt as one that anybody may take up, unless somebody has it."""
    if debt.by is not None and debt.next_at > now:
        return debt
    return debt.change(by=None, next_at=min(debt.next_at, now))


def _did(before: Debt | None, after: Debt) -> Did | None:
    if before is None:
        return Did.OWED
    if before.dead_at is not None and after.dead_at is None:
        return Did.REPLAYED
    if before.by is not None and after.by is None:
        return Did.RELEASED
    return Did.HURRIED if after.next_at < before.next_at else None
