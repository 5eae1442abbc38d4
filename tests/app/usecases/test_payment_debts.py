"""What payments owe is done by whoever sweeps, and what does not get done is told."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import PeerBusyError, StoreDownError
from app.usecases.payment_debts import STUCK
from processors import payments
from schemas.base import UserId
from schemas.payment import Payment, PaymentStatus
from tests.app.usecases.shops import Shop
from tests.builders import PAYMENT, USER, a_charge
from tests.fakes.gates import Turnstile
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.anyio


async def a_sale(shop: Shop) -> Payment:
    """Have a payment that was credited."""
    shop.invoice()
    await shop.payments.paid(a_charge())
    return shop.kept.records[PAYMENT]


async def test_a_debt_is_left_to_whoever_made_it_for_a_while() -> None:
    """A sweep takes it up once its time has come."""
    shop = Shop()
    await a_sale(shop)
    await shop.records.want_refund(PAYMENT, by="cli:ada", reason="x")
    assert await shop.debts.settle_open() == 0

    shop.clock.move(payments.GRACE)
    assert await shop.debts.settle_open() == 1
    assert shop.kept.records[PAYMENT].status is PaymentStatus.REFUNDED
    # What it owes now is new, and due in its own time.
    assert await shop.debts.settle_open() == 0
    shop.clock.move(payments.GRACE)
    assert await shop.debts.settle_open() == 1
    assert shop.balance() == 0


async def test_without_a_provider_a_refund_waits() -> None:
    """It is made once there is one."""
    shop = Shop(telegram=False)
    away = Shop(kept=shop.kept)
    away.ledger.kept = shop.ledger.kept
    await a_sale(away)
    payment = await shop.payments.refund(PAYMENT, by="x", reason="x")

    assert payment.status is PaymentStatus.REFUNDING
    assert "is not set up here" in str(payment.owed[0].last_error)
    away.clock.move(timedelta(hours=1))
    await away.debts.settle_open()
    assert away.provider.back == ["stx-1"]


async def test_a_wait_that_the_provider_names_is_kept() -> None:
    """It counts no try."""
    shop = Shop()
    await a_sale(shop)
    busy = PeerBusyError("telegram", "flood", timedelta(minutes=7))
    shop.provider.gate = Turnstile([busy])
    payment = await shop.payments.refund(PAYMENT, by="x", reason="x")

    [debt] = payment.owed
    assert (debt.attempts, debt.next_at) == (0, shop.clock.now() + timedelta(minutes=7))
    shop.clock.move(timedelta(minutes=7))
    await shop.debts.settle_open()
    assert shop.provider.back == ["stx-1"]


async def test_what_the_ledger_refuses_is_told() -> None:
    """The charge is in it as another person's, which nothing here ever writes."""
    shop = Shop()
    shop.invoice()
    await shop.money.payment(
        UserId("eve"), "stx-1", Decimal(100), record=PAYMENT, rate=Decimal(2), by="x"
    )
    payment = payments.paid(
        shop.kept.records[PAYMENT],
        shop.users.records[USER],
        a_charge(),
        provider="telegram",
        new_id=PAYMENT,
        now=shop.clock.now(),
    ).after
    shop.kept.records[PAYMENT] = payment
    for _ in range(STUCK):
        shop.clock.move(timedelta(hours=1))
        await shop.debts.settle_open()

    assert shop.alerts.raised == ["payment_stuck"]
    assert shop.kept.records[PAYMENT].owed[0].attempts == STUCK


async def test_one_payment_does_not_hold_up_the_others() -> None:
    """That it cannot be written is told; a database that is away ends the sweep."""

    class Stuck(FakePayments):
        """Somebody is always first."""

        async def write(self, before: Payment, after: Payment) -> bool:
            """Lose."""
            return await super().write(before.change(version=0), after)

    shop = Shop(kept=Stuck())
    paid = payments.paid(
        shop.invoice(),
        shop.users.records[USER],
        a_charge(),
        provider="telegram",
        new_id=PAYMENT,
        now=shop.clock.now(),
    ).after
    shop.kept.records[PAYMENT] = paid
    shop.clock.move(payments.GRACE)
    assert await shop.debts.settle_open() == 1
    assert shop.alerts.raised == ["payment_stuck"]

    shop.gate(Turnstile([None, None, StoreDownError("away")]))
    with pytest.raises(StoreDownError):
        await shop.debts.settle_open()
