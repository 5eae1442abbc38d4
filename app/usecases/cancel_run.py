"""Cancel a run at its engine, until the engine itself says how it ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.errors import PeerError, PeerLostError
from app.ports import Engine
from app.usecases.records import Decide
from app.usecases.taking import Taking
from processors import debts, runs
from processors.runs import Ending
from schemas.base import EngineName, RunId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.timing import Timing

AGAIN: Final = timedelta(seconds=10)
"""Wait between two requests to cancel the same run."""
LOOK: Final = timedelta(seconds=2)
"""Wait before the engine is asked what became of it."""


class CancelRun:
    """Discharges ``cancel``."""

    def __init__(
        self, engines: Mapping[EngineName, Engine], *, taking: Taking, timing: Timing
    ) -> None:
        self._engines = engines
        self._taking = taking
        self._timing = timing
        self._log = structlog.get_logger()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Ask the engine to cancel; after a while without its word, say it ourselves."""
        run_id = RunId(debt.about) if debt.about else generation.metadata.run_id
        engine = self._engines.get(generation.engine)
        done = False
        if run_id is not None and engine is not None:
            try:
                await engine.cancel(runs.located(generation, run_id))
                done = True
            except PeerLostError:
                # It is gone, and nobody need ask for that again.
                done = True
            except PeerError as error:
                # ComfyDeploy answers 500 for a run that it cannot cancel yet.
                self._log.info("a run could not be cancelled", error=str(error))
        return self._decided(debt, done=done)

    def _decided(self, debt: Debt, *, done: bool) -> Decide:
        def decided(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            former = debt.about is not None and debt.about != record.metadata.run_id
            if former and done and not record.ended:
                return debts.put(record, debts.acknowledge(record.owed, debt.key, debt.n))
            # What its engine has ended may have a run besides, of which nobody need hear more.
            open_end = record.ended_by != "engine"
            looked = runs.looked_into(record, now + LOOK) if done and open_end else record
            if record.ended and done:
                return debts.put(looked, debts.acknowledge(looked.owed, debt.key, debt.n))
            if record.ended:
                return debts.put(looked, self._ever_later(looked, debt, now))
            later = debts.put(looked, debts.postpone(looked.owed, debt.key, debt.n, now + AGAIN))
            if self._given_up(record, now):
                ending = Ending(status=RunStatus.CANCELLED, by="us", reason="cancel_unconfirmed")
                return runs.ended(later, ending, now=now, taker=self._taking.taker(now))
            return later

        return decided

    def _ever_later(self, record: Generation, debt: Debt, now: datetime) -> debts.Owed:
        """Put off the cancelling of a run whose end has been told: nobody waits for it."""
        return debts.fail(
            record.owed,
            debt.key,
            debt.n,
            error="the engine does not cancel it",
            now=now,
            jitter=0.5,
            timing=self._timing,
        )

    def _given_up(self, generation: Generation, now: datetime) -> bool:
        """Return whether the engine has had its time to say `cancelled`.

        An end that was heard meanwhile is looked into first, and may be the engine's own.
        """
        wanted = generation.cancel_wanted_at
        if generation.ended or generation.claimed_end is not None or wanted is None:
            return False
        return now >= wanted + self._timing.cancel_grace
