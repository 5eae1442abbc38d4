"""Hear events: fold what an engine told us of a run into its record.

What is heard *joins*: highest status, highest progress, earliest start, each output as it
arrived last. In any order, with any repetition, the same record comes out. An end that is
heard changes no status; it owes ``end``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple

from processors import debts
from processors.debts import Taker
from processors.runs.asking import asked_later, next_ask, submitted
from processors.runs.climbing import (
    ASK,
    END,
    EXECUTING,
    QUEUED,
    RANK,
    further,
    noted,
    owe,
    shown,
    visible,
)
from processors.runs.keeping import latest
from schemas.base import RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import ClaimedEnd, Generation, StatusChange
from schemas.run import TERMINAL, Output, RunEvent, RunStatus
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


class _Facts(NamedTuple):
    """The fields of a record that news moves, by their names there."""

    status: RunStatus
    history: tuple[StatusChange, ...]
    queue_position: int | None
    progress: float
    live_status: str | None
    queued_at: datetime | None
    started_at: datetime | None
    heard: tuple[Output, ...]
    claimed_end: ClaimedEnd | None


_facts_of: Final = attrgetter(*_Facts._fields)


class _Draft(NamedTuple):
    """A record while it hears: copied once at the end, not at every event.

    Attributes:
        record: As it was, but for what it owes.
        facts: As they are by now.
    """

    record: Generation
    facts: _Facts


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
    named = _named(generation, events, now, timing, taker)
    facts = _Facts(*_facts_of(named))
    draft, verdicts = _Draft(named, facts), list[Verdict]()
    for event in events:
        before = draft
        verdict = _belongs(named, event)
        draft = _HEARD[verdict](draft, event)
        changed = draft is not before
        verdicts.append(Verdict.STALE if verdict is Verdict.APPLIED and not changed else verdict)
    after = draft.record
    if draft.facts is not facts:
        after = after.change(**draft.facts._asdict())
    if after is generation:
        return Heard(generation, tuple(verdicts))
    return Heard(_owing(generation, after, now, timing, taker), tuple(verdicts))


def _named(
    generation: Generation,
    events: Sequence[RunEvent],
    now: datetime,
    timing: Timing,
    taker: Taker | None,
) -> Generation:
    """Name the run that the engine itself vouches for, where none is known.

    What it has signed, to the address that we gave it for this very attempt, can be of no other.
    """
    if generation.metadata.run_id is not None:
        return generation
    for event in events:
        if event.vouched and event.run_id is not None and event.attempt == generation.attempt:
            return submitted(generation, event.run_id, now, timing, taker)
    return generation


def serves(generation: Generation, event: RunEvent) -> bool:
    """Return whether an event is of the very run that serves the generation."""
    return event.run_id == generation.metadata.run_id and event.attempt == generation.attempt


def known_end(generation: Generation) -> RunStatus | None:
    """Return the end that the engine has told of, confirmed or not; None where there is none."""
    if generation.claimed_end is not None:
        return generation.claimed_end.status
    ours = generation.ended_by == "us" and generation.confirmed is not False
    return generation.status if generation.ended and not ours else None


def _belongs(generation: Generation, event: RunEvent) -> Verdict:
    """Judge whether an event is about the run that serves the generation."""
    if event.run_id is None:
        return Verdict.APPLIED
    if serves(generation, event):
        return Verdict.APPLIED
    current = generation.metadata.run_id
    if any(run.run_id == event.run_id for run in generation.runs):
        return Verdict.FORMER_RUN
    if current is None and event.attempt == generation.attempt:
        return Verdict.UNKNOWN_RUN
    return Verdict.FOREIGN_RUN


def _applied(draft: _Draft, event: RunEvent) -> _Draft:
    """Join one event of the current run."""
    record = draft.record
    if event.run_id is None:
        return draft if record.ended else _looked_into(draft, event.received_at)
    if record.ended:
        return _claimed(draft, event) if record.ended_by == "us" else draft
    return _claimed(_joined(draft, event), event)


def _joined(draft: _Draft, event: RunEvent) -> _Draft:
    """Join all that an event tells but its end."""
    facts = draft.facts
    joined = _timed(_climbed(facts, event), event)
    if event.progress >= joined.progress:
        known = (joined.progress, joined.live_status)
        progress, live_status = further(known, (event.progress, event.live_status))
        if (progress, live_status) != known:
            joined = joined._replace(progress=progress, live_status=live_status)
    if event.outputs and (heard := latest(joined.heard, event.outputs)) != joined.heard:
        joined = joined._replace(heard=heard)
    return draft if joined is facts else draft._replace(facts=joined)


def _climbed(facts: _Facts, event: RunEvent) -> _Facts:
    """Take a higher status over; an end is none."""
    status = event.status
    if status is None or status in TERMINAL or RANK[status] <= RANK[facts.status]:
        return facts
    return facts._replace(
        status=status,
        history=noted(facts.history, status, event.received_at, event.source),
        queue_position=facts.queue_position if status in QUEUED else None,
    )


def _timed(facts: _Facts, event: RunEvent) -> _Facts:
    """Take an earlier time over."""
    at = event.received_at
    if facts.queued_at is None or at < facts.queued_at:
        facts = facts._replace(queued_at=at)
    began = event.status in EXECUTING
    if began and (facts.started_at is None or at < facts.started_at):
        facts = facts._replace(started_at=at)
    return facts


def _claimed(draft: _Draft, event: RunEvent) -> _Draft:
    """Note an end that was heard, and its outputs.

    Of several the earliest is kept; one of the run that serves before any of a former one, whose
    outputs are none of its own.
    """
    if event.status not in TERMINAL or event.run_id is None or event.status is None:
        return draft
    facts, current = draft.facts, draft.record.metadata.run_id
    told = ClaimedEnd(status=event.status, at=event.received_at, run_id=event.run_id)
    known = facts.claimed_end or told
    earlier = min(known, told, key=lambda each: (each.run_id != current, _claim_order(each)))
    heard = latest(facts.heard, event.outputs) if event.run_id == current else facts.heard
    if (earlier, heard) == (facts.claimed_end, facts.heard):
        return draft
    return draft._replace(facts=facts._replace(claimed_end=earlier, heard=heard))


def _claim_order(claimed: ClaimedEnd) -> tuple[datetime, RunStatus, RunId]:
    return (claimed.at, claimed.status, claimed.run_id)


def _run_claimed(generation: Generation) -> RunId | None:
    return generation.claimed_end and generation.claimed_end.run_id


def _former(draft: _Draft, event: RunEvent) -> _Draft:
    """A former run only informs: its success may still win, if nothing has ended.

    Not that of one whose outputs are gone: it was given up for that.
    """
    gone = any(each.gone for each in draft.record.runs if each.run_id == event.run_id)
    if event.status is not RunStatus.COMPLETED or draft.record.ended or gone:
        return draft
    return _claimed(draft, event)


def _unknown(draft: _Draft, event: RunEvent) -> _Draft:
    """Look into a run that names us before we know it."""
    if draft.record.ended_by == "engine":
        return draft
    return _looked_into(draft, event.received_at + GRACE, event.run_id)


def _foreign(draft: _Draft, event: RunEvent) -> _Draft:
    """Drop the event of somebody else's run."""
    del event
    return draft


_HEARD: Final = {
    Verdict.APPLIED: _applied,
    Verdict.FORMER_RUN: _former,
    Verdict.UNKNOWN_RUN: _unknown,
    Verdict.FOREIGN_RUN: _foreign,
}


def _looked_into(draft: _Draft, at: datetime, run_id: RunId | None = None) -> _Draft:
    record = looked_into(draft.record, at, run_id)
    return draft if record is draft.record else draft._replace(record=record)


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
    # What is asked about one run waits for its server; another's need not wait for that.
    another = _run_claimed(before) != _run_claimed(owing)
    if owing.claimed_end is not None and (another or debts.find(owing.owed, END) is None):
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
