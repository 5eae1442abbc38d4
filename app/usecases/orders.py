"""Take orders: hold what they come to and have them made; go on with them, retry, give back."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from app.clock import Clock
from app.errors import (
    ConflictError,
    ContendedError,
    IdempotencyMismatchError,
    NotFoundError,
    TelegramOffError,
)
from app.ports import Generations, JobPage, Jobs, Users
from app.usecases.money import Money
from app.usecases.own_hooks import OwnHooks
from app.usecases.quoting import Order, Quote, Quoted, Quoting
from app.usecases.records import DecideOf, Records, RecordsOf
from app.usecases.settle_run import BY, refunded
from app.usecases.start_job import StartJob
from app.usecases.taking import Taking
from processors import chains, debts, jobs, runs
from processors.errors import InsufficientCreditsError, NoLineError
from schemas.base import UserId
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation
from schemas.hook import HookEvent
from schemas.job import JOB_OPEN, Job, JobChat, JobId, JobStatus, PriceReason
from schemas.ledger import Entry
from schemas.user import User

AT_ONCE: Final = 100
"""Open jobs of one person that are looked at."""
MAX_TRIES: Final = 100
"""Each lost turn is an order of the same person: a hundred in a row mean something is wrong."""


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
        people: Who orders.
        quoting: What orders come to.
        money: Everybody's credits.
        starter: Starts a job.
        hooks: Endpoints that orders bring with them.
        telegram: Whether Telegram is on.
        taking: Who this process is.
    """

    def __init__(
        self,
        records: Records,
        orders: RecordsOf[Job],
        kept: Jobs,
        people: Users,
        *,
        quoting: Quoting,
        money: Money,
        starter: StartJob,
        hooks: OwnHooks,
        telegram: bool,
        taking: Taking,
    ) -> None:
        self._records = records
        self._generations: Generations = records.generations
        self._orders = orders
        self._clock: Clock = orders.clock
        self._kept = kept
        self._people = people
        self._quoting = quoting
        self._money = money
        self._starter = starter
        self._hooks = hooks
        self._telegram = telegram
        self._taking = taking

    async def quote(self, user: User, preset: str, inputs: Mapping[str, JsonValue]) -> Quote:
        """Return what an order would come to; nothing is moved. Raises what `Quoting.of` does."""
        return (await self._quoting.of(Order(user, preset, inputs, None, ""))).quote

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
            HookRefusedError: It brings an endpoint that cannot be.
            IdempotencyMismatchError: The key came with another body before.
            ContendedError: Others of the same person kept being first.
            StoreDownError: The database does not answer; what was stored is gone on with.
            RefusedError: As `Quoting.of`.
            InputRefusedError: As `Quoting.of`.
            ChainRefusedError: As `Quoting.of`.
        """
        known = await self._known(key, digest)
        if known is not None:
            return known, False
        if order.chat is not None and not self._telegram:
            raise TelegramOffError("notify.telegramChatId", "Telegram is not set up here")
        found = await self._quoting.of(order)
        job = self._made(found, order.user, order.chat, order.by)
        if order.webhook is None:
            return await self._placed(job, found, order.user, key, digest)
        own = self._hooks.of(order.webhook, (HookEvent.JOB,), job)
        await self._hooks.keep(own)
        placed = await self._placed(job.change(hooked=own.events), found, order.user, key, digest)
        if not placed[1]:
            await self._hooks.drop(own)
        return placed

    async def _placed(
        self, job: Job, found: Quoted, user: User, key: str | None, digest: str | None
    ) -> tuple[Job, bool]:
        """Store a job and start it; one that was ordered under the key before is returned."""
        if found.quote.missing:
            raise InsufficientCreditsError(found.quote.balance, found.quote.missing)
        job = job.change(idempotency_key=key, idempotency_digest=digest)
        for _ in range(MAX_TRIES):
            if await self._orders.add(job, handed=False):
                return await self._started(job, found.last), True
            known = await self._known(key, digest)
            if known is not None:
                return known, False
            if job.turn is None:
                raise ConflictError("the id of this order is taken; order again")
            # Another order of theirs has the turn: it is to be counted as well.
            job = job.change(turn=await self._quoting.limits(user))
        raise ContendedError(f"the orders of {user.id}")

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

    async def cancel(
        self, job_id: JobId, *, user: UserId | None = None, reason: str | None = None
    ) -> Job:
        """Want a job cancelled; one that has ended stays as it ended.

        Args:
            job_id: Which job.
            user: Whose it must be; None for anybody's.
            reason: Why, as a slug: ``stopped`` where its person wants no more steps of it.

        Raises:
            NotFoundError: There is no such job.
        """

        def cancelled(job: Job, now: datetime) -> Job:
            return jobs.cancel_wanted(_of(job, user), now, self._taking.taker(now), reason=reason)

        return await self._changed(job_id, cancelled)

    async def go_on(self, job_id: JobId, step: int, *, user: UserId | None = None) -> Job:
        """Let a job go on that waits for its person's word after a step; once said is enough.

        Args:
            job_id: Which job.
            step: After which step, from 1.
            user: Whose it must be; None for anybody's.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It does not wait there.
        """

        def gone_on(job: Job, now: datetime) -> Job:
            after = chains.continued(_of(job, user), step, now, self._taking.taker(now))
            if after is job and job.continued < step:
                raise ConflictError(f"the job does not wait after step {step}")
            return after

        return await self._changed(job_id, gone_on)

    async def retry(
        self,
        job_id: JobId,
        step: int,
        *,
        user: UserId | None = None,
        key: str | None,
        digest: str | None,
    ) -> tuple[Job, bool]:
        """Order a step again, with all that comes after it; return the job that goes on with it.

        What of the step has completed is kept, unless all of it has. A job that waits for its
        person's word is stopped first, so that what is held for the rest can pay for it; where
        that would not suffice, or anything else is in the way, it goes on waiting.

        Args:
            job_id: Which job.
            step: Which of its steps, from 1.
            user: Whose it must be; None for anybody's.
            key: As for `place`.
            digest: As for `place`.

        Raises:
            NotFoundError: There is no such job, or its person is gone.
            ConflictError: It is still under way.
            ChainRefusedError: There is no such step, or what it needs is no longer there.
            RefusedError: As `place`; so are the others.
        """
        known = await self._known(key, digest)
        if known is not None:
            return known, False
        job = _of(await self._kept.get(job_id), user)
        if not job.ended and job.pause is None:
            raise ConflictError("the job is under way; wait for its end, or cancel it")
        person = await self._people.get(job.user_id)
        if person is None:
            raise NotFoundError("user")
        made = await self._generations.many([each.generation for each in job.steps])
        parts = chains.again(job, made, step)
        found = await self._quoting.again(person, job, parts, limited=job.ended)
        if not job.ended:
            found = self._freed(job, found)
            await self._stopped(job)
        first = job.first + parts[0].step.number - 1
        chat = job.chat.change(status_message_id=None) if job.chat else None
        new = self._made(found, person, chat, job.by).change(goes_on=job.id, first=first)
        return await self._placed(new, found, person, key, digest)

    def _freed(self, job: Job, found: Quoted) -> Quoted:
        """Return a quote as it will be once a job that waits is stopped, if that suffices.

        Raises:
            InsufficientCreditsError: It would not; then the job goes on waiting.
        """
        missing = found.quote.missing - jobs.unsettled(job)
        if missing > 0:
            raise InsufficientCreditsError(found.quote.balance, missing)
        return found._replace(quote=found.quote._replace(missing=Decimal(0)), last=None)

    async def _stopped(self, job: Job) -> None:
        """Stop a job that waits, and return what is held for what of it never began.

        That is what its debts come to as well; whoever retries a step of it pays with that now.
        """
        await self.cancel(job.id, reason="stopped")
        for step in job.steps:
            record = await self._records.change(
                step.generation,
                lambda record, now: runs.cancel_wanted(record, now, self._taking.taker(now)),
            )
            if record is not None and runs.never_begun(record):
                reason = PriceReason.NOT_COMPLETED
                await self._money.close(
                    job.user_id, job.id, step.generation, Decimal(0), by=BY, reason=reason
                )

    async def _changed(self, job_id: JobId, decide: DecideOf[Job]) -> Job:
        after = await self._orders.change(job_id, decide)
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
        # What was given back because it is lost is no part of what can be: asked for again, the
        # same refund must come to the same.
        outcomes = ((each, each.outcome) for each in job.steps)
        paid = [each for each, told in outcomes if told and told.price and not told.lost]
        if not paid:
            raise NoLineError(job.steps[0].generation, "was captured")
        for generation, share in jobs.shares(paid, amount):
            entry = await self._money.refund(job.user_id, generation, share, by=by, reason=reason)
            after = await refunded(self._orders, self._taking, job, generation, entry.amount)
            job = after or job
        return job

    def _made(self, found: Quoted, user: User, chat: JobChat | None, by: str) -> Job:
        now = self._clock.now()
        # Its start is this call's to make; whoever finds it later goes on with it.
        start = Debt(key=jobs.START, kind=DebtKind.START, next_at=now)
        job = Job(
            id=JobId(self._clock.new_id()),
            user_id=user.id,
            by=by,
            chat=chat,
            steps=found.steps,
            manual=found.manual and found.steps[-1].number > 1,
            turn=found.turn,
            created_at=now,
            updated_at=now,
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


def _of(job: Job | None, user: UserId | None) -> Job:
    """Return a job, if it is there and this person's."""
    if job is None or (user is not None and job.user_id != user):
        raise NotFoundError("job")
    return job
