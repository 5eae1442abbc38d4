"""Change a payment; see `app.usecases.records`."""

from datetime import datetime
from typing import Final

from app.clock import Clock
from app.errors import ConflictError, NotFoundError
from app.observability.journal import Journal
from app.ports import KeptPayments
from app.usecases.records import DecideOf, RecordsOf
from app.usecases.taking import Taking
from processors import payments
from processors.debts import Taker
from processors.errors import NotPaidError
from schemas.base import PaymentId
from schemas.payment import Payment

Decide = DecideOf[Payment]
"""A decision about a payment."""


class PaymentRecords(RecordsOf[Payment]):
    """The payments, and how one of them is changed.

    Args:
        payments: Where they are.
        clock: The time, and ids.
        journal: Told of every change.
        taking: What this process does of what they owe.
    """

    def __init__(
        self, payments: KeptPayments, clock: Clock, journal: Journal, taking: Taking
    ) -> None:
        super().__init__(payments, clock, journal.bought)
        self.payments: Final = payments
        self._taking = taking

    def taker(self, now: datetime) -> Taker:
        """Return the taker of debts that are decided now."""
        return self._taking.taker(now)

    async def amend(self, payment: Payment, decide: Decide) -> Payment:
        """Commit what `decide` makes of a payment; return it as it then is, changed or not.

        Args:
            payment: As it was a moment ago.
            decide: What to make of it; asked again where somebody was first.

        Raises:
            NotFoundError: It is not there any more.
            ContendedError: Others kept winning the write.
        """
        after = await self.change(payment.id, decide, payment)
        if after is None:
            raise NotFoundError("payment")
        return after

    async def want_refund(self, payment_id: PaymentId, *, by: str, reason: str) -> Payment:
        """Write down that a payment's money shall go back; the service does it within seconds.

        Returns:
            The payment; as it is, where the money goes back, or has gone, already.

        Raises:
            NotFoundError: There is no such payment.
            ConflictError: Nobody has paid it.
        """

        def wanted(payment: Payment, now: datetime) -> Payment:
            taker = self.taker(now)
            return payments.refund_wanted(payment, by=by, reason=reason, now=now, taker=taker)

        try:
            after = await self.change(payment_id, wanted)
        except NotPaidError as error:
            raise ConflictError(str(error)) from None
        if after is None:
            raise NotFoundError("payment")
        return after
