"""What records that owe have in common, and what keeps processes out of each other's way."""

from collections.abc import (
    AsyncIterator,
    Collection,
    Sequence,
)
from datetime import datetime, timedelta
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

from schemas.base import GenerationId, InstanceName
from schemas.debt import DebtKind, Owing
from schemas.run import Batch

OwingT = TypeVar("OwingT", bound=Owing)
"""A record that owes."""


class Write(NamedTuple, Generic[OwingT]):
    """One compare-and-set: `after` in place of `before`, if that still stands."""

    before: OwingT
    after: OwingT


class Owed(NamedTuple):
    """How many debts of one kind stand in one state, and since when the oldest does."""

    kind: DebtKind
    state: Literal["live", "claimed", "dead"]
    number: int
    age: timedelta
    """Of the oldest: how long it has been due, or dead. Zero where none is due yet."""


class Debtors(Protocol[OwingT]):
    """The records of one kind that owe. Every method may raise StoreDownError.

    Where several records are returned or yielded, those that this version cannot read are left
    out, unless it says otherwise.
    """

    async def get(self, record_id: str, /) -> OwingT | None:
        """Return a record, or None.

        Raises:
            UnreadableError: It is of a newer version, or damaged.
        """
        ...

    async def by_idempotency_key(self, key: str) -> OwingT | None:
        """Return the record that was made under this key, or None."""
        ...

    async def insert(self, record: OwingT, /) -> bool:
        """Store a new record; return whether all of it that is unique was free."""
        ...

    async def insert_all(self, records: Sequence[OwingT], /) -> frozenset[str]:
        """Store new records, in any order; return the ids of those that were not free."""
        ...

    async def write(self, writes: Sequence[Write[OwingT]]) -> frozenset[str]:
        """Set what changed, where the record still is at the version of `before`.

        `after` is stored with the version of `before` plus 1 and with `updatedAt` as given.

        Returns:
            The ids whose record was not as `before`: nothing was written there.
        """
        ...

    async def due(
        self, now: datetime, kinds: frozenset[DebtKind], limit: int
    ) -> tuple[OwingT, ...]:
        """Return records that owe a live debt of these kinds by `now`, the longest due first."""
        ...

    async def any_due(self, now: datetime, kinds: frozenset[DebtKind]) -> bool:
        """Return whether any record owes a live debt of these kinds by `now`, readable or not."""
        ...

    async def number_due(self, now: datetime, kinds: frozenset[DebtKind]) -> int:
        """Return how many records owe a live debt of these kinds by `now`, readable or not."""
        ...

    async def claimed(self, by: InstanceName, until: datetime) -> tuple[OwingT, ...]:
        """Return records with a debt claimed by `by` whose claim runs out by `until`."""
        ...

    async def owed(self, now: datetime) -> tuple[Owed, ...]:
        """Count what is owed, by kind and state."""
        ...

    async def failing(self, limit: int) -> tuple[OwingT, ...]:
        """Return records with a live debt that failed `MANY_TRIES` times, in any order.

        Of kinds whose failed tries are counted until they are done (processors.debts.COUNTED).
        """
        ...

    async def died(self, since: datetime, limit: int) -> tuple[OwingT, ...]:
        """Return records with a debt that was given up after `since`, in any order."""
        ...

    def indebted(self) -> AsyncIterator[OwingT]:
        """Yield the records that owe anything, dead or alive, oldest first."""
        ...

    def dead(self) -> AsyncIterator[OwingT]:
        """Yield the records that owe a dead debt, oldest first."""
        ...


class Inbox(Protocol):
    """The deliveries we have answered for. Every method may raise StoreDownError."""

    async def insert(self, batch: Batch) -> None:
        """Store a batch on a majority's disks; the same batch again is no fault."""
        ...

    async def mark_applied(self, ids: Sequence[str]) -> None:
        """Mark batches whose every event has been applied."""
        ...

    async def stale(
        self, before: datetime, limit: int, known: Collection[str] = ()
    ) -> tuple[Batch, ...]:
        """Return unapplied batches taken in before `before`, oldest first, but none of `known`."""
        ...

    async def mark_unapplied(self, ids: Sequence[str]) -> None:
        """Have batches applied once more, by whoever sweeps next."""
        ...

    def around(
        self, since: datetime, until: datetime, generation_id: GenerationId | None = None
    ) -> AsyncIterator[Batch]:
        """Yield the batches taken in between two times, applied or not, oldest first.

        Of one generation if named: then only batches with events of it, and of those only these.
        """
        ...


class Lease(NamedTuple):
    """An exclusive duty, held until `until`; the fence grows with every new holder."""

    name: str
    holder: InstanceName
    fence: int
    until: datetime


class Leases(Protocol):
    """Exclusive duties among processes. Every method may raise StoreDownError."""

    async def acquire(
        self, name: str, holder: InstanceName, now: datetime, until: datetime
    ) -> Lease | None:
        """Take or renew a duty; None while somebody else holds it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give a duty up, so that another can take it at once."""
        ...
