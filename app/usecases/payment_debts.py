"""Do what payments owe: credit what was bought, give money back, take credits back.

Each is done by a key of its own in the ledger, or with a provider that takes a repetition for
what it is, so that a try which a crash cut short is made again without harm.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from app.errors import PeerRefusedError
from app.observability.metrics import Metrics
from app.ports import Alerts, PaymentProvider
from app.usecases.circuits import Circuits
from app.usecases.hands import Hands, Line
from app.usecases.money import Money
from app.usecases.payment_records import Decide, PaymentRecords
from app.usecases.records import acknowledged
from app.usecases.taking import Taking
from processors import payments
from schemas.debt import Debt, DebtKind
from schemas.ledger import Entry
from schemas.payment import Payment
from schemas.timing import Timing

PAYMENT_LINES: Final = (
    Line(frozenset({DebtKind.CREDIT, DebtKind.PAYBACK, DebtKind.ALERT}), 8),
    # What waits for the provider must not keep credits from who has paid.
    Line(frozenset({DebtKind.REFUND}), 4),
)
BY: Final = "us"
"""Who takes credits back, where nobody is known to have wanted it."""


class CreditPayment:
    """Discharges ``credit`` of a payment."""

    def __init__(self, money: Money) -> None:
        self._money = money

    async def __call__(self, payment: Payment, debt: Debt) -> Decide | None:
        """Credit what was bought."""
        await self.entry(payment)
        return acknowledged(debt)

    async def entry(self, payment: Payment) -> Entry | None:
        """Return the entry that credited a payment, made now if it is not there yet.

        None for a payment that credits nobody.

        Raises:
            LedgerError: The charge is another person's, or brings nothing that can be credited.
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


class RefundPayment:
    """Discharges ``refund`` of a payment.

    Args:
        records: The payments.
        provider: Who takes the money; None where nobody does.
        alerts: Told of what the provider refuses.
    """

    def __init__(
        self, records: PaymentRecords, provider: PaymentProvider | None, alerts: Alerts
    ) -> None:
        self._records = records
        self._provider = provider
        self._alerts = alerts

    async def __call__(self, payment: Payment, debt: Debt) -> Decide | None:
        """Have the money go back to who paid; what is answered holds, whoever has the claim."""
        del debt
        if self._provider is None:
            raise PeerRefusedError(payment.provider, "is not set up here")
        try:
            await self._provider.refund(payment)
        except PeerRefusedError as error:
            why = str(error)
            self._alerts.alert("refund_refused", f"{payment.id}: {why}")
            return lambda record, _: payments.refund_refused(record, why)
        return self._given_back

    def _given_back(self, record: Payment, now: datetime) -> Payment:
        return payments.given_back(
            record, by=record.provider, now=now, taker=self._records.taker(now)
        )


class PaybackPayment:
    """Discharges ``payback`` of a payment."""

    def __init__(self, money: Money, credit: CreditPayment) -> None:
        self._money = money
        self._credit = credit

    async def __call__(self, payment: Payment, debt: Debt) -> Decide | None:
        """Take back what was bought."""
        await self.entry(payment)
        return acknowledged(debt)

    async def entry(self, payment: Payment) -> Entry | None:
        """Return the entry that took a payment's credits back, made now if it is not there yet.

        None for a payment that credits nobody.

        Raises:
            LedgerError: The charge is another person's.
        """
        # What was never credited cannot be taken back: the credit may be owed still.
        credited = await self._credit.entry(payment)
        if credited is None or payment.charge_id is None:
            return None
        return await self._money.payback(
            credited.user,
            payment.charge_id,
            by=payment.refund_by or BY,
            reason=payment.refund_reason,
        )


class AlertPayment:
    """Discharges ``alert`` of a payment. A crash may have it told twice, and never not at all."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    async def __call__(self, payment: Payment, debt: Debt) -> Decide | None:
        """Have somebody know of what needs a person's judgement."""
        what = f"{payment.id}: {payment.amount} {payment.currency} of {payment.shown_payer}"
        why = payment.stray and payment.stray.value
        self._alerts.alert("payment_stray", f"{what}, nobody credited: {why}")
        return acknowledged(debt)


class PaymentHands(Hands[Payment]):
    """This process's hands for payments."""

    _unwatched = frozenset({DebtKind.REFUND})
    _blaming: ClassVar[frozenset[DebtKind]] = frozenset({DebtKind.REFUND})

    def __init__(
        self,
        records: PaymentRecords,
        money: Money,
        provider: PaymentProvider | None,
        *,
        taking: Taking,
        circuits: Circuits,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        """Have what payments owe done; `records` hand theirs over from now on."""
        self.credit: Final = CreditPayment(money)
        self.payback: Final = PaybackPayment(money, self.credit)
        super().__init__(
            records,
            {
                DebtKind.CREDIT: self.credit,
                DebtKind.REFUND: RefundPayment(records, provider, alerts),
                DebtKind.PAYBACK: self.payback,
                DebtKind.ALERT: AlertPayment(alerts),
            },
            lines=PAYMENT_LINES,
            called="payment",
            taking=taking,
            circuits=circuits,
            timing=timing,
            metrics=metrics,
            alerts=alerts,
        )
        records.inherit(self)

    def _peer_of(self, record: Payment, debt: Debt) -> str:
        return record.provider if debt.kind is DebtKind.REFUND else self._called

    def _limit(self, kind: DebtKind) -> timedelta:
        return self._timing.send_limit if kind is DebtKind.REFUND else super()._limit(kind)
