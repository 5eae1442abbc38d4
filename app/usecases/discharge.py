"""Discharge what generations owe; see `app.usecases.hands`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from app.observability.metrics import Metrics
from app.ports import Alerts
from app.usecases.circuits import Circuits
from app.usecases.hands import TELEGRAM, UNSTOPPED, HandlerOf, Hands, Line, Work
from app.usecases.records import Decide, Records
from app.usecases.taking import INWARD, Taking
from processors import debts, runs
from schemas.base import EngineName, RunId
from schemas.debt import CHAT, Debt, DebtKind
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.timing import Timing

LINES: Final = (
    # A submit may take its minute; an end must find a hand meanwhile.
    Line(frozenset({DebtKind.SUBMIT}), 32),
    Line(INWARD - {DebtKind.SUBMIT, DebtKind.KEEP, DebtKind.SETTLE, DebtKind.WEBHOOK}, 32),
    # A hundred parts of a job end at once: many hands would only take each other's place in its
    # record, and in the ledger.
    Line(frozenset({DebtKind.SETTLE}), 8),
    # What others hear of may wait for what must happen.
    Line(frozenset({DebtKind.WEBHOOK}), 8),
    # A copy takes a while, and up to 10 MB of memory.
    Line(frozenset({DebtKind.KEEP}), 8),
    # A status message may wait seconds for its chat; here, too, an end must find a hand.
    Line(frozenset({DebtKind.NOTIFY}), 64),
    Line(frozenset({DebtKind.SHOW}), 64),
)
Handler = HandlerOf[Generation]
"""Does one debt of a generation."""


class Discharger(Hands[Generation]):
    """This process's hands for generations."""

    _unwatched = CHAT | {DebtKind.KEEP}
    # Between the end of a step and the next one's submit each read is waited for.
    # What others hear of is frozen as the write that made it happen has left it.
    _as_left = frozenset({DebtKind.KEEP, DebtKind.ADVANCE, DebtKind.WEBHOOK})

    def __init__(
        self,
        records: Records,
        handlers: Mapping[DebtKind, Handler],
        *,
        taking: Taking,
        circuits: Circuits,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        super().__init__(
            records,
            handlers,
            lines=LINES,
            called="generation",
            taking=taking,
            circuits=circuits,
            timing=timing,
            metrics=metrics,
            alerts=alerts,
        )
        self._generations = records

    async def _seen(self, work: Work) -> Generation | None:
        """Return the record that a debt is of.

        Asking the engine about an end does no harm if it was written meanwhile. So that record
        need not be read, as others are before anything is sent.
        """
        known = self._generations.remembered(work.record_id) if work.key == runs.END else None
        if known is not None and debts.held(known.owed, work.key, work.n):
            return known
        return await super()._seen(work)

    def _written_on(self, work: Work, seen: Generation | None) -> Generation | None:
        """Return what was seen where the handler itself writes no generation; see `Hands`."""
        if work.key == runs.SUBMIT:
            return self._generations.remembered(work.record_id)
        return seen if work.key in {runs.END, runs.SETTLE, runs.ADVANCE} else None

    def _run_of(self, record: Generation) -> RunId | None:
        return record.metadata.run_id

    def _peer_of(self, record: Generation, debt: Debt) -> str:
        return peer_of(record, debt)

    def _pressing(self, record: Generation, debt: Debt) -> bool:
        """Return whether a debt is tried though its peer is down: its time limit is past.

        Then it is its handler's to say so, answer or none; a submit, a run or an order must not
        wait in silence for as long as a peer is away.
        """
        if debt.kind in UNSTOPPED:
            return True
        if debt.kind not in {DebtKind.SUBMIT, DebtKind.ASK}:
            return False
        now, sent = self._clock.now(), record.status is RunStatus.SUBMITTING
        sought = sent and now >= runs.sought_until(record, self._timing)
        return sought or runs.overdue(record, now, self._timing)

    def _after(self, record: Generation, work: Work, failed: Decide) -> Decide:
        # Found never sent, and surely not taken now: it may be sent again.
        sent_first = record.status is RunStatus.PENDING and work.key == runs.SUBMIT
        return _unsent(failed, work) if sent_first else failed

    def _limit(self, kind: DebtKind) -> timedelta:
        if kind is DebtKind.SUBMIT:
            return self._timing.submit_limit
        if kind is DebtKind.KEEP:
            return self._timing.keep_limit
        return super()._limit(kind)


def by_engine(handlers: Mapping[EngineName, Handler], usual: Handler) -> Handler:
    """Return what does a debt as its generation's engine has it done, or as is usual."""

    async def handle(generation: Generation, debt: Debt) -> Decide | None:
        return await handlers.get(generation.engine, usual)(generation, debt)

    return handle


def peer_of(generation: Generation, debt: Debt) -> str:
    """Return whom a debt depends on: while that one is down, it waits."""
    if debt.kind is DebtKind.KEEP:
        return "storage"
    if debt.kind in {DebtKind.SETTLE, DebtKind.ADVANCE}:
        return "ledger"
    if debt.kind is DebtKind.WEBHOOK:
        return "webhooks"
    if debt.kind in CHAT:
        return TELEGRAM
    run_id = debt.about or generation.metadata.run_id
    # A run that waits for its next try is at no server: that its last one is down says nothing.
    server = None if run_id is None else runs.located(generation, RunId(run_id)).server
    return str(generation.engine) if server is None else f"{generation.engine}:{server}"


def _unsent(failed: Decide, work: Work) -> Decide:
    """A submit that surely did not arrive can be sent again, if nobody has sent it since."""

    def unsent(record: Generation, now: datetime) -> Generation:
        after = failed(record, now)
        return runs.unsent(after, now) if debts.held(record.owed, work.key, work.n) else after

    return unsent
