"""What sells credits."""

from dataclasses import dataclass

from app.bootstrap.tools import Tools
from app.telegram.stars import Stars
from app.usecases.compare_payments import ComparePayments
from app.usecases.payment_debts import PaymentHands
from app.usecases.payment_records import PaymentRecords
from app.usecases.payments import Payments
from processors.notifications import paying
from processors.notifications.texts import Voice, language_of


@dataclass(frozen=True, kw_only=True)
class Selling:
    """What sells credits.

    Attributes:
        payments: Invoices, charges and refunds.
        records: Their records.
        hands: Do what payments owe.
        comparing: Compares them with the provider's list; None where there is none, or where
            others do it.
        stars: The provider; None where Telegram is off.
    """

    payments: Payments
    records: PaymentRecords
    hands: PaymentHands
    comparing: ComparePayments | None
    stars: Stars | None


def make_selling(tools: Tools) -> Selling:
    """Return what sells credits; nobody is asked anything yet."""
    settings, store, provider = tools.settings, tools.store, _stars(tools)
    records = PaymentRecords(store.payments, tools.clock, tools.journal, tools.taking)
    hands = PaymentHands(
        records,
        tools.money,
        provider,
        taking=tools.taking,
        circuits=tools.circuits,
        timing=tools.timing,
        metrics=tools.metrics,
        alerts=tools.alerts,
    )
    payments = Payments(
        records,
        store.users,
        provider,
        credit=hands.credit,
        payback=hands.payback,
        bill=lambda payment, tag: paying.bill(
            Voice(language_of(tag), tools.translate), payment.credits
        ),
        rate=settings.credits_per_star,
        offered=settings.stars_offered,
        alerts=tools.alerts,
    )
    comparing = None
    if provider is not None and settings.works:
        comparing = ComparePayments(
            payments,
            store.payments,
            provider,
            store.comparisons,
            store.leases,
            me=tools.name,
            clock=tools.clock,
            alerts=tools.alerts,
        )
    return Selling(
        payments=payments, records=records, hands=hands, comparing=comparing, stars=provider
    )


def _stars(tools: Tools) -> Stars | None:
    if tools.peers.telegram_url is None:
        return None
    return Stars(
        tools.peers.telegram_token,
        tools.peers.telegram_url,
        timeout_seconds=tools.timing.send_limit.total_seconds(),
        metrics=tools.metrics,
        sender=tools.sender,
    )
