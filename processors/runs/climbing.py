"""The order that statuses climb, and the small steps every change of a record is made of."""

from datetime import datetime
from typing import Final

from processors import debts
from processors.debts import Taker
from schemas.base import RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import CHANGES_KEPT, Generation, StatusChange
from schemas.run import RunAt, RunStatus

RANK: Final[dict[RunStatus, int]] = {
    RunStatus.WAITING: 0,
    RunStatus.PENDING: 1,
    RunStatus.SUBMITTING: 2,
    RunStatus.QUEUED: 3,
    RunStatus.STARTED: 4,
    RunStatus.RUNNING: 5,
    RunStatus.UPLOADING: 6,
    RunStatus.COMPLETED: 7,
    RunStatus.FAILED: 7,
    RunStatus.CANCELLED: 7,
    RunStatus.TIMEOUT: 7,
}
EXECUTING: Final = frozenset({RunStatus.RUNNING, RunStatus.UPLOADING})
"""Statuses in which the workflow has begun to run."""

QUEUED: Final = frozenset(each for each in RunStatus if RANK[each] <= RANK[RunStatus.QUEUED])
"""Statuses in which a run may have a place in a queue."""

ASK: Final = DebtKind.ASK.value
SUBMIT: Final = DebtKind.SUBMIT.value
CANCEL: Final = DebtKind.CANCEL.value
END: Final = DebtKind.END.value
KEEP: Final = DebtKind.KEEP.value
SHOW: Final = DebtKind.SHOW.value
NOTIFY: Final = DebtKind.NOTIFY.value
SETTLE: Final = DebtKind.SETTLE.value
ADVANCE: Final = DebtKind.ADVANCE.value
"""Keys of debts that a record owes at most once."""


def located(generation: Generation, run_id: RunId) -> RunAt:
    """Return where a run of a generation is."""
    known = (each.server for each in generation.runs if each.run_id == run_id)
    return RunAt(run_id, next(known, None))


def moved(generation: Generation, status: RunStatus, at: datetime, source: str) -> Generation:
    """Climb to a status, or stay where it would be a step down."""
    if RANK[status] <= RANK[generation.status]:
        return generation
    return generation.change(
        status=status,
        queue_position=generation.queue_position if status in QUEUED else None,
        history=noted(generation.history, status, at, source),
    )


def noted(
    history: tuple[StatusChange, ...], status: RunStatus, at: datetime, source: str
) -> tuple[StatusChange, ...]:
    """Return the history with one more change."""
    change = StatusChange(status=status, at=at, source=source)
    return (*history, change)[-CHANGES_KEPT:]


def owe(generation: Generation, debt: Debt, taker: Taker | None = None) -> Generation:
    """Owe a debt, or owe it again."""
    return debts.put(generation, debts.owe(generation.owed, debt, taker=taker))


def shown(generation: Generation, now: datetime, taker: Taker | None) -> Generation:
    """Owe the status message its newest state; one that waits to be shown is not owed twice.

    One that was given up stays so: its chat has refused us.
    """
    chat = generation.metadata.telegram_chat_id
    known = debts.find(generation.owed, SHOW)
    if chat is None or (known is not None and known.by is None):
        return generation
    debt = Debt(key=SHOW, kind=DebtKind.SHOW, target=str(chat), next_at=now)
    return owe(generation, debt, taker)


def further(
    one: tuple[float, str | None], other: tuple[float, str | None]
) -> tuple[float, str | None]:
    """Return the further progress with the words that go with it."""
    return max(one, other, key=lambda seen: (seen[0], seen[1] is not None, seen[1] or ""))


def several(generation: Generation) -> bool:
    """Return whether a generation is one of several of its job, whose state is told as one."""
    return generation.job_id is not None and (generation.steps > 1 or generation.items > 1)


def visible(generation: Generation) -> tuple[object, ...]:
    """Return what the status message shows of a record."""
    return (generation.status, generation.progress, generation.live_status)
