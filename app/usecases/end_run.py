"""End a run: turn an end that was heard into one that is written.

The engine is asked, the cost is worked out, and one compare-and-set writes the status, the
engine's own outputs and what is owed for them. Nobody sees an end before that write.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.errors import PeerError, PeerLostError
from app.observability.metrics import Metrics
from app.ports import Alerts, Engine
from app.usecases.records import Decide, acknowledged
from app.usecases.taking import Taking
from processors import debts, runs
from processors.debts import Taker
from schemas.base import EngineName
from schemas.debt import Debt
from schemas.generation import ClaimedEnd, Generation
from schemas.run import TERMINAL, RunReport, RunStatus
from schemas.timing import Timing

LOOK: Final = timedelta(seconds=2)
"""Wait before the engine is asked again after it has denied an end."""
FORMER_TRIES: Final = 3
"""Tries to have an end of a former run confirmed: the one that serves now must not wait for it."""


class EndRun:
    """Discharges ``end``."""

    def __init__(
        self,
        engines: Mapping[EngineName, Engine],
        *,
        taking: Taking,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        self._engines = engines
        self._taking = taking
        self._timing = timing
        self._metrics = metrics
        self._alerts = alerts
        self._log = structlog.get_logger()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Ask the engine about an end that was heard, and write what it says."""
        claimed = generation.claimed_end
        engine = self._engines.get(generation.engine)
        if claimed is None:
            return acknowledged(debt)
        if engine is None:
            return self._unconfirmed(debt)
        try:
            report = await engine.read(runs.located(generation, claimed.run_id))
        except PeerLostError:
            return self._vanished(debt)
        except PeerError as error:
            former = claimed.run_id != generation.metadata.run_id
            if debt.attempts + 1 < (FORMER_TRIES if former else self._timing.end_tries):
                raise
            self._log.warning("an end could not be confirmed", error=str(error))
            return self._unconfirmed(debt)
        return self._said(generation, claimed, debt, report)

    def _said(
        self, generation: Generation, claimed: ClaimedEnd, debt: Debt, report: RunReport
    ) -> Decide:
        if report.status not in TERMINAL:
            self._metrics.denied_end(generation.engine)
            self._alerts.alert(
                "end_denied",
                f"run {report.run_id}: {claimed.status} was heard, the engine denies it",
            )
        elif report.status is not claimed.status:
            self._log.warning(
                "the engine says another end", heard=claimed.status, said=report.status
            )

        def said(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            if report.status not in TERMINAL:
                denied = runs.denied(record)
                if report.run_id != record.metadata.run_id:
                    return denied
                # A true end may have been heard meanwhile, and went with the one denied.
                asked = runs.looked_into(denied, now + LOOK)
                return runs.informed(asked, report, now, self._timing, self._taking.taker(now))
            return self._ended(record, report, now, self._taking.taker(now))

        return said

    def _ended(
        self, record: Generation, report: RunReport, now: datetime, taker: Taker
    ) -> Generation:
        if record.claimed_end is not None:
            self._metrics.ended_lag((now - record.claimed_end.at).total_seconds())
        return runs.concluded(record, report, now=now, timing=self._timing, taker=taker)

    def _vanished(self, debt: Debt) -> Decide:
        """Decide about an end whose engine has forgotten the run before it could be asked.

        What our own socket has heard stands where it says all there is to say. Of a success
        without its outputs nothing is left, and of a failure not why: its server may have died
        of it, for want of memory. Such a run is lost. That a former run is gone is no loss.
        """

        def vanished(record: Generation, now: datetime) -> Generation:
            claimed = record.claimed_end
            if claimed is None or not debts.held(record.owed, debt.key, debt.n):
                return record
            if claimed.run_id != record.metadata.run_id:
                return runs.denied(record)
            told = claimed.status is RunStatus.COMPLETED and record.heard
            if told or claimed.status not in {RunStatus.COMPLETED, RunStatus.FAILED}:
                ending = runs.at_its_word(record, claimed)
                return runs.ended(record, ending, now=now, taker=self._taking.taker(now))
            return runs.vanished(runs.denied(record), "lost", now, self._taking.taker(now))

        return vanished

    def _unconfirmed(self, debt: Debt) -> Decide:
        def unconfirmed(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            ending = runs.unconfirmed(record)
            if ending is None:
                return runs.denied(record)
            return runs.ended(record, ending, now=now, taker=self._taking.taker(now))

        return unconfirmed
