"""Ask the engine how a run stands: the reconciler, for webhooks that never come."""

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from app.clock import Clock
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerLostError,
    PeerMissingError,
)
from app.observability.metrics import Metrics
from app.ports import Engine
from app.usecases.records import Decide
from app.usecases.taking import Taking
from processors import debts, runs
from processors.runs import Ending
from schemas.base import EngineName, RunId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.run import TERMINAL, RunAt, RunReport, RunStatus
from schemas.timing import Timing


class AskEngine:
    """Discharges ``ask``. A standing debt: it is set to later until the run has ended."""

    def __init__(
        self,
        engines: Mapping[EngineName, Engine],
        *,
        names: Callable[[str | None, Generation], bool],
        taking: Taking,
        clock: Clock,
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self._engines = engines
        self._names = names
        self._taking = taking
        self._clock = clock
        self._timing = timing
        self._metrics = metrics
        self._log = structlog.get_logger()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Ask, and join what was said; end what is over, and what has taken too long."""
        run_id = RunId(debt.about) if debt.about else generation.metadata.run_id
        engine = self._engines.get(generation.engine)
        if run_id is None or engine is None:
            # Nobody can be asked; what takes too long is over all the same.
            over = runs.overdue(generation, self._clock.now(), self._timing)
            return self._overdue(debt) if over else self._later(debt)
        try:
            report = await _read(engine, runs.located(generation, run_id))
        except PeerError as error:
            decide = self._unanswered(generation, debt, run_id, error)
            if decide is None:
                raise
            return decide
        if run_id != generation.metadata.run_id and not self._names(report.webhook, generation):
            return self._stranger(debt, run_id)
        return self._reported(generation, debt, report)

    def _unanswered(
        self, generation: Generation, debt: Debt, run_id: RunId, error: PeerError
    ) -> Decide | None:
        """Decide without an answer; None where the error itself says what to do."""
        if isinstance(error, PeerMissingError):
            return self._missing(generation, debt, run_id, error)
        if runs.overdue(generation, self._clock.now(), self._timing):
            return self._overdue(debt)
        named = isinstance(error, PeerBusyError) and error.retry_after is not None
        # The next round of asking would not know of a run that is not ours yet: the try fails.
        stranger = run_id != generation.metadata.run_id
        if named or stranger or isinstance(error, PeerDownError):
            return None
        self._log.info("the engine did not answer", error=str(error))
        return self._later(debt)

    def _missing(
        self, generation: Generation, debt: Debt, run_id: RunId, error: PeerMissingError
    ) -> Decide:
        """Decide about a run that the engine does not know: at once only where that is final."""
        if run_id != generation.metadata.run_id:
            return self._stranger(debt, run_id)
        again = debt.last_error == runs.MISSING and not generation.ended
        final = again and debt.attempts + 1 >= self._timing.end_tries
        if final or isinstance(error, PeerLostError):
            return self._lost(debt, run_id)
        return self._later(debt, missing=True)

    def _reported(self, generation: Generation, debt: Debt, report: RunReport) -> Decide:
        if report.status in TERMINAL and generation.claimed_end is None and not generation.ended:
            self._metrics.rescued(generation.engine)

        def reported(record: Generation, now: datetime) -> Generation:
            taker = self._taking.taker(now)
            known = runs.submitted(record, report.run_id, now, self._timing, taker)
            if known.metadata.run_id != report.run_id:
                return runs.asked(known, debt, now, self._timing, news=False)
            after = runs.concluded(known, report, now=now, timing=self._timing, taker=taker)
            if after.attempt != record.attempt:
                return after
            if runs.overdue(after, now, self._timing):
                ending = Ending(status=RunStatus.TIMEOUT, by="us", reason="overdue")
                return runs.ended(after, ending, now=now, taker=taker)
            return runs.asked(after, debt, now, self._timing, news=_told(after) != _told(record))

        return reported

    def _later(self, debt: Debt, *, missing: bool = False) -> Decide:
        return lambda record, now: runs.asked(
            record, debt, now, self._timing, news=False, missing=missing
        )

    def _overdue(self, debt: Debt) -> Decide:
        """End what has taken too long, unless it turns out that it has not."""

        def overdue(record: Generation, now: datetime) -> Generation:
            later = runs.asked(record, debt, now, self._timing, news=False)
            held = debts.held(record.owed, debt.key, debt.n)
            if not held or not runs.overdue(record, now, self._timing):
                return later
            ending = Ending(status=RunStatus.TIMEOUT, by="us", reason="overdue")
            return runs.ended(later, ending, now=now, taker=self._taking.taker(now))

        return overdue

    def _lost(self, debt: Debt, run_id: RunId) -> Decide:
        """Try again or end what the engine has no more; an end of ours stands.

        While an end is looked into, that decides; and what may still be on its way is waited for.
        """

        def lost(record: Generation, now: datetime) -> Generation:
            later = runs.asked(record, debt, now, self._timing, news=False, missing=True)
            held = debts.held(record.owed, debt.key, debt.n)
            undecided = record.claimed_end is not None or runs.sending(record, now, self._timing)
            # It may be tried again already, and be asked about as before.
            if not held or undecided or record.metadata.run_id != run_id:
                return later
            return runs.vanished(later, "lost", now, self._taking.taker(now))

        return lost

    def _stranger(self, debt: Debt, run_id: RunId) -> Decide:
        self._log.warning("a run that named us is not ours", run=run_id)
        return self._later(debt)


async def _read(engine: Engine, run: RunAt) -> RunReport:
    """Ask how a run stands; what is said of another run is no answer."""
    report = await engine.read(run)
    if report.run_id != run.run_id:
        raise PeerBusyError(engine.name, "answered about another run")
    return report


def _told(generation: Generation) -> tuple[object, ...]:
    return (generation.status, generation.progress, generation.live_status)
