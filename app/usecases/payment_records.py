"""Change a payment: decide, compare-and-set, and decide again where somebody was first."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from app.clock import Clock
from app.errors import ConflictError, ContendedError, NotFoundError
from app.ports import KeptPayments
from processors import payments
from processors.errors import NotPaidError
from schemas.base import PaymentId
from schemas.payment import Payment

MAX_TRIES: Final = 10
"""Ten lost races in a row on one payment mean that something is wrong."""

Decide = Callable[[Payment], Payment]
"""A pure decision: the payment as it is in, and as it should be out."""


class PaymentRecords:
    """The payments, and how one of them is changed."""

    def __init__(self, kept: KeptPayments, clock: Clock) -> None:
        self.kept: Final = kept
        self.clock: Final = clock

    async def change(self, payment: Payment, decide: Decide) -> Payment:
        """Commit what `decide` makes of a payment; return it as it then is, changed or not.

        Args:
            payment: As it was a moment ago.
            decide: What to make of it; asked again where somebody was first.

        Raises:
            ContendedError: Others kept winning the write.
        """
        seen: Payment | None = payment
        for _ in range(MAX_TRIES):
            if seen is None:
                break
            after = decide(seen)
            if after == seen:
                return seen
            after = stamped(seen, after, self.clock.now())
            if await self.kept.write(seen, after):
                return after
            seen = await self.kept.get(payment.id)
        raise ContendedError(f"payment {payment.id}")

    async def want_refund(self, payment_id: PaymentId, *, by: str, reason: str) -> Payment:
        """Write down that a payment's money shall go back; the service does it within seconds.

        Returns:
            The payment; as it is, where the money goes back, or has gone, already.

        Raises:
            NotFoundError: There is no such payment.
            ConflictError: Nobody has paid it.
        """
        payment = await self.kept.get(payment_id)
        if payment is None:
            raise NotFoundError("payment")
        now = self.clock.now()
        try:
            return await self.change(
                payment,
                lambda each: payments.refund_wanted(each, by=by, reason=reason, now=now),
            )
        except NotPaidError as error:
            raise ConflictError(str(error)) from None


def stamped(before: Payment, after: Payment, now: datetime) -> Payment:
    """Return `after` as it replaces `before`: its version raised and its time set."""
    return after.change(version=before.version + 1, updated_at=now)
