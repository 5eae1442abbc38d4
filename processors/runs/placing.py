"""Place a run at a server: its slot, its run there, and another try when it is lost.

An engine that is several servers of ours takes our own name for a run. So the run is known
before it is sent, nothing is ever sent twice, and what a server knows nothing of any more is
known to be lost. A lost run is tried again as a new attempt, whose rank is above all that was
heard of the one before.
"""

from datetime import datetime, timedelta

from processors import costs, debts
from processors.debts import Taker
from processors.runs.asking import asked_later, reported
from processors.runs.climbing import ASK, CANCEL, SUBMIT, moved, noted, owe, shown, visible
from processors.runs.ending import Ending, denied, ended, limit_at, tried_again
from processors.scheduling import Place
from schemas.base import RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import EngineRun, Generation, Retry
from schemas.run import TERMINAL, RunAt, RunReport, RunStatus
from schemas.timing import Timing

_LATER = timedelta(seconds=10)
"""An expected start that moves by less is no news."""
PARKED = "waits for a server"
"""Last error of a `submit` that nobody takes up before it is given a slot, or its time is up."""


def parked(generation: Generation, debt: Debt, now: datetime, timing: Timing) -> Generation:
    """Have a claimed submit wait in the line, until its generation's time is up."""
    until = max(limit_at(generation, timing), now + timedelta(seconds=1))
    owed = debts.postpone(generation.owed, debt.key, debt.n, until, PARKED)
    return debts.put(generation, owed)


def summoned(generation: Generation, now: datetime, taker: Taker) -> Generation:
    """Claim the submit of a run that waits in the line; one that is being sent stays as it is."""
    debt = debts.find(generation.owed, SUBMIT)
    if debt is None or generation.status is not RunStatus.PENDING:
        return generation
    # One that failed lately is not parked, and waits for its next try.
    waits = debt.by is None and debt.last_error == PARKED
    if not waits and debt.next_at > now:
        return generation
    return debts.put(generation, debts.claim(generation.owed, SUBMIT, taker))


def placed(
    generation: Generation,
    place: Place,
    *,
    run_id: RunId,
    client_id: str,
    now: datetime,
    timing: Timing,
) -> Generation:
    """Return the record as it stands while its run is sent to a server: slot and run are named."""
    if generation.status is not RunStatus.PENDING or generation.metadata.run_id is not None:
        return generation
    run = EngineRun(
        attempt=generation.attempt,
        run_id=run_id,
        server=place.server,
        client_id=client_id,
        submitted_at=now,
    )
    named = generation.change(
        slot=place.slot,
        runs=(*generation.runs, run),
        metadata=generation.metadata.change(run_id=run_id),
        queue_position=None,
        expected_start_at=None,
    )
    return asked_later(moved(named, RunStatus.SUBMITTING, now, "submit"), now, timing)


def unplaced(generation: Generation, debt: Debt, now: datetime, timing: Timing) -> Generation:
    """Return a run that surely did not reach its server to the line.

    One that is wanted cancelled is cancelled at once: no server ever had it.
    """
    held = debts.held(generation.owed, debt.key, debt.n)
    if not held or generation.status is not RunStatus.SUBMITTING:
        return generation
    back = generation.change(
        status=RunStatus.PENDING,
        slot=None,
        runs=generation.runs[:-1],
        metadata=generation.metadata.change(run_id=None),
        history=noted(generation.history, RunStatus.PENDING, now, "submit"),
    )
    back = debts.put(back, debts.forget(back.owed, [DebtKind.ASK]))
    if generation.cancel_wanted:
        return ended(back, Ending(status=RunStatus.CANCELLED, by="us"), now=now)
    return parked(back, debt, now, timing)


def taken(
    generation: Generation,
    run_id: RunId,
    warnings: tuple[str, ...],
    *,
    now: datetime,
    timing: Timing,
    taker: Taker | None = None,
) -> Generation:
    """Note that a server has taken a run; what was heard of it meanwhile stays.

    One that nobody waits for any more is cancelled, whoever said the end: it may have been a
    former run's, and a cancel that came before this one was taken was in vain. Only the success
    of the only run there was is surely this one's.
    """
    cancel = Debt(key=CANCEL, kind=DebtKind.CANCEL, about=run_id, next_at=now)
    if generation.metadata.run_id != run_id:
        known = debts.find(generation.owed, CANCEL)
        return owe(generation, cancel, taker) if known is None else generation
    warned = generation.change(warnings=warnings)
    sent = debts.put(warned, debts.forget(warned.owed, [DebtKind.SUBMIT]))
    if generation.ended:
        only = generation.status is RunStatus.COMPLETED and len(generation.runs) == 1
        return sent if only and generation.ended_by == "engine" else owe(sent, cancel, taker)
    queued = sent.change(queued_at=generation.queued_at or now)
    queued = asked_later(moved(queued, RunStatus.QUEUED, now, "submit"), now, timing)
    return shown(queued, now, taker) if visible(queued) != visible(generation) else queued


