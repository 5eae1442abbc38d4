"""Take orders: what a preset makes of them, what they cost, and whether their person may."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from app.clock import Clock
from app.errors import (
    ConflictError,
    ContendedError,
    DiskFullError,
    EngineOffError,
    IdempotencyMismatchError,
    NotAllowedError,
    NotFoundError,
    TelegramOffError,
    UserBlockedError,
)
from app.ports import Generations, JobPage, Jobs, Presets
from app.usecases.money import Money
from app.usecases.records import Records, RecordsOf
from app.usecases.settle_run import refunded
from app.usecases.start_job import StartJob
from app.usecases.taking import Taking
from processors import debts, jobs, ledger, presets
from processors.errors import InsufficientCreditsError, NoLineError
from schemas.base import EngineName, GenerationId, UserId
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation
from schemas.job import JOB_OPEN, Job, JobChat, JobId, JobStatus, Step
from schemas.ledger import Entry
from schemas.preset import FixedPrice, Preset
from schemas.user import User

Check = Callable[[User, Preset], Awaitable[None]]
"""Raises a RefusedError where this person may not order this preset now."""
Turns = Callable[[User], Awaitable[int | None]]
"""Returns the turn that an order of this person has to take, None where they have no limits.

Raises a RefusedError where they have ordered as much as they may."""

AT_ONCE: Final = 100
"""Open jobs of one person that are looked at."""
MAX_TRIES: Final = 100
"""Each lost turn is an order of the same person: a hundred in a row mean something is wrong."""


class Order(NamedTuple):
    """What somebody orders.

    Attributes:
        user: Who pays.
        preset: What, by its name.
        inputs: Values by the names of the preset's inputs.
        chat: Where its end is told; None tells nobody.
        by: Who ordered: ``telegram``, ``api``.
    """

    user: User
    preset: str
    inputs: Mapping[str, JsonValue]
    chat: JobChat | None
    by: str


class Quote(NamedTuple):
    """What an order would come to. Amounts in credits.

    Attributes:
        preset: What is ordered.
        price: What a run is charged, or is expected to be.
        exact: Whether that is the price, not an estimate from the preset's last runs.
        held: What is set aside before the run: the most that it can come to.
        balance: What the person has.
        missing: What they lack; zero where they can order it.
    """

    preset: Preset
    price: Decimal
    exact: bool
    held: Decimal
    balance: Decimal
    missing: Decimal


class JobView(NamedTuple):
    """A job and its generations, in the order of its steps; those that are not made yet lack."""

    job: Job
    generations: tuple[Generation, ...]


class Orders:
    """Everybody's orders.

    Args:
        records: The generations.
        orders: The jobs.
        kept: The jobs, to be listed.
        known: The presets.
        money: Everybody's credits.
        starter: Starts a job.
        engines: Names of the engines that are on.
        telegram: Whether Telegram is on.
        credits_per_usd: How many credits a dollar of cost is.
        taking: Who this process is.
        limits: How much people may order.
        checks: What else may be in the way, such as pauses.
        disk_full: Whether there is too little disk left to take on anything new.
    """

    def __init__(
        self,
        records: Records,
        orders: RecordsOf[Job],
        kept: Jobs,
        known: Presets,
        *,
        money: Money,
        starter: StartJob,
        engines: Collection[EngineName],
        telegram: bool,
        credits_per_usd: Decimal,
        taking: Taking,
        limits: Turns,
        checks: Sequence[Check],
        disk_full: Callable[[], bool],
    ) -> None:
        self._generations: Generations = records.generations
        self._orders = orders
        self._clock: Clock = orders.clock
        self._kept = kept
        self._presets = known
        self._money = money
        self._starter = starter
        self._engines = frozenset(engines)
        self._telegram = telegram
        self._credits_per_usd = credits_per_usd
        self._taking = taking
        self._limits = limits
        self._checks = tuple(checks)
        self._disk_full = disk_full

    async def quote(self, user: User, preset: str, inputs: Mapping[str, JsonValue]) -> Quote:
        """Return what an order would come to; nothing is moved.

        Raises:
            NotFoundError: There is no such preset.
            NotAllowedError: It is not for this person, or not active.
            UserBlockedError: They are served no more.
            EngineOffError: Its engine is not set up here.
            InputRefusedError: One of the inputs is not what the preset takes.
            RefusedError: One of the checks is in the way.
            DiskFullError: Nothing new is taken on.
        """
        return (await self._quoted(user, preset, inputs)).quote

    async def place(self, order: Order, *, key: str | None, digest: str | None) -> tuple[Job, bool]:
        """Store an order, hold its credits, and have it made; return it, and whether it is new.

        With a key the insert is the claim: of two orders at once, one makes the job and the
        other gets it for an answer. So it is with limits: of two orders at once where one is
        allowed, one is stored, and the other looks again and is refused.

        Args:
            order: What somebody orders.
            key: ``{scope}:{Idempotency-Key}``, or None.
            digest: Of the body that came with the key.

        Raises:
            InsufficientCreditsError: The balance does not cover it.
            TelegramOffError: It names a chat, and Telegram is not set up here.
            IdempotencyMismatchError: The key came with another body before.
            ContendedError: Others of the same person kept being first.
            StoreDownError: The database does not answer; what was stored is gone on with.
            RefusedError: As `quote`.
            InputRefusedError: As `quote`.
        """
        known = await self._known(key, digest)
        if known is not None:
            return known, False
        if order.chat is not None and not self._telegram:
            raise TelegramOffError("notify.telegramChatId", "Telegram is not set up here")
        found = await self._quoted(order.user, order.preset, order.inputs)
        if found.quote.missing:
            raise InsufficientCreditsError(found.quote.balance, found.quote.missing)
        job = self._made(order, found, key, digest)
        for _ in range(MAX_TRIES):
            if await self._orders.add(job, handed=False):
                return await self._started(job, found.last), True
            known = await self._known(key, digest)
            if known is not None:
                return known, False
            if job.turn is None:
                raise ConflictError("the id of this order is taken; order again")
            # Another order of theirs has the turn: it is to be counted as well.
            job = job.change(turn=await self._limits(order.user))
        raise ContendedError(f"the orders of {order.user.id}")

    async def ordered(self, key: str) -> Job | None:
        """Return what was ordered under a key, or None."""
        return await self._kept.by_idempotency_key(key)

    async def get(self, job_id: JobId) -> JobView | None:
        """Return a job with its generations, or None."""
        job = await self._kept.get(job_id)
        if job is None:
            return None
        ids = [each.generation for each in job.steps]
        found = await self._generations.many(ids)
        return JobView(job, tuple(found[each] for each in ids if each in found))

    async def cancel(self, job_id: JobId, *, user: UserId | None = None) -> Job:
        """Want a job cancelled; one that has ended stays as it ended.

        Args:
            job_id: Which job.
            user: Whose it must be; None for anybody's.

        Raises:
            NotFoundError: There is no such job.
        """

        def cancelled(job: Job, now: datetime) -> Job:
            if user is not None and job.user_id != user:
                raise NotFoundError("job")
            return jobs.cancel_wanted(job, now, self._taking.taker(now))

        after = await self._orders.change(job_id, cancelled)
        if after is None:
            raise NotFoundError("job")
        return after

    async def page(
        self,
        user: UserId | None,
        cursor: str | None,
        limit: int,
        *,
        statuses: frozenset[JobStatus] | None = None,
    ) -> JobPage:
        """Return a page of somebody's jobs, or of everybody's; see app.ports.Jobs."""
        return await self._kept.page(user, cursor, limit, statuses=statuses)

    async def of_user(self, user: UserId, cursor: str | None, limit: int) -> JobPage:
        """Return a page of somebody's jobs, newest first."""
        return await self._kept.page(user, cursor, limit)

    async def open_of(self, user: UserId) -> tuple[Job, ...]:
        """Return somebody's jobs that have not ended, newest first."""
        return (await self._kept.page(user, None, AT_ONCE, statuses=JOB_OPEN)).items

    async def refund(self, job_id: JobId, *, amount: Decimal | None, by: str, reason: str) -> Job:
        """Give back what a job came to, or part of it, once; its person is told.

        Args:
            job_id: Which job.
            amount: Credits; None for all that was taken.
            by: Who gives it back.
            reason: Why.

        Raises:
            NotFoundError: There is no such job.
            NoLineError: Nothing was captured for it.
            AmountError: It is no amount, or more than was captured.
            AlreadyRefundedError: Another amount was given back before.
        """
        job = await self._kept.get(job_id)
        if job is None:
            raise NotFoundError("job")
        paid = [each for each in job.steps if each.outcome and each.outcome.price]
        if not paid:
            raise NoLineError(job.steps[0].generation, "was captured")
        generation = paid[0].generation
        entry = await self._money.refund(job.user_id, generation, amount, by=by, reason=reason)
        after = await refunded(self._orders, self._taking, job, generation, entry.amount)
        return after or job

    async def _quoted(self, user: User, name: str, inputs: Mapping[str, JsonValue]) -> "_Quoted":
        """Return what an order would come to, and what it takes to place it."""
        preset = await self._presets.get(name)
        if preset is None:
            raise NotFoundError("preset")
        if user.blocked:
            raise UserBlockedError
        if not presets.allowed(preset, user.roles):
            raise NotAllowedError(name)
        if preset.engine not in self._engines:
            raise EngineOffError("preset", f"its engine, {preset.engine}, is not set up here")
        if self._disk_full():
            raise DiskFullError("the disk is nearly full; nothing new is taken on")
        estimate = await self._estimate(preset)
        step = jobs.step_for(
            preset,
            inputs,
            GenerationId(self._clock.new_id()),
            user=user.id,
            estimate_usd=estimate,
            credits_per_usd=self._credits_per_usd,
        )
        turn = await self._limits(user)
        for check in self._checks:
            await check(user, preset)
        last = await self._money.last(user.id)
        balance = ledger.balance(last)
        price = presets.price(preset, estimate, self._credits_per_usd)
        quote = Quote(
            preset=preset,
            price=step.held if price is None else price,
            exact=isinstance(preset.price, FixedPrice),
            held=step.held,
            balance=balance,
            missing=max(step.held - balance, Decimal(0)) if step.held else Decimal(0),
        )
        return _Quoted(quote, step, last, turn)

    async def _estimate(self, preset: Preset) -> Decimal | None:
        if isinstance(preset.price, FixedPrice):
            return None
        costs = await self._generations.last_costs(preset.name, presets.RUNS_LOOKED_AT)
        return presets.estimate(costs)

    def _made(self, order: Order, found: "_Quoted", key: str | None, digest: str | None) -> Job:
        now = self._clock.now()
        # Its start is this call's to make; whoever finds it later goes on with it.
        start = Debt(key=jobs.START, kind=DebtKind.START, next_at=now)
        job = Job(
            id=JobId(self._clock.new_id()),
            user_id=order.user.id,
            by=order.by,
            chat=order.chat,
            steps=(found.step,),
            turn=found.turn,
            created_at=now,
            updated_at=now,
            idempotency_key=key,
            idempotency_digest=digest,
        )
        taker = self._taking.taker(now).change(kinds=frozenset({DebtKind.START}))
        return debts.put(job, debts.owe((), start, taker=taker))

    async def _started(self, job: Job, last: Entry | None) -> Job:
        """Start a job whose person waits for the answer; what cannot be done now is done later."""
        start = job.owed[0]
        try:
            await self._starter.hold(job, last)
            await self._starter.make(job)
            return await self._orders.change(job.id, self._starter.started(start), job) or job
        except InsufficientCreditsError as error:
            refused = self._starter.refused(start, error.reason, tell=False)
            after = await self._orders.change(job.id, refused, job)
            if after is not None and after.status is not JobStatus.REFUSED:
                # We slept through the claim, and whoever took it found the credits.
                return after
            raise
        except BaseException:
            self._orders.hand(None, job)
            raise

    async def _known(self, key: str | None, digest: str | None) -> Job | None:
        """Return what was ordered under a key, if its body was the same."""
        if key is None:
            return None
        known = await self._kept.by_idempotency_key(key)
        if known is not None and known.idempotency_digest != digest:
            raise IdempotencyMismatchError
        return known


class _Quoted(NamedTuple):
    """A quote, and what it takes to place the order.

    Attributes:
        quote: What it would come to.
        step: Its step, as it is agreed on.
        last: The person's last entry as it was.
        turn: The turn that the order has to take.
    """

    quote: Quote
    step: Step
    last: Entry | None
    turn: int | None
