"""Settle a run that has ended: close its line of the hold, then tell its job what it came to.

In this order, so that money has moved before anybody is told. Each part is made once however
often it is tried: the entry is known by the generation, and an outcome that the job knows
already is no news.
"""

from datetime import datetime
from decimal import Decimal

import structlog

from app.ports import Alerts
from app.usecases.money import Money
from app.usecases.records import Decide, Records, RecordsOf, acknowledged
from app.usecases.taking import Taking
from processors import debts, jobs, runs
from processors.errors import LedgerError
from processors.jobs import Later, Settlement
from schemas.base import GenerationId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.job import Job, Outcome, PriceReason, Step
from schemas.ledger import Entry
from schemas.timing import Timing

BY = "us"
"""Who settles."""


class SettleRun:
    """Discharges ``settle`` of a job's generation."""

    def __init__(
        self,
        records: Records,
        orders: RecordsOf[Job],
        money: Money,
        *,
        taking: Taking,
        timing: Timing,
        alerts: Alerts,
    ) -> None:
        self._clock = records.clock
        self._orders = orders
        self._money = money
        self._taking = taking
        self._timing = timing
        self._alerts = alerts
        self._log = structlog.get_logger()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Take what an ended run comes to, or look again when that can be said."""
        job = await self._orders.kept.get(generation.job_id or "")
        step = job.step_of(generation.id) if job else None
        if job is None or step is None or not generation.ended:
            return acknowledged(debt)
        said = jobs.settlement(generation, step, self._clock.now(), self._timing)
        if isinstance(said, Later):
            if said.reserved:
                await self._tell(job, generation.id, _reserved(generation, step))
            return _again(debt, said.at)
        try:
            entry = await self._closed(job, step, said)
            outcome = _outcome(generation, said, entry)
            if runs.unmade(generation) and outcome.price:
                back = await self._refunded(job, generation)
                outcome = outcome.change(refunded=back.amount, lost=True)
            told = await self._tell(job, generation.id, outcome) or job
            if not _delivered(told) and runs.lost(generation) and runs.may_remake(generation):
                return self._remade(debt, outcome)
            await self._give_back(told, generation, outcome)
        except LedgerError as error:
            # A line that was never held, or is another's: no try will change that.
            self._alerts.alert("ledger_disagrees", f"{generation.id}: {error}")
            return acknowledged(debt)
        return _settled(debt, outcome)

    async def _closed(self, job: Job, step: Step, said: Settlement) -> Entry:
        return await self._money.close(
            job.user_id,
            job.id,
            step.generation,
            said.captured,
            by=BY,
            rate=said.rate,
            reason=said.reason,
        )

    async def _tell(self, job: Job, generation: GenerationId, outcome: Outcome) -> Job | None:
        def told(record: Job, now: datetime) -> Job:
            return jobs.settled(record, generation, outcome, now, self._taking.taker(now))

        return await self._orders.change(job.id, told, job)

    async def _give_back(self, job: Job, generation: Generation, outcome: Outcome) -> None:
        """Refund what was paid for outputs that are gone for good, where nothing was delivered."""
        if _delivered(job) or not outcome.price or not runs.lost(generation):
            return
        entry = await self._refunded(job, generation)
        await refunded(self._orders, self._taking, job, generation.id, entry.amount, lost=True)

    async def _refunded(self, job: Job, generation: Generation) -> Entry:
        return await self._money.refund(job.user_id, generation.id, by=BY, reason="outputs_lost")

    def _remade(self, debt: Debt, outcome: Outcome) -> Decide:
        """Have made again, at our cost, what nobody has got and nobody can get any more."""
        settle = _settled(debt, outcome)

        def remade(record: Generation, now: datetime) -> Generation:
            held = debts.held(record.owed, debt.key, debt.n)
            after = settle(record, now)
            again = held and runs.lost(after) and runs.may_remake(after)
            return runs.remade(after, now, self._taking.taker(now)) if again else after

        return remade


def _delivered(job: Job) -> bool:
    """Return whether files have gone to a chat with the telling of a job's end.

    Of a job of several it is not known whose they were: what is lost of one is made again, or its
    price given back, whatever came of the others.
    """
    return job.single and job.told is not None and job.told.delivered


async def refunded(
    orders: RecordsOf[Job],
    taking: Taking,
    job: Job,
    generation: GenerationId,
    amount: Decimal,
    *,
    lost: bool = False,
) -> Job | None:
    """Note in a job that credits were given back for one of its steps, and have it told."""

    def noted(record: Job, now: datetime) -> Job:
        return jobs.refunded(record, generation, amount, now, taking.taker(now), lost=lost)

    return await orders.change(job.id, noted)


def _outcome(generation: Generation, said: Settlement, entry: Entry) -> Outcome:
    """Return what a step came to: what its line was closed at, whatever would be said now."""
    captured = entry.captured or Decimal(0)
    late = captured < said.captured
    reason = PriceReason.FREE_LATE if late else PriceReason(entry.reason or said.reason)
    return jobs.outcome_of(generation, captured, reason)


def _reserved(generation: Generation, step: Step) -> Outcome:
    """Return how a step stands that is not settled: one that is made again was paid for before."""
    known = step.outcome
    if known is None or known.price is None:
        return jobs.outcome_of(generation, None, None)
    return jobs.outcome_of(generation, known.price, known.price_reason)


def _settled(debt: Debt, outcome: Outcome) -> Decide:
    """Note the price, unless another end has come since: that one is settled in its turn."""

    def settled(record: Generation, now: datetime) -> Generation:
        del now
        if not debts.held(record.owed, debt.key, debt.n):
            return record
        priced = record.change(price=outcome.price, price_reason=outcome.price_reason)
        return debts.put(priced, debts.acknowledge(priced.owed, debt.key, debt.n))

    return settled


def _again(debt: Debt, at: datetime) -> Decide:
    return lambda record, _: debts.put(
        record, debts.postpone(record.owed, debt.key, debt.n, at, "it cannot be said yet")
    )
