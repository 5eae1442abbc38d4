"""End a run: who says so, when, what came out, what it cost, and what is owed for it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Literal

from processors import costs, debts
from processors.costs import Cost
from processors.debts import Owed, Taker
from processors.runs.climbing import (
    ADVANCE,
    ASK,
    CANCEL,
    END,
    KEEP,
    NOTIFY,
    SETTLE,
    noted,
    owe,
    several,
    shown,
)
from processors.runs.copying import carried, copies_wanted, identity, surely_made
from processors.runs.keeping import fitted
from schemas.base import Value
from schemas.debt import Debt, DebtKind
from schemas.generation import ClaimedEnd, Generation, Response, Retry, StatusChange
from schemas.run import Output, RunReport, RunStatus
from schemas.timing import Timing

UNSENT: Final = frozenset({RunStatus.WAITING, RunStatus.PENDING})
"""Statuses in which the engine never had the run."""
BY_HAND: Final = "by_hand"
"""Why a cost is as it is where a person has set it."""
BEGUN: Final = "advance"
"""The source of the change by which a part of a job begins that waited for others."""
_RETRIES: Final = frozenset(each.value for each in Retry)


class Ending(Value):
    """An end about to be written."""

    status: RunStatus
    by: Literal["engine", "us"]
    reason: str | None = None
    confirmed: bool = True
    started_at: datetime | None = None
    ended_at: datetime | None = None
    """Both times from the engine, or both None: then those by arrival are used."""
    duration_seconds: float | None = None
    """How long it computed, where the engine says so: it wins over the times."""
    outputs: tuple[Output, ...] = ()
    live_status: str | None = None
    """The step that the engine saw last, where it says so."""


def ended(
    generation: Generation, ending: Ending, *, now: datetime, taker: Taker | None = None
) -> Generation:
    """Write an end: status, times, outputs and cost, and what is owed for it.

    An end by the engine stands. One by us is replaced by the engine's, once; the person is
    told again only if it is another, or brings other outputs than the unconfirmed one did.
    """
    if generation.ended and (generation.ended_by == "engine" or ending.by == "us"):
        return denied(generation)
    ending = _seen(generation, ending)
    timed = _timed(generation, ending, now)
    cost = _cost(timed, ending)
    outputs = carried(generation.response_payload.outputs, fitted(ending.outputs))
    news = ending.status is not generation.status or _brings_others(generation, outputs)
    written = timed.change(
        status=ending.status,
        status_reason=ending.reason,
        ended_by=ending.by,
        confirmed=ending.confirmed,
        claimed_end=None,
        heard=(),
        slot=None,
        queue_position=None,
        expected_start_at=None,
        live_status=ending.live_status or generation.live_status,
        progress=1.0 if ending.status is RunStatus.COMPLETED else generation.progress,
        response_payload=Response(outputs=outputs, error=ending.reason),
        cost_usd=cost.usd,
        cost_reason=cost.reason,
        history=noted(generation.history, ending.status, now, ending.by),
    )
    sought = generation.status is RunStatus.SUBMITTING and ending.by == "us"
    closed = _closing(written, now, taker, news=news, sought=sought)
    begun = generation.status not in UNSENT
    # Its job may well go on, and shows how many of its runs are done.
    return shown(closed, now, taker) if begun and several(closed) else closed


def verdict_of(report: RunReport) -> Ending:
    """Return the end that the engine's answer means.

    ComfyDeploy concludes ``timeout`` from 24 hours of silence when it is asked; nobody saw
    that end, so it counts as ours.
    """
    return Ending(
        status=report.status,
        by="us" if report.computed else "engine",
        reason=report.error,
        started_at=report.started_at if report.ended_at else None,
        ended_at=report.ended_at,
        duration_seconds=report.duration_seconds,
        outputs=report.outputs,
        live_status=report.live_status,
    )


def unconfirmed(generation: Generation) -> Ending | None:
    """Return the end that was heard, to stand unconfirmed; None when none was heard.

    None of a former run: the one that serves now may still tell another.
    """
    claimed = generation.claimed_end
    if claimed is None or claimed.run_id != generation.metadata.run_id:
        return None
    return Ending(
        status=claimed.status,
        by="us",
        reason="unconfirmed",
        confirmed=False,
        outputs=generation.heard,
    )


def at_its_word(generation: Generation, claimed: ClaimedEnd) -> Ending:
    """Return the end that a server of ours told of, and has forgotten since: it stands as told.

    Its socket is ours, so that what comes by it counts as asked.
    """
    return Ending(status=claimed.status, by="engine", outputs=generation.heard)


def denied(generation: Generation) -> Generation:
    """Drop an end that was heard and that the engine denies, with the outputs it brought.

    That of a former run brought none: what was heard of the one that serves now stays.
    """
    claimed = generation.claimed_end
    nothing = claimed is None and not generation.heard
    if nothing and debts.find(generation.owed, END) is None:
        return generation
    kept = debts.forget(generation.owed, [DebtKind.END])
    former = claimed is not None and claimed.run_id != generation.metadata.run_id
    heard = generation.heard if former else ()
    return debts.put(generation.change(claimed_end=None, heard=heard), kept)


def overdue(generation: Generation, now: datetime, timing: Timing) -> bool:
    """Return whether a generation has waited or run longer than its limit.

    While an end that was heard is looked into, it is that which decides.
    """
    decided = generation.ended or generation.claimed_end is not None
    return not decided and now >= limit_at(generation, timing)


def limit_at(generation: Generation, timing: Timing) -> datetime:
    """Return when a generation's time is up.

    One that is tried again waits anew, from its return to the line; one that waited for others
    waits from when they were done.
    """
    if generation.started_at is not None:
        own = generation.time_limit
        return generation.started_at + (timedelta(seconds=own) if own else timing.limit_running)
    began = _latest(generation, {*_RETRIES, BEGUN})
    since = generation.request_timestamp if began is None else began.at
    return since + timing.limit_waiting


def tried_again(generation: Generation) -> StatusChange | None:
    """Return the change that returned a generation to the line for its latest try.

    None at its first. Its source says why: a `Retry`. Going back unsent is no try.
    """
    return _latest(generation, _RETRIES)


def resettled(generation: Generation, now: datetime, taker: Taker | None = None) -> Generation:
    """Owe a job the settling of its run once more: what is known by now may change the price."""
    if generation.job_id is None:
        return generation
    return owe(generation, Debt(key=SETTLE, kind=DebtKind.SETTLE, next_at=now), taker)


def ended_at(generation: Generation) -> datetime:
    """Return when the end that stands was written, by our own clock."""
    return generation.history[-1].at


def provisional(generation: Generation) -> bool:
    """Return whether an end is ours to say while the engine may still have another to tell.

    Not that of a run which its engine never had.
    """
    ours = generation.ended and generation.ended_by == "us"
    return ours and stood(generation) not in UNSENT


def stood(generation: Generation) -> RunStatus | None:
    """Return the status that a generation had before its present one, None at its first."""
    return generation.history[-2].status if len(generation.history) > 1 else None


def sent_at(generation: Generation) -> datetime:
    """Return when a generation was sent, as its history tells; when it was ordered, if never."""
    sent = [each.at for each in generation.history if each.status is RunStatus.SUBMITTING]
    return max(sent, default=generation.request_timestamp)


def sought_until(generation: Generation, timing: Timing) -> datetime:
    """Return until when the run of a submit that was never answered is looked for."""
    return sent_at(generation) + timing.unknown_submit


def cancel_wanted(generation: Generation, now: datetime, taker: Taker | None = None) -> Generation:
    """Want a generation cancelled: at once if the engine never had it, else by its word."""
    if generation.ended or generation.cancel_wanted:
        return generation
    wanted = generation.change(cancel_wanted=True, cancel_wanted_at=now)
    if generation.status in UNSENT:
        return ended(wanted, Ending(status=RunStatus.CANCELLED, by="us"), now=now, taker=taker)
    return owe(wanted, Debt(key=CANCEL, kind=DebtKind.CANCEL, next_at=now), taker)


def _closing(
    generation: Generation, now: datetime, taker: Taker | None, *, news: bool, sought: bool
) -> Generation:
    """Drop the debts of a run under way and owe those of an end.

    After an end of ours the engine may still have its say: it goes on being asked and, where
    the run may still cost money, told to cancel. Where nobody knows yet whether the engine has
    it (`sought`), it goes on being looked for.
    """
    engine_said = generation.ended_by == "engine"
    chat = generation.metadata.telegram_chat_id
    owed = debts.forget(generation.owed, [DebtKind.END, DebtKind.SHOW])
    owed = _copying(owed, generation, now, taker)
    if not sought:
        owed = debts.forget(owed, [DebtKind.SUBMIT])
    if engine_said:
        owed = debts.forget(owed, [DebtKind.ASK, DebtKind.CANCEL])
    elif generation.metadata.run_id is None:
        owed = _unnamed(owed)
    else:
        owed = _pursued(owed, generation, now, taker)
    owed = _advancing(owed, generation, now, taker)
    if generation.job_id is not None:
        # Money moves before anybody is told; the job tells it.
        settle = Debt(key=SETTLE, kind=DebtKind.SETTLE, next_at=now)
        owed = debts.owe(owed, settle, taker=taker)
    elif chat is not None and news:
        about = f"{generation.status}/{generation.ended_by}"
        notify = Debt(key=NOTIFY, kind=DebtKind.NOTIFY, target=str(chat), about=about, next_at=now)
        owed = debts.owe(owed, notify, taker=taker)
    return debts.put(generation, owed)


def _latest(generation: Generation, sources: Collection[str]) -> StatusChange | None:
    """Return the latest change that one of these sources has made."""
    found = (each for each in reversed(generation.history) if each.source in sources)
    return next(found, None)


def _advancing(owed: Owed, generation: Generation, now: datetime, taker: Taker | None) -> Owed:
    """Owe a job that it goes on, unless it has to wait for copies."""
    waits = generation.status is RunStatus.COMPLETED and not surely_made(generation)
    if not generation.feeds or waits:
        return owed
    return debts.owe(owed, Debt(key=ADVANCE, kind=DebtKind.ADVANCE, next_at=now), taker=taker)


def _unnamed(owed: Owed) -> Owed:
    """Keep of asking and cancelling only the asking about a run that claims to be ours."""
    known = debts.find(owed, ASK)
    claims = known is not None and known.about is not None
    return debts.forget(owed, [DebtKind.CANCEL] if claims else [DebtKind.ASK, DebtKind.CANCEL])


def _pursued(owed: Owed, generation: Generation, now: datetime, taker: Taker | None) -> Owed:
    """Owe what goes on after an end of ours: asking, its rounds counted anew, and cancelling."""
    known = debts.find(owed, ASK)
    ask = Debt(key=ASK, kind=DebtKind.ASK, next_at=known.next_at if known else now)
    pursued = debts.owe(owed, ask)
    if not generation.confirmed or debts.find(owed, CANCEL) is not None:
        return pursued
    run_id = generation.metadata.run_id
    cancel = Debt(key=CANCEL, kind=DebtKind.CANCEL, about=run_id, next_at=now)
    return debts.owe(pursued, cancel, taker=taker)


def _seen(generation: Generation, ending: Ending) -> Ending:
    """Return an end as its person sees it.

    After a timeout the engine is told to cancel: its word that it did confirms the timeout.
    """
    timed_out = generation.status is RunStatus.TIMEOUT and not generation.cancel_wanted
    if timed_out and ending.status is RunStatus.CANCELLED:
        return ending.change(status=RunStatus.TIMEOUT, reason=generation.status_reason)
    return ending


def _brings_others(generation: Generation, outputs: tuple[Output, ...]) -> bool:
    """Return whether these are other outputs than those that an unconfirmed end was told with."""
    told = generation.response_payload.outputs
    return generation.confirmed is False and _identities(told) != _identities(outputs)


def _identities(outputs: tuple[Output, ...]) -> frozenset[object]:
    return frozenset(map(identity, outputs))


def _copying(owed: Owed, generation: Generation, now: datetime, taker: Taker | None) -> Owed:
    """Owe the copying of what lies only with the engine."""
    if not copies_wanted(generation):
        return debts.forget(owed, [DebtKind.KEEP])
    return debts.owe(owed, Debt(key=KEEP, kind=DebtKind.KEEP, next_at=now), taker=taker)


def _cost(generation: Generation, ending: Ending) -> Cost:
    """Work out what a run cost; what a person has set stays."""
    if generation.cost_reason == BY_HAND:
        return Cost(generation.cost_usd, BY_HAND)
    return costs.of(
        ran=generation.started_at is not None or _may_have_run(generation, ending),
        duration_seconds=generation.duration_seconds,
        rate=generation.metadata.cost_rate,
    )


def _may_have_run(generation: Generation, ending: Ending) -> bool:
    """Return whether a run whose start nobody saw may have run all the same.

    Unknown is not free: only the engine, or its never having had the run, says that it did not.
    """
    if ending.status is RunStatus.COMPLETED or generation.progress > 0 or ending.duration_seconds:
        return True
    return ending.by == "us" and generation.status not in UNSENT


def _timed(generation: Generation, ending: Ending, now: datetime) -> Generation:
    """Set start, end and duration: both times by the engine, or both by arrival.

    A duration that the engine tells stands beside either.
    """
    by_engine = ending.started_at is not None or generation.started_at is None
    if ending.ended_at is not None and by_engine:
        started, ended_at = ending.started_at, ending.ended_at
        source = "engine"
    else:
        started = generation.started_at
        ended_at = generation.claimed_end.at if generation.claimed_end else now
        source = "webhook"
    duration = None
    if ending.duration_seconds is not None:
        duration, source = max(0.0, round(ending.duration_seconds, 3)), "engine"
    elif started is not None:
        duration = max(0.0, round((ended_at - started).total_seconds(), 3))
    return generation.change(
        started_at=started,
        response_timestamp=ended_at,
        duration_seconds=duration,
        duration_source=None if duration is None else source,
    )
