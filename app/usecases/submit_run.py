"""Submit a generation to its engine, at most once.

The pictures that it names are handed over first, and its engine's pace is waited for, while it is
still ``pending``: whatever comes of that, nothing was ordered yet. A compare-and-set to
``submitting`` precedes the POST. Where the answer never comes, the generation is not sent again:
the first webhook names the run, or the engine's recent runs are read for the one that carries our
webhook URL. Where an engine does not say whose a run is, the only one that was made of what we
asked for, and that nobody else has, is ours. After a while it has failed.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import JsonValue

from app.clock import Clock
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
    StoreDownError,
)
from app.ports import Engine
from app.usecases.hand_over import HandOver
from app.usecases.records import Decide, Records, acknowledged
from app.usecases.taking import Taking
from processors import debts, runs
from processors.runs import Ending
from schemas.base import EngineName, RunId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.run import RunReport, RunStatus
from schemas.timing import Timing

SLACK: Final = timedelta(minutes=2)
"""How far the engine's clock may be from ours."""
LOOKED_AT: Final = 200
"""Generations whose answer never came that are compared with one that is looked for."""
PAUSE: Final = 0.3
"""Seconds before another try while the database does not answer."""


class SubmitRun:
    """Discharges ``submit``.

    Args:
        records: The generations.
        engines: Those that are on, by name.
        hand_over: Gives an engine the pictures that inputs name.
        webhook_of: The webhook URL of a generation's current attempt.
        names: Whether a webhook URL is one of ours for this generation and attempt.
        taking: Who this process is.
        timing: Limits.
    """

    def __init__(
        self,
        records: Records,
        engines: Mapping[EngineName, Engine],
        *,
        hand_over: HandOver,
        webhook_of: Callable[[Generation], str],
        names: Callable[[str | None, Generation], bool],
        taking: Taking,
        timing: Timing,
    ) -> None:
        self._records = records
        self._clock: Clock = records.clock
        self._engines = engines
        self._hand_over = hand_over
        self._webhook_of = webhook_of
        self._names = names
        self._taking = taking
        self._timing = timing
        self._log = structlog.get_logger()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Send a generation that was never sent; look for one whose fate is unknown."""
        now = self._clock.now()
        over = now >= runs.sought_until(generation, self._timing)
        if generation.metadata.run_id is not None or (generation.ended and over):
            return acknowledged(debt)
        engine = self._engines.get(generation.engine)
        if engine is None:
            return self._over(debt, "engine_off")
        if generation.status is RunStatus.PENDING:
            if runs.overdue(generation, now, self._timing):
                return self._over(debt, "overdue", status=RunStatus.TIMEOUT)
            return await self._begin(engine, generation, debt)
        return await self._look(engine, generation, debt)

    async def _begin(self, engine: Engine, generation: Generation, debt: Debt) -> Decide | None:
        """Hand over what the order names, and send it; a fault of ours or theirs is no order."""
        asked = generation.request_payload.inputs
        try:
            inputs = await self._hand_over(engine, asked, debt.next_at)
        except PeerMissingError as error:
            self._log.warning("a picture cannot be handed over", error=str(error))
            return self._over(debt, "input_gone")
        except PeerRefusedError as error:
            return self._over(debt, str(error), by_engine=True)
        if inputs is None:
            return self._taking.renewed(debt.key, debt.n)
        # Whoever dies while it waits for its turn leaves a record that was surely never sent.
        await engine.turn()
        if self._too_late(debt):
            return self._taking.renewed(debt.key, debt.n)
        return await self._send(engine, generation, debt, inputs)

    async def _send(
        self,
        engine: Engine,
        generation: Generation,
        debt: Debt,
        inputs: dict[str, JsonValue],
    ) -> Decide | None:
        sent = await self._sending(generation, debt)
        # Held and submitting: only a holder of this claim can have written it, and that is us.
        ours = sent is not None and debts.held(sent.owed, debt.key, debt.n)
        if sent is None or not ours or sent.ended or sent.status is not RunStatus.SUBMITTING:
            return None
        self._records.remember(sent)
        if self._too_late(debt):
            return self._unsent(debt)
        try:
            run_id = await engine.submit(_with(generation, inputs), self._webhook_of(generation))
        except PeerRefusedError as error:
            reason = str(error)
            return self._over(debt, reason, by_engine=True)
        except PeerUnknownError as error:
            self._log.warning("the answer to a submit never came", error=str(error))
            return self._look_later(generation, debt, str(error))
        return self._named(run_id, None)

    def _too_late(self, debt: Debt) -> bool:
        """Return whether too little of a claim is left for a whole submit."""
        return debt.next_at - self._clock.now() < self._timing.submit_limit

    async def _sending(self, generation: Generation, debt: Debt) -> Generation | None:
        """Write that it is being sent, however long the database takes."""

        def sending(record: Generation, now: datetime) -> Generation:
            ours = debts.held(record.owed, debt.key, debt.n)
            return runs.submitting(record, now) if ours and not record.ended else record

        while True:
            try:
                return await self._records.change(generation.id, sending, generation)
            except StoreDownError:
                # It may have been written. Tried anew as a whole, the debt would be taken for
                # one whose POST went out.
                await asyncio.sleep(PAUSE)

    def _unsent(self, debt: Debt) -> Decide:
        """Give back a submit that was not begun, for too little of its claim was left."""

        def unsent(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            owed = debts.postpone(record.owed, debt.key, debt.n, now)
            return runs.unsent(debts.put(record, owed), now)

        return unsent

    async def _look(self, engine: Engine, generation: Generation, debt: Debt) -> Decide | None:
        """Look for the run of a submit whose answer never came.

        Whatever comes of it, a look never puts off the moment at which it is given up.
        """
        why, wait = "no run of ours is known", timedelta()
        try:
            report = await self._found(engine, generation)
            if report is not None:
                return self._named(report.run_id, report)
        except PeerDownError:
            if not self._given_up(generation):
                raise
        except Exception as error:  # noqa: BLE001 - no fault of a look may keep a person waiting for ever
            why, wait = self._missed(error)
        if self._given_up(generation):
            return self._over(debt, "submit_unknown")
        return self._look_later(generation, debt, why, wait)

    async def _found(self, engine: Engine, generation: Generation) -> RunReport | None:
        """Return the run that carries our webhook URL, or else the only one that may be ours.

        None where there is none so far, or where there are several, or several that it may be of.
        """
        since, alike = runs.sent_at(generation) - SLACK, list[RunReport]()
        async with asyncio.timeout(self._timing.look_limit.total_seconds()):
            async for report in engine.recent(generation, since):
                if self._names(report.webhook, generation):
                    return report
                if report.alike and await self._is_free(generation, report.run_id):
                    alike.append(report)
        if len(alike) != 1 or await self._is_sought_by_others(generation):
            return None
        return alike[0]

    async def _is_sought_by_others(self, generation: Generation) -> bool:
        """Return whether another that asked for the same has no answer either: whose is it?"""
        wanted = {"status": RunStatus.SUBMITTING.value, "engine": generation.engine}
        page = await self._records.generations.page(wanted, None, LOOKED_AT)
        asked = generation.request_payload
        others = [each for each in page.items if each.id != generation.id]
        return any(each.request_payload == asked for each in others)

    async def _is_free(self, generation: Generation, run_id: RunId) -> bool:
        """Return whether a run serves no generation, nor has served this one before.

        It is only looked; who writes its name first has it.
        """
        if any(run.run_id == run_id for run in generation.runs):
            return False
        wanted = {"metadata.run_id": run_id, "engine": generation.engine}
        page = await self._records.generations.page(wanted, None, 1)
        return not page.items

    def _missed(self, error: Exception) -> tuple[str, timedelta]:
        """Return why a look failed, and how long it is better to wait."""
        # One of time that ran out has no words of its own.
        said = str(error) or type(error).__name__
        expected = isinstance(error, PeerError | TimeoutError)
        if expected:
            self._log.warning("recent runs cannot be listed", error=said)
        else:
            self._log.error("a look for a lost submit failed", exc_info=error)
        named = error.retry_after if isinstance(error, PeerBusyError) else None
        return said, named or timedelta()

    def _given_up(self, generation: Generation) -> bool:
        return self._clock.now() >= runs.sought_until(generation, self._timing)

    def _look_later(
        self, generation: Generation, debt: Debt, why: str, wait: timedelta = timedelta()
    ) -> Decide:
        """Look again after a while, and in any case when the time is up."""
        now, until = self._clock.now(), runs.sought_until(generation, self._timing)
        at = now + max(self._timing.ask_running, wait)
        at = min(at, until) if until > now else at
        return lambda record, _: debts.put(
            record, debts.postpone(record.owed, debt.key, debt.n, at, why)
        )

    def _named(self, run_id: RunId, report: RunReport | None) -> Decide:
        """Name the run. It is true whoever says it, so no claim is asked for."""

        def named(record: Generation, now: datetime) -> Generation:
            taker = self._taking.taker(now)
            after = runs.submitted(record, run_id, now, self._timing, taker)
            if report is None:
                return after
            return runs.reported(after, report, now=now, timing=self._timing, taker=taker)

        return named

    def _over(
        self,
        debt: Debt,
        reason: str,
        *,
        status: RunStatus = RunStatus.FAILED,
        by_engine: bool = False,
    ) -> Decide:
        def over(record: Generation, now: datetime) -> Generation:
            ours = debts.held(record.owed, debt.key, debt.n)
            if not ours or record.ended or record.metadata.run_id is not None:
                return record
            ending = Ending(status=status, by="engine" if by_engine else "us", reason=reason)
            return runs.ended(record, ending, now=now, taker=self._taking.taker(now))

        return over


def _with(generation: Generation, inputs: dict[str, JsonValue]) -> Generation:
    """Return a generation as it is sent; the record keeps the inputs that were ordered."""
    payload = generation.request_payload
    return generation.change(request_payload=payload.change(inputs=inputs))
