"""What does the debts of generations and jobs."""

from functools import partial
from typing import TypedDict

from app.bootstrap.fleet import Placing
from app.bootstrap.hooking import Hooking
from app.bootstrap.tools import Tools
from app.observability.journal import Journal
from app.usecases.advance import Advance, AdvanceJob, GoOn
from app.usecases.ask_engine import AskEngine
from app.usecases.cancel_run import CancelRun
from app.usecases.discharge import Discharger, Handler, by_engine
from app.usecases.end_run import EndRun
from app.usecases.hand_over import HandOver
from app.usecases.hands import HandlerOf, Hands
from app.usecases.keep_outputs import KeepOutputs
from app.usecases.notify import Ends, Notify, Show
from app.usecases.notify_job import NotifyJob
from app.usecases.settle_run import SettleRun
from app.usecases.show_job import Parts, ShowJob, for_jobs
from app.usecases.start_job import JOB_LINES, CancelJob, StartJob
from app.usecases.submit_run import SubmitRun
from app.usecases.taking import Taking
from processors.notifications.texts import Translate
from schemas.debt import DebtKind
from schemas.job import Job
from schemas.timing import Timing


def make_discharger(tools: Tools, placing: Placing | None, hooking: Hooking) -> Discharger:
    """Return this process's hands for generations."""
    submit = _submit(tools)
    if placing is not None:
        submit = by_engine({placing.fleet.name: placing.submit}, submit)
    discharger = Discharger(
        tools.records,
        {DebtKind.SUBMIT: submit, DebtKind.WEBHOOK: hooking.generation}
        | _runs(tools)
        | _chats(tools),
        taking=tools.taking,
        circuits=tools.circuits,
        timing=tools.timing,
        metrics=tools.metrics,
        alerts=tools.alerts,
    )
    tools.records.inherit(discharger)
    return discharger


def make_job_hands(tools: Tools, starter: StartJob, hooking: Hooking) -> Hands[Job]:
    """Return this process's hands for jobs."""
    handlers: dict[DebtKind, HandlerOf[Job]] = {
        DebtKind.START: starter,
        DebtKind.CANCEL: CancelJob(tools.records, tools.taking),
        DebtKind.WEBHOOK: hooking.job,
        DebtKind.ADVANCE: AdvanceJob(
            GoOn(tools.records, tools.taking), taking=tools.taking, timing=tools.timing
        ),
    }
    if tools.sender is not None:
        handlers[DebtKind.NOTIFY] = NotifyJob(
            tools.orders,
            tools.records,
            tools.sender,
            parts=_parts(tools),
            ends=_ends(tools),
            finish=tools.settings.telegram_finish,
            metrics=tools.metrics,
            **_telling(tools),
        )
    hands = Hands[Job](
        tools.orders,
        handlers,
        lines=JOB_LINES,
        called="job",
        taking=tools.taking,
        circuits=tools.circuits,
        timing=tools.timing,
        metrics=tools.metrics,
        alerts=tools.alerts,
    )
    tools.orders.inherit(hands)
    return hands


def _submit(tools: Tools) -> Handler:
    """Return what sends runs to engines that take them as a whole."""
    return SubmitRun(
        tools.records,
        tools.engines,
        hand_over=HandOver(tools.storage, tools.clock, tools.timing, tools.links.to),
        webhook_of=partial(tools.keys.webhook_of, tools.peers.webhook_base),
        names=tools.keys.names,
        taking=tools.taking,
        timing=tools.timing,
    )


def _runs(tools: Tools) -> dict[DebtKind, Handler]:
    """Return what sees runs to their end, and settles them."""
    taking, timing, metrics = tools.taking, tools.timing, tools.metrics
    return {
        DebtKind.CANCEL: CancelRun(tools.engines, taking=taking, timing=timing),
        DebtKind.ASK: AskEngine(
            tools.engines,
            names=tools.keys.names,
            taking=taking,
            clock=tools.clock,
            timing=timing,
            metrics=metrics,
        ),
        DebtKind.END: EndRun(
            tools.engines, taking=taking, timing=timing, metrics=metrics, alerts=tools.alerts
        ),
        DebtKind.KEEP: KeepOutputs(
            tools.records,
            tools.engines,
            files=tools.fetcher,
            storage=tools.storage,
            taking=taking,
            timing=timing,
        ),
        DebtKind.SETTLE: SettleRun(
            tools.records,
            tools.orders,
            tools.money,
            taking=taking,
            timing=timing,
            alerts=tools.alerts,
        ),
        DebtKind.ADVANCE: Advance(GoOn(tools.records, taking), tools.store.jobs),
    }


def _chats(tools: Tools) -> dict[DebtKind, Handler]:
    """Return what tells people of runs, where there is a bot to tell them."""
    if tools.sender is None:
        return {}
    together = ShowJob(
        tools.records,
        tools.orders,
        tools.sender,
        parts=_parts(tools),
        finish=tools.settings.telegram_finish,
        translate=tools.translate,
        journal=tools.journal,
    )
    return {
        DebtKind.SHOW: for_jobs(Show(tools.records, tools.sender, **_telling(tools)), together),
        DebtKind.NOTIFY: Notify(
            tools.records,
            tools.sender,
            ends=_ends(tools),
            finish=tools.settings.telegram_finish,
            metrics=tools.metrics,
            **_telling(tools),
        ),
    }


class _Telling(TypedDict):
    """What all that tells people needs."""

    translate: Translate
    taking: Taking
    timing: Timing
    journal: Journal


def _telling(tools: Tools) -> _Telling:
    return _Telling(
        translate=tools.translate, taking=tools.taking, timing=tools.timing, journal=tools.journal
    )


def _parts(tools: Tools) -> Parts:
    return Parts(tools.records, tools.store.presets)


def _ends(tools: Tools) -> Ends:
    return Ends(
        engine_of=tools.engines.get,
        allow_private=tools.peers.allow_private,
        own=tools.peers.own,
        linked=tools.links.download,
        translate=tools.translate,
    )
