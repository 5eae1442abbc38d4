"""Hear events: fold what an engine told us of a run into its record.

What is heard *joins*: highest status, highest progress, earliest start, each output as it
arrived last. In any order, with any repetition, the same record comes out. An end that is
heard changes no status; it owes ``end``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from processors import debts
from processors.debts import Taker
from processors.runs.asking import asked_later, next_ask
from processors.runs.climbing import (
    ASK,
    END,
    EXECUTING,
    QUEUED,
    RANK,
    earliest,
    further,
    noted,
    owe,
    shown,
    visible,
)
from processors.runs.keeping import latest
from schemas.base import RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import ClaimedEnd, Generation
from schemas.run import TERMINAL, RunEvent, RunStatus
from schemas.timing import Timing

STEPS: Final = 6
"""Into so many steps the shortest silence is cut by which asking is put off."""
GRACE: Final = timedelta(seconds=1)
"""A webhook that outran the answer to its submit is looked into after this."""


class Verdict(StrEnum):
    """What became of one event; a metric's label."""

    APPLIED = "applied"
    STALE = "stale"
    """It says nothing that we did not know."""
    FORMER_RUN = "former_run"
    FOREIGN_RUN = "foreign_run"
    UNKNOWN_RUN = "unknown_run"
    """It names a run while we know none: the run is read before it is believed."""


class Heard(NamedTuple):
    """The record after events, and what became of each of them, in their order."""

    generation: Generation
    verdicts: tuple[Verdict, ...]


def hear(
    generation: Generation,
    events: Sequence[RunEvent],
    *,
    now: datetime,
    timing: Timing,
    taker: Taker | None = None,
) -> Heard:
    """Fold everything heard of a run into its record.

    Returns:
        The very same record where the events change nothing: then nothing is to be written.
    """
    after, verdicts = generation, list[Verdict]()
    for event in events:
        before = after
        verdict = _belongs(after, event)
        after = _HEARD[verdict](after, event)
        changed = after is not before
        verdicts.append(Verdict.STALE if verdict is Verdict.APPLIED and not changed else verdict)
    if after is generation:
        return Heard(generation, tuple(verdicts))
    return Heard(_owing(generation, after, now, timing, taker), tuple(verdicts))


def _belongs(generation: Generation, event: RunEvent) -> Verdict:
    """Judge whether an event is about the run that serves the generation."""
    if event.run_id is None:
        return Verdict.APPLIED
    current = generation.metadata.run_id
    if event.run_id == current and event.attempt == generation.attempt:
        return Verdict.APPLIED
    if any(run.run_id == event.run_id for run in generation.runs):
        return Verdict.FORMER_RUN
    if current is None and event.attempt == generation.attempt:
        return Verdict.UNKNOWN_RUN
    return Verdict.FOREIGN_RUN


def _applied(generation: Generation, event: RunEvent) -> Generation:
    """Join one event of the current run."""
    if event.run_id is None:
        return generation if generation.ended else looked_into(generation, event.received_at)
    if generation.ended:
        return _claimed(generation, event) if generation.ended_by == "us" else generation
    news = _news(generation, event)
    return _claimed(generation.change(**news) if news else generation, event)


def _news(generation: Generation, event: RunEvent) -> dict[str, object]:
    """Return the fields that an event changes, joined with what is known."""
    told = _joined(generation, event)
    status = event.status
    if status is not None and status not in TERMINAL and RANK[status] > RANK[generation.status]:
        told["status"] = status
        told["history"] = noted(generation, status, event.received_at, "webhook")
        if status not in QUEUED:
            told["queue_position"] = None
    return {name: value for name, value in told.items() if value != getattr(generation, name)}


def _joined(generation: Generation, event: RunEvent) -> dict[str, object]:
    progress, live_status = further(
        (generation.progress, generation.live_status), (event.progress, event.live_status)
    )
    at = event.received_at
    return {
        "progress": progress,
        "live_status": live_status,
        "queued_at": earliest(generation.queued_at, at),
        "started_at": earliest(generation.started_at, at if event.status in EXECUTING else None),
        "heard": latest(generation.heard, event.outputs) if event.outputs else generation.heard,
    }


def _claimed(generation: Generation, event: RunEvent) -> Generation:
    """Note an end that was heard, and its outputs. Of several the earliest is kept."""
    if event.status not in TERMINAL or event.run_id is None or event.status is None:
        return generation
    told = ClaimedEnd(status=event.status, at=event.received_at, run_id=event.run_id)
    earlier = min(generation.claimed_end or told, told, key=_claim_order)
    after = generation.change(claimed_end=earlier, heard=latest(generation.heard, event.outputs))
    return generation if after == generation else after


def _claim_order(claimed: ClaimedEnd) -> tuple[datetime, RunStatus, RunId]:
    return (claimed.at, claimed.status, claimed.run_id)


def _former(generation: Generation, event: RunEvent) -> Generation:
    """A former run only informs: its success may still win, if nothing has ended."""
    if event.status is not RunStatus.COMPLETED or generation.ended:
        return generation
    return _claimed(generation, event)


def _unknown(generation: Generation, event: RunEvent) -> Generation:
    """Look into a run that names us before we know it."""
    if generation.ended_by == "engine":
        return generation
    return looked_into(generation, event.received_at + GRACE, event.run_id)


def _foreign(generation: Generation, event: RunEvent) -> Generation:
    """Drop the event of somebody else's run."""
    del event
    return generation


_HEARD: Final = {
    Verdict.APPLIED: _applied,
    Verdict.FORMER_RUN: _former,
    Verdict.UNKNOWN_RUN: _unknown,
    Verdict.FOREIGN_RUN: _foreign,
}


def looked_into(generation: Generation, at: datetime, run_id: RunId | None = None) -> Generation:
    """Ask by `at`: the run that is known, or the one that claims to be ours.

    It is about a run from then on, and so no news puts it off: events that waited to be
    applied must not keep a run from being asked that may have missed others.
    """
    known = debts.find(generation.owed, ASK)
    about = run_id or (known.about if known else None) or generation.metadata.run_id
    soon = min(known.next_at, at) if known is not None and known.by is None else at
    if known is not None and known.by is None and (known.about, known.next_at) == (about, soon):
        return generation
    return owe(generation, Debt(key=ASK, kind=DebtKind.ASK, about=about, next_at=soon))


def _owing(
    before: Generation, after: Generation, now: datetime, timing: Timing, taker: Taker | None
) -> Generation:
    """Owe what follows from news: asking later, showing it, looking into an end."""
    owing = after
    if owing.claimed_end is not None and debts.find(owing.owed, END) is None:
        owing = owe(owing, Debt(key=END, kind=DebtKind.END, next_at=now), taker)
    if owing.ended:
        return owing
    ask = debts.find(owing.owed, ASK)
    if ask is not None and ask == debts.find(before.owed, ASK) and ask.about is None:
        owing = _put_off(owing, ask, now, timing)
    return shown(owing, now, taker) if visible(before) != visible(after) else owing


def _put_off(generation: Generation, ask: Debt, now: datetime, timing: Timing) -> Generation:
    """Ask later, for there was news: in steps, so that lively runs do not write it each time.

    A run is asked after at least five sixths of the silence that it is allowed.
    """
    later = next_ask(generation, 0, now, timing) - ask.next_at
    return (
        generation if later < timing.ask_running / STEPS else asked_later(generation, now, timing)
    )