def untaken(
    generation: Generation, debt: Debt, reason: str, *, now: datetime, taker: Taker
) -> Generation:
    """Have a run tried again, best elsewhere, that a server which is well did not take.

    Each is a try that counts: it may be this run that no server takes.
    """
    held = debts.held(generation.owed, debt.key, debt.n)
    if not held:
        return generation
    return vanished(generation, reason, now, taker, Retry.UNTAKEN)


def spurned(
    generation: Generation,
    debt: Debt,
    at: RunAt,
    reason: str,
    *,
    now: datetime,
    taker: Taker,
) -> Generation:
    """Have a run tried again, best elsewhere, whose pictures a server did not take.

    It was never sent. That it was there is noted all the same, under a name that no server
    knows: it is what the next try goes by, and such a try counts as one that was sent does.
    """
    waits = generation.status is RunStatus.PENDING and generation.metadata.run_id is None
    if not waits or not debts.held(generation.owed, debt.key, debt.n):
        return generation
    run = EngineRun(
        attempt=generation.attempt, run_id=at.run_id, server=at.server, submitted_at=now
    )
    there = generation.change(runs=(*generation.runs, run))
    return vanished(there, reason, now, taker, Retry.UNTAKEN)


def waits_for_another(generation: Generation, now: datetime, timing: Timing) -> bool:
    """Return whether a run had better wait for a server where it has not been.

    One that failed where it was, such as for want of memory, would fail there again. It does
    not wait for ever.
    """
    again = tried_again(generation)
    failed = again is not None and again.source == Retry.FAILED
    return failed and again is not None and now < again.at + timing.another_server


def unanswered(generation: Generation, debt: Debt, now: datetime) -> Generation:
    """Have a server asked about a run whose sending was never answered: it is not sent again."""
    if not debts.held(generation.owed, debt.key, debt.n):
        return generation
    sent = debts.put(generation, debts.forget(generation.owed, [DebtKind.SUBMIT]))
    return owe(sent, Debt(key=ASK, kind=DebtKind.ASK, next_at=now))


