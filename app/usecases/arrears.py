"""What is owed, what was given up, and what has not moved for long: to be seen, and replayed."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from app.errors import NotFoundError
from app.ports import Jobs, OwingT
from app.usecases.records import DecideOf, Records, RecordsOf
from processors import debts
from schemas.debt import Debt, DebtKind, Owing
from schemas.generation import Generation
from schemas.hook import Delivery
from schemas.job import Job
from schemas.payment import Payment

ALL_KINDS: Final = frozenset(DebtKind)

What = Literal["generation", "job", "payment", "webhook"]


class Arrear(NamedTuple):
    """A debt, and what owes it."""

    what: What
    record: str
    debt: Debt

    @property
    def since(self) -> datetime:
        """Return since when it is dead, or due; later than now where it is not due yet."""
        return self.debt.dead_at or self.debt.next_at


class Silent(NamedTuple):
    """A record that has not ended, and has not changed for long."""

    what: What
    record: str
    status: str
    since: datetime


class Stuck(NamedTuple):
    """What may be stuck: the oldest of each."""

    silent: tuple[Silent, ...]
    overdue: tuple[Arrear, ...]


class Arrears:
    """Debts of all records, as administrators see them.

    Args:
        generations: The generations; what they owe comes first.
        orders: The jobs, to be changed.
        kept: The jobs, to be listed.
        payments: The payments.
        deliveries: Outgoing webhooks on their way.
    """

    def __init__(
        self,
        generations: Records,
        orders: RecordsOf[Job],
        kept: Jobs,
        payments: RecordsOf[Payment],
        deliveries: RecordsOf[Delivery],
    ) -> None:
        self._generations = generations
        self._orders = orders
        self._kept = kept
        self._payments = payments
        self._deliveries = deliveries

    async def listed(self, *, only_dead: bool) -> AsyncIterator[Arrear]:
        """Yield what is owed, or what was given up, those of the oldest record first."""
        async for each in _owed("generation", self._generations, only_dead=only_dead):
            yield each
        async for each in _owed("job", self._orders, only_dead=only_dead):
            yield each
        async for each in _owed("payment", self._payments, only_dead=only_dead):
            yield each
        async for each in _owed("webhook", self._deliveries, only_dead=only_dead):
            yield each

    async def replay(
        self, record: str | None = None, key: str | None = None, since: datetime | None = None
    ) -> int:
        """Bring dead debts back to life; return how many.

        Args:
            record: Of this generation, job, payment or outgoing webhook only; None for all.
            key: Only those of this key; None for all.
            since: Only those that died since; None for all.

        Raises:
            NotFoundError: There is no such generation, job, payment or outgoing webhook.
        """
        if record is None:
            count = await _replayed_all(self._generations, key, since)
            count += await _replayed_all(self._orders, key, since)
            count += await _replayed_all(self._payments, key, since)
            return count + await _replayed_all(self._deliveries, key, since)
        if (generation := await self._generations.kept.get(record)) is not None:
            return await _replayed(self._generations, generation, key, since)
        if (job := await self._orders.kept.get(record)) is not None:
            return await _replayed(self._orders, job, key, since)
        if (payment := await self._payments.kept.get(record)) is not None:
            return await _replayed(self._payments, payment, key, since)
        if (delivery := await self._deliveries.kept.get(record)) is not None:
            return await _replayed(self._deliveries, delivery, key, since)
        raise NotFoundError("generation, job, payment or webhook")

    async def stuck(self, age: timedelta, limit: int) -> Stuck:
        """Return what may be stuck: silence is no fault of a payment, which people may let be.

        Args:
            age: For how long nothing has changed, or something has been overdue.
            limit: At most so many records of each kind.
        """
        before = self._generations.clock.now() - age
        kept = self._generations.generations
        silent = [_silent("generation", each) for each in await kept.silent(before, limit)]
        # A job says nothing while what it made runs, which speaks for itself.
        quiet = await self._kept.silent(before, limit)
        silent += [_silent("job", each) for each in quiet if not await self._runs(each)]
        late = list[Arrear]()
        for generation in await kept.due(before, ALL_KINDS, limit):
            late += _overdue("generation", generation, before)
        for job in await self._kept.due(before, ALL_KINDS, limit):
            late += _overdue("job", job, before)
        for payment in await self._payments.kept.due(before, ALL_KINDS, limit):
            late += _overdue("payment", payment, before)
        for delivery in await self._deliveries.kept.due(before, ALL_KINDS, limit):
            late += _overdue("webhook", delivery, before)
        return Stuck(tuple(silent), tuple(late))

    async def _runs(self, job: Job) -> bool:
        made = await self._generations.generations.many([each.generation for each in job.steps])
        return any(not each.ended for each in made.values())


def _silent(what: What, record: Generation | Job) -> Silent:
    return Silent(what, record.id, record.status.value, record.updated_at)


def _overdue(what: What, record: Owing, before: datetime) -> Iterator[Arrear]:
    for each in record.owed:
        if each.dead_at is None and each.next_at <= before:
            yield Arrear(what, record.id, each)


async def _owed(
    what: What, records: RecordsOf[OwingT], *, only_dead: bool
) -> AsyncIterator[Arrear]:
    found = records.kept.dead() if only_dead else records.kept.indebted()
    async for record in found:
        for debt in record.owed:
            if debt.dead_at is not None or not only_dead:
                yield Arrear(what, record.id, debt)


async def _replayed_all(records: RecordsOf[OwingT], key: str | None, since: datetime | None) -> int:
    count = 0
    async for record in records.kept.dead():
        count += await _replayed(records, record, key, since)
    return count


async def _replayed(
    records: RecordsOf[OwingT], record: OwingT, key: str | None, since: datetime | None
) -> int:
    dead = [each for each in record.owed if each.dead_at is not None]
    wanted = frozenset(
        each.key
        for each in dead
        if key in {None, each.key} and (since is None or (each.dead_at or since) >= since)
    )
    if wanted:
        await records.change(record.id, _alive(wanted))
    return len(wanted)


def _alive(keys: frozenset[str]) -> DecideOf[OwingT]:
    """Decide to bring the debts of these keys back to life."""

    def decide(record: OwingT, now: datetime) -> OwingT:
        owed = record.owed
        for debt in owed:
            if debt.key in keys and debt.dead_at is not None:
                owed = debts.replay(owed, debt.key, now)
        return debts.put(record, owed)

    return decide
