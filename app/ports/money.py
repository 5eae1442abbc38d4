"""Everybody's credits, and whoever takes people's money for us."""

from collections.abc import (
    AsyncIterator,
    Callable,
    Sequence,
)
from datetime import datetime
from typing import NamedTuple, Protocol

from app.errors import UnreadableError
from app.ports.records import Debtors
from processors.notifications.paying import Bill
from schemas.base import GenerationId, UserId
from schemas.ledger import Entry
from schemas.payment import Charge, Comparison, Payment, Transaction


class Ledger(Protocol):
    """Everybody's entries, which are never changed. Every method may raise StoreDownError."""

    async def history(
        self, user: UserId, *, before: int | None = None, limit: int
    ) -> tuple[Entry, ...]:
        """Return a person's entries, the last first.

        Args:
            user: Whose.
            before: Only those with a smaller number; None for the very last.
            limit: At most so many.

        Raises:
            UnreadableError: One of them is damaged: no balance may be told without it.
        """
        ...

    async def by_key(self, key: str) -> Entry | None:
        """Return the entry of this key, or None.

        Raises:
            UnreadableError: It is damaged.
        """
        ...

    async def insert(self, entry: Entry) -> bool:
        """Store an entry; return whether its number, with its person, and its key were free."""
        ...

    async def closed(self, generations: Sequence[GenerationId]) -> frozenset[GenerationId]:
        """Return those of these generations whose line has been closed."""
        ...

    def entries(
        self, user: UserId | None = None, *, odd: Callable[[UnreadableError], None]
    ) -> AsyncIterator[Entry]:
        """Yield all entries, or those of one person: person by person, by number.

        `odd` is told of each that cannot be read, which is left out.
        """
        ...


class PaymentPage(NamedTuple):
    """One page of payments, newest first, and where the next one begins."""

    items: tuple[Payment, ...]
    next: str | None


class KeptPayments(Debtors[Payment], Protocol):
    """The payments we keep. A charge is one payment's, and counts among what is unique."""

    async def by_charge(self, charge_id: str) -> Payment | None:
        """Return the payment of a charge, by the provider's name of it, or None.

        Raises:
            UnreadableError: It is of a newer version, or damaged.
        """
        ...

    async def paid(self, since: datetime, until: datetime) -> tuple[Payment, ...]:
        """Return those that were paid in a time, `until` not included, the first paid first."""
        ...

    async def page(self, user: UserId | None, cursor: str | None, limit: int) -> PaymentPage:
        """Return a page of payments, newest first; of one person, or of everybody."""
        ...


class Comparisons(Protocol):
    """How far payments were compared, by provider. Whoever writes it holds the lease."""

    async def get(self, provider: str) -> Comparison | None:
        """Return how far it came, or None where it was never tried."""
        ...

    async def put(self, comparison: Comparison) -> None:
        """Remember how far it came, in place of what there was."""
        ...


class PaymentProvider(Protocol):
    """Whoever takes people's money for us. Every method may raise a PeerError.

    Another provider is another file with these methods. One that signs what it tells us, or
    whose word comes by a way that nobody else can use, is believed. **One that signs nothing
    must be asked**: its `confirm` asks it for the charge and compares, and nothing is credited
    on the word of a request that anybody could have made.
    """

    @property
    def name(self) -> str:
        """Its name in records: ``telegram``."""
        ...

    async def link(self, payment: Payment, bill: Bill) -> str:
        """Make an invoice, and return the link under which it can be paid."""
        ...

    async def send(self, payment: Payment, bill: Bill, chat_id: int) -> None:
        """Send an invoice into a chat."""
        ...

    async def confirm(self, charge: Charge) -> bool:
        """Return whether a charge that we heard of was made, as it was told."""
        ...

    async def refund(self, payment: Payment) -> None:
        """Give the money of a payment back to who paid; that it is back already is no fault.

        Raises:
            PeerRefusedError: It will not.
        """
        ...

    def transactions(self, start: int) -> AsyncIterator[Transaction]:
        """Yield the provider's own list, oldest first, from a place on.

        Lines that are not about payments for invoices are left out, but have their places.
        """
        ...
