"""Submit and ask: what becomes of a record when we speak to its engine."""

from datetime import datetime
from typing import Final

from processors import debts
from processors.debts import Taker
from processors.runs.climbing import (
    ASK,
    CANCEL,
    EXECUTING,
    QUEUED,
    further,
    moved,
    noted,
    owe,
    shown,
    visible,
)
from processors.runs.ending import Ending, ended, limit_at, verdict_of
from schemas.base import RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import EngineRun, Generation
from schemas.run import TERMINAL, RunReport, RunStatus
from schemas.timing import Timing

MISSING: Final = "the engine knows no such run"
"""Last error of an `ask` that was answered so."""
ROUNDS_AFTER_END: Final = 10
"""Rounds of asking after an end of ours; with the waits doubling, more than two days."""


def submitting(generation: Generation, now: datetime) -> Generation:
    """Return the record as it stands while the POST is under way."""
    return moved(generation, RunStatus.SUBMITTING, now, "submit")


def unsent(generation: Generation, now: datetime) -> Generation:
    """Return a record whose POST surely did not arrive to where it can be sent again.

    One that is wanted cancelled is cancelled at once: its engine never had it.
    """
    if generation.status is not RunStatus.SUBMITTING:
        return generation
    pending = generation.change(
        status=RunStatus.PENDING,
        history=noted(generation.history, RunStatus.PENDING, now, "submit"),
    )
    if generation.cancel_wanted:
        return ended(pending, Ending(status=RunStatus.CANCELLED, by="us"), now=now)
    return pending


def submitted(
    generation: Generation,
    run_id: RunId,
    now: datetime,
    timing: Timing,
    taker: Taker | None = None,
) -> Generation:
    """Name the run that serves the generation.

    One that is served by a run already stays as it is, and the run of a former attempt serves
    none. One that has ended in the meantime
    keeps its end, owes the cancelling of that run, and goes on asking what became of it. A run
    that has named us before is asked about as soon as it was to be: what it said was dropped.
    """
    former = any(each.run_id == run_id for each in generation.runs)
    if former or generation.metadata.run_id is not None:
        return generation
    run = EngineRun(attempt=generation.attempt, run_id=run_id, submitted_at=now)
    named = generation.change(
        runs=(*generation.runs, run), metadata=generation.metadata.change(run_id=run_id)
    )
    if generation.ended:
        cancel = Debt(key=CANCEL, kind=DebtKind.CANCEL, about=run_id, next_at=now)
        found = debts.put(named, debts.forget(named.owed, [DebtKind.SUBMIT]))
        return asked_later(owe(found, cancel, taker), now, timing)
    queued = moved(named.change(queued_at=now), RunStatus.QUEUED, now, "submit")
    sent = debts.put(queued, debts.forget(queued.owed, [DebtKind.SUBMIT]))
    return shown(asked_later(sent, now, timing), now, taker)


def informed(
    generation: Generation,
    report: RunReport,
    now: datetime,
    timing: Timing,
    taker: Taker | None = None,
) -> Generation:
    """Join what the engine said when asked about a run that goes on.

    Times stay those by arrival: the engine's own come in pairs, with the end.
    """
    if generation.ended or report.status in TERMINAL:
        return generation
    progress, live_status = further(
        (generation.progress, generation.live_status), (report.progress, report.live_status)
    )
    joined = generation.change(
        progress=progress,
        live_status=live_status,
        queue_position=report.queue_position if generation.status in QUEUED else None,
        started_at=generation.started_at or (now if report.status in EXECUTING else None),
    )
    after = moved(joined, report.status, now, "engine")
    if debts.find(after.owed, ASK) is None:
        after = asked_later(after, now, timing)
    return shown(after, now, taker) if visible(after) != visible(generation) else after


def reported(
    generation: Generation,
    report: RunReport,
    *,
    now: datetime,
    timing: Timing,
    taker: Taker | None = None,
) -> Generation:
    """Take the engine's answer for the truth: write the end it tells, or join what goes on."""
    if report.status in TERMINAL:
        return ended(generation, verdict_of(report), now=now, taker=taker)
    return informed(generation, report, now, timing, taker)


def asked(
    generation: Generation,
    debt: Debt,
    now: datetime,
    timing: Timing,
    *,
    news: bool,
    missing: bool = False,
) -> Generation:
    """Set the next round of asking; after an end of ours it is given up in time.

    Args:
        generation: The record.
        debt: The claimed ``ask``; if its claim is lost nothing changes.
        now: When the engine answered, or did not.
        timing: Intervals.
        news: Whether this round told anything new: then the waits begin anew.
        missing: Whether the engine knew no such run. Rounds are counted anew from the first
            one in a row, so that `attempts` tells how often.
    """
    if not debts.held(generation.owed, debt.key, debt.n):
        return generation
    if generation.ended and debt.attempts + 1 >= ROUNDS_AFTER_END:
        return debts.put(generation, debts.forget(generation.owed, [DebtKind.ASK, DebtKind.CANCEL]))
    first_miss = missing and debt.last_error != MISSING
    rounds = 0 if news or first_miss else debt.attempts + 1
    at = next_ask(generation, rounds, now, timing)
    said = MISSING if missing else None
    owed = debts.again(generation.owed, debt.key, debt.n, at, rounds=rounds, error=said)
    return debts.put(generation, owed)


def next_ask(generation: Generation, asked: int, now: datetime, timing: Timing) -> datetime:
    """Return when to ask the engine after `asked` rounds without news.

    The wait doubles from its first length to its longest, and never passes the moment the
    generation's time is up.
    """
    waits = generation.started_at is None
    first = timing.ask_waiting if waits else timing.ask_running
    wait = min(first * 2 ** min(asked, 16), timing.ask_most)
    if generation.ended:
        return now + timing.ask_most * 2 ** min(asked, 8)
    limit = limit_at(generation, timing)
    return min(now + wait, limit) if limit > now else now + wait


def asked_later(generation: Generation, now: datetime, timing: Timing) -> Generation:
    """Put the next ask off: there was news. A run that has named us is not waited for longer."""
    at = next_ask(generation, 0, now, timing)
    known = debts.find(generation.owed, ASK)
    if known is not None and known.about is not None:
        at = min(at, known.next_at)
    return owe(generation, Debt(key=ASK, kind=DebtKind.ASK, next_at=at))
