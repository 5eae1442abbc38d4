"""Do what payments owe: credit what was bought, give money back, take credits back.

Each is done by a key of its own in the ledger, or with a provider that takes a repetition for
what it is, so two processes at one debt do no harm. What is done is taken off the record in one
compare-and-set; what failed is tried again, less and less often and for ever.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from app.errors import (
    AppError,
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerRefusedError,
    StoreDownError,
)
from app.ports import Alerts, PaymentProvider
from app.usecases.money import Money
from app.usecases.payment_records import Decide, PaymentRecords
from processors import debts, payments
from processors.errors import LedgerError
from schemas.debt import Debt
from schemas.ledger import Entry
from schemas.payment import Payment
from schemas.timing import Timing

AT_ONCE: Final = 50
"""Payments that are looked at in one sweep."""
STUCK: Final = 6
"""Failed tries after which somebody should know."""
BY: Final = "us"


class PaymentDebts:
    """What payments owe, done.

    Args:
        records: The payments.
        money: Everybody's credits.
        provider: Who takes the money; None where nobody does.
        timing: Waits between tries.
        alerts: Told of what does not get done.
    """

    def __init__(
        self,
        records: PaymentRecords,
        money: Money,
        provider: PaymentProvider | None,
        *,
        timing: Timing,
        alerts: Alerts,
    ) -> None:
        self._records = records
        self._money = money
        self._provider = provider
        self._clock = records.clock
        self._timing = timing
        self._alerts = alerts
        self._log = structlog.get_logger()
        # In the order in which they have to be done.
        self._handlers: dict[str, Callable[[Payment], Awaitable[Decide]]] = {
            payments.CREDIT: self._credit,
            payments.REFUND: self._refund,
            payments.PAYBACK: self._payback,
        }

    async def settle_open(self) -> int:
        """Do what is due by now; return of how many payments anything was.

        Raises:
            StoreDownError: The database does not answer.
        """
        found = await self._records.kept.due(self._clock.now(), AT_ONCE)
        for payment in found:
            try:
                await self.settle(payment, due_only=True)
            except StoreDownError:
                raise
            except AppError as error:
                self._alerts.alert("payment_stuck", f"{payment.id}: {error}")
        return len(found)

    async def settle(self, payment: Payment, *, due_only: bool = False) -> Payment:
        """Do what a payment owes, one thing after the other; return it as it then is.

        Args:
            payment: As it was just read, or written.
            due_only: Leave alone what is not to be tried yet.

        Raises:
            StoreDownError: The database does not answer.
            ContendedError: Others kept winning the write to it.
        """
        for key in self._handlers:
            debt = debts.find(payment.owed, key)
            if debt is None or debt.dead_at is not None:
                continue
            if debt.next_at > self._clock.now() and (due_only or debt.attempts):
                continue
            payment = await self._tried(payment, debt)
        return payment

    async def credited(self, payment: Payment) -> Entry | None:
        """Return the entry that credited a payment, made now if it is not there yet.

        None for a payment that credits nobody.
        """
        if payment.user is None or payment.charge_id is None or payment.stray is not None:
            return None
        return await self._money.payment(
            payment.user,
            payment.charge_id,
            payment.credits,
            record=payment.id,
            rate=payment.rate,
            by=payment.provider,
        )

    async def _tried(self, payment: Payment, debt: Debt) -> Payment:
        """Try one debt, and write down what came of it."""
        try:
            decide = await self._handlers[debt.key](payment)
        except (PeerError, LedgerError) as error:
            self._log.warning("a payment's debt failed", debt=debt.key, error=str(error))
            if debt.attempts + 1 >= STUCK:
                self._alerts.alert("payment_stuck", f"{payment.id}: {debt.key}, {error}")
            return await self._records.change(payment, self._failed(debt, error))

        def done(record: Payment) -> Payment:
            return payments.settled(decide(record), debt.key, debt.n)

        return await self._records.change(payment, done)

    async def _credit(self, payment: Payment) -> Decide:
        await self.credited(payment)
        return _as_it_is

    async def _refund(self, payment: Payment) -> Decide:
        if self._provider is None:
            raise PeerDownError(payment.provider, "is not set up here")
        try:
            await self._provider.refund(payment)
        except PeerRefusedError as error:
            why = str(error)
            self._alerts.alert("refund_refused", f"{payment.id}: {why}")
            return lambda record: payments.refund_refused(record, why)
        now, by = self._clock.now(), payment.provider
        return lambda record: payments.given_back(record, by=by, now=now)

    async def _payback(self, payment: Payment) -> Decide:
        # What was never credited cannot be taken back: the credit may be owed still.
        await self.credited(payment)
        if payment.user is not None and payment.charge_id is not None:
            await self._money.payback(
                payment.user,
                payment.charge_id,
                by=payment.refund_by or BY,
                reason=payment.refund_reason,
            )
        return _as_it_is

    def _failed(self, debt: Debt, error: Exception) -> Decide:
        now, jitter = self._clock.now(), self._clock.jitter()
        wait = error.retry_after if isinstance(error, PeerBusyError) else None

        def failed(record: Payment) -> Payment:
            if wait is not None:
                owed = debts.postpone(record.owed, debt.key, debt.n, now + wait, str(error))
            else:
                owed = debts.fail(
                    record.owed,
                    debt.key,
                    debt.n,
                    error=str(error),
                    now=now,
                    jitter=jitter,
                    timing=self._timing,
                )
            return debts.put(record, owed)

        return failed


def _as_it_is(payment: Payment) -> Payment:
    return payment