def line_news(generation: Generation, place: int, at: datetime | None) -> bool:
    """Return whether a place in the line, and when it is reached, is news to whoever waits.

    At the head of the line each step is; further back a tenth of the way, and of the wait.
    """
    if generation.status is not RunStatus.PENDING:
        return False
    known, expected = generation.queue_position, generation.expected_start_at
    if known is None or (expected is None) != (at is None):
        return True
    if abs(known - place) >= max(1, known // 10):
        return True
    if expected is None or at is None:
        return False
    waited = abs(expected - generation.request_timestamp)
    return abs(expected - at) >= max(_LATER, waited / 10)


def lined_up(
    generation: Generation, place: int, at: datetime | None, now: datetime, taker: Taker
) -> Generation:
    """Note a place in the line, and show it, where it is news.

    Args:
        generation: What waits.
        place: Its place, from 1.
        at: When it is expected to begin, None where nobody knows.
        now: The time.
        taker: Who takes up the showing.
    """
    if not line_news(generation, place, at):
        return generation
    told = generation.change(queue_position=place, expected_start_at=at)
    return shown(told, now, taker)


def sending(generation: Generation, now: datetime, timing: Timing) -> bool:
    """Return whether a run may still be on its way to its server, for all that we know."""
    if generation.status is not RunStatus.SUBMITTING or not generation.runs:
        return False
    debt = debts.find(generation.owed, SUBMIT)
    claimed = debt is not None and debt.by is not None and debt.next_at > now
    return claimed or now < generation.runs[-1].submitted_at + timing.submit_limit


def vanished(
    generation: Generation, reason: str, now: datetime, taker: Taker, why: Retry = Retry.LOST
) -> Generation:
    """Return what becomes of a run that its server has no more: another try, or an end.

    A server of ours knows what it has, so that such an end is as final as one that it tells. It
    is not asked any more about a run that we have ended.

    Args:
        generation: Whose run.
        reason: Why, where it is not tried again.
        now: When.
        taker: Who takes up what is owed then.
        why: Why, where it is.
    """
    gone = Ending(status=RunStatus.CANCELLED, by="engine")
    if generation.ended and not _at_server(generation):
        return generation
    if generation.status in {RunStatus.CANCELLED, RunStatus.TIMEOUT}:
        return ended(generation, gone, now=now, taker=taker)
    if generation.ended:
        kept = debts.forget(generation.owed, [DebtKind.ASK, DebtKind.CANCEL])
        return debts.put(generation, kept)
    if may_retry(generation):
        return retried(generation, now, taker, why)
    if generation.cancel_wanted:
        return ended(generation, gone, now=now, taker=taker)
    by = "engine" if _at_server(generation) else "us"
    failed = Ending(status=RunStatus.FAILED, by=by, reason=reason)
    return ended(generation, failed, now=now, taker=taker)


def concluded(
    generation: Generation,
    report: RunReport,
    *,
    now: datetime,
    timing: Timing,
    taker: Taker,
) -> Generation:
    """Take the engine's answer for the truth, with all that follows from it.

    A failure that may pass is tried again, and so is a success of which nothing is left. Where a
    former run completed first, the one that serves now is cancelled.
    """
    former = report.run_id != generation.metadata.run_id
    why = _worth_a_try(report)
    if why is not None and not former and may_retry(generation):
        return retried(generation, now, taker, why)
    if report.gone:
        report = report.change(status=RunStatus.FAILED, error="outputs_gone")
    if former and report.status is not RunStatus.COMPLETED:
        return denied(generation)
    after = reported(generation, report, now=now, timing=timing, taker=taker)
    current = generation.metadata.run_id
    if not former or current is None or report.status not in TERMINAL or not after.ended:
        return after
    cancel = Debt(key=CANCEL, kind=DebtKind.CANCEL, about=current, next_at=now)
    given_up = after.change(runs=_swapped(generation, report.run_id, now))
    return owe(after if generation.ended else given_up, cancel, taker)


def _worth_a_try(report: RunReport) -> Retry | None:
    """Return why another try may bring what this run did not; None where it would not."""
    if report.gone:
        return Retry.OUTPUTS_GONE
    return Retry.FAILED if report.status is RunStatus.FAILED and report.passing else None


def may_retry(generation: Generation) -> bool:
    """Return whether a run that failed through no fault of its own is tried again."""
    wanted = not generation.ended and not generation.cancel_wanted
    return wanted and bool(generation.runs) and generation.attempt < generation.max_attempts


def retried(
    generation: Generation, now: datetime, taker: Taker, why: Retry = Retry.LOST
) -> Generation:
    """Begin a new attempt: it waits for a server as it did at first, and starts from nothing."""
    again = generation.change(
        attempt=generation.attempt + 1,
        status=RunStatus.PENDING,
        slot=None,
        runs=(*generation.runs[:-1], _given_up(generation, now)),
        metadata=generation.metadata.change(run_id=None),
        claimed_end=None,
        heard=(),
        progress=0.0,
        live_status=None,
        queue_position=None,
        queued_at=None,
        started_at=None,
        history=noted(generation.history, RunStatus.PENDING, now, why.value),
    )
    dropped = [DebtKind.ASK, DebtKind.END, DebtKind.CANCEL, DebtKind.SUBMIT]
    kept = debts.forget(again.owed, dropped)
    submit = Debt(key=SUBMIT, kind=DebtKind.SUBMIT, next_at=now)
    # No claim was ever given an `n` above the version: whoever slept through the sending of the
    # former attempt holds nothing of this one.
    owed = debts.owe(kept, submit, taker=taker, above=generation.version)
    return shown(debts.put(again, owed), now, taker)


def _at_server(generation: Generation) -> bool:
    """Return whether it is at a server of ours, or was at last."""
    return bool(generation.runs) and generation.runs[-1].server is not None


def _swapped(generation: Generation, served: RunId, now: datetime) -> tuple[EngineRun, ...]:
    """Return the runs where a former one serves after all: the last one is given up for it."""
    return tuple(
        each.change(duration_seconds=None, cost_usd=None) if each.run_id == served else each
        for each in (*generation.runs[:-1], _given_up(generation, now))
    )


def _given_up(generation: Generation, now: datetime) -> EngineRun:
    """Return the run that is given up, with what it took, and what that cost us."""
    run, began = generation.runs[-1], generation.started_at
    seconds = None if began is None else round(max(0.0, (now - began).total_seconds()), 3)
    cost = costs.of(
        ran=began is not None, duration_seconds=seconds, rate=generation.metadata.cost_rate
    )
    return run.change(duration_seconds=seconds, cost_usd=cost.usd)
