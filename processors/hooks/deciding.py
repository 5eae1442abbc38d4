"""Decide whether a write of a record is something that others hear of, and owe it."""

from datetime import datetime
from typing import Final

from processors import debts
from processors.debts import OwingT, Taker
from schemas.base import rfc3339
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation
from schemas.hook import HookEvent
from schemas.job import Job
from schemas.run import RunStatus

ENDS: Final = (HookEvent.COMPLETED, HookEvent.FAILED, HookEvent.CANCELLED)
"""The ends of a generation: what an order's own endpoint hears of where nothing else is said."""

_BY_STATUS: Final = {
    RunStatus.COMPLETED: HookEvent.COMPLETED,
    RunStatus.FAILED: HookEvent.FAILED,
    RunStatus.TIMEOUT: HookEvent.FAILED,
    RunStatus.CANCELLED: HookEvent.CANCELLED,
}


def news(before: Generation, after: Generation) -> HookEvent | None:
    """Return what a write of a generation lets others hear, or None.

    An end that replaces another is heard of where it is another one, or brings other outputs.
    """
    if after.ended:
        return _BY_STATUS.get(after.status) if _another(before, after) else None
    began = before.started_at is None and after.started_at is not None
    return HookEvent.STARTED if began else None


def job_news(before: Job, after: Job) -> HookEvent | None:
    """Return what a write of a job lets others hear, or None."""
    return HookEvent.JOB if after.ended and before.status is not after.status else None


def passed(record: Generation | Job, event: HookEvent) -> bool:
    """Return whether what happened to a record does not stand any more: another end came."""
    if isinstance(record, Job):
        return not record.ended
    return event in ENDS and _BY_STATUS.get(record.status) is not event


def progressed(before: Generation | None, after: Generation) -> bool:
    """Return whether a write brings nothing but progress that is worth telling."""
    if before is None or after.ended or after.started_at is None:
        return False
    return (before.progress, before.live_status) != (after.progress, after.live_status)


def hears(event: HookEvent, record: Generation | Job, listened: frozenset[HookEvent]) -> bool:
    """Return whether anybody hears of an event of a record.

    Args:
        event: Which.
        record: Its order's own endpoint may hear of it.
        listened: What the other endpoints hear of.
    """
    return event in listened or event in record.hooked


def owing(after: OwingT, event: HookEvent, now: datetime, taker: Taker | None = None) -> OwingT:
    """Owe an event of a record to whoever listens, in the write that makes it happen.

    Args:
        after: The record as it is written, its version raised.
        event: What happens with it.
        now: When.
        taker: Claims it, if it may.
    """
    debt = Debt(
        key=f"{DebtKind.WEBHOOK}/{event}",
        kind=DebtKind.WEBHOOK,
        target=event.value,
        about=f"{after.version} {rfc3339(now)}",
        next_at=now,
    )
    return debts.put(after, debts.owe(after.owed, debt, taker=taker))


def _another(before: Generation, after: Generation) -> bool:
    if before.status is not after.status:
        return True
    return before.ended_by != after.ended_by and _made(before) != _made(after)


def _made(generation: Generation) -> frozenset[str]:
    return frozenset(each.id for each in generation.response_payload.outputs)
