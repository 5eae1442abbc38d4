"""What payments owe is done by hands like any debt, and what does not get done is told."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import PeerBusyError, PeerDownError, PeerUnknownError, StoreDownError
from app.ports import Write
from processors import payments
from schemas.base import UserId
from schemas.debt import MANY_TRIES
from schemas.payment import Payment, PaymentStatus
from tests.app.telegram.conditions import until
from tests.app.usecases.shops import Shop
from tests.builders import PAYMENT, TIMING, USER, a_charge
from tests.fakes.gates import Turnstile
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
AWAY = PeerDownError("telegram", "away")
BROKEN = PeerUnknownError("telegram", "500")


async def a_refund(shop: Shop, *errors: Exception) -> Payment:
    """Have a payment that was credited, and is to go back; the provider fails so often."""
    shop.invoice()
    await shop.payments.paid(a_charge())
    await shop.settle()
    shop.provider.gate = Turnstile(errors)
    await shop.payments.refund(PAYMENT, by="cli:ada", reason="x")
    await shop.settle()
    return shop.kept.records[PAYMENT]


def a_paid(shop: Shop) -> Payment:
    """Have a payment that owes its credit, and that nobody has claimed."""
    paid = payments.paid(
        shop.invoice(),
        shop.users.records[USER],
        a_charge(),
        provider="telegram",
        new_id=PAYMENT,
        now=shop.clock.now(),
    ).after
    shop.kept.records[PAYMENT] = paid
    return paid


async def test_what_a_command_wants_is_found_by_the_sweep() -> None:
    """A process that pays no debts claims none."""
    shop, office = Shop(), Shop(telegram=False, background=False)
    office.kept.records = shop.kept.records
    await shop.payments.paid(a_charge(invoice=shop.invoice().id))
    await shop.settle()
    wanted = await office.records.want_refund(PAYMENT, by="cli:ada", reason="x")

    assert [debt.by for debt in wanted.owed] == [None]
    await shop.settle()
    assert shop.kept.records[PAYMENT].status is PaymentStatus.REFUNDED
    assert shop.balance() == 0


async def test_a_claim_is_left_to_whoever_has_it() -> None:
    """Until it has run out, or its process is known to be gone."""
    shop, other = Shop(), Shop(name="other")
    other.kept.records, other.ledger.kept = shop.kept.records, shop.ledger.kept
    other.clock = shop.clock
    shop.invoice()
    await shop.payments.paid(a_charge())

    assert await other.sweep() == 0
    await shop.restart()
    assert await other.sweep() == 1
    assert await shop.sweep() == 0


async def test_without_a_provider_a_refund_waits() -> None:
    """Somebody is told when it has waited for long; it is made once there is one."""
    shop, without = Shop(), Shop(telegram=False)
    without.kept.records = shop.kept.records
    a_paid(shop)
    await without.payments.refund(PAYMENT, by="x", reason="x")
    for _ in range(MANY_TRIES):
        await without.settle()
        without.clock.move(HOUR)
    payment = shop.kept.records[PAYMENT]

    assert payment.status is PaymentStatus.REFUNDING
    assert "is not set up here" in str(payment.owed[-1].last_error)
    assert set(without.alerts.raised) == {"refund_stuck"}
    shop.clock.move(MANY_TRIES * HOUR)
    await shop.settle()
    assert shop.provider.back == ["stx-1"]
    assert shop.balance() == 0


async def test_a_wait_that_the_provider_names_is_kept() -> None:
    """It counts no try."""
    shop = Shop()
    wait = timedelta(minutes=7)
    payment = await a_refund(shop, PeerBusyError("telegram", "flood", wait))

    [debt] = payment.owed
    assert (debt.attempts, debt.next_at) == (0, shop.clock.now() + wait)
    shop.clock.move(wait)
    await shop.settle()
    assert shop.provider.back == ["stx-1"]


async def test_a_provider_that_is_away_is_left_alone() -> None:
    """No try is counted; when it answers again, the money goes back."""
    shop = Shop()
    payment = await a_refund(shop, AWAY, AWAY)

    assert payment.owed[0].attempts == 0
    assert shop.alerts.raised == ["telegram_down"]
    for _ in range(3):
        shop.clock.move(2 * TIMING.probe_every)
        await shop.settle()
    assert shop.alerts.raised == ["telegram_down", "telegram_back"]
    assert shop.provider.back == ["stx-1"]
    assert shop.balance() == 0


async def test_what_fails_is_tried_less_and_less_often() -> None:
    """For ever; after some time somebody is told."""
    shop = Shop()
    await a_refund(shop, *[BROKEN] * (MANY_TRIES + 1))
    for _ in range(MANY_TRIES + 2):
        shop.clock.move(HOUR)
        await shop.settle()

    assert set(shop.alerts.raised) == {"refund_stuck"}
    assert shop.provider.back == ["stx-1"]
    assert shop.balance() == 0


async def test_what_the_ledger_refuses_is_told() -> None:
    """The charge is in it as another person's, which nothing here ever writes."""
    shop = Shop()
    await shop.money.payment(
        UserId("eve"), "stx-1", Decimal(100), record=PAYMENT, rate=Decimal(2), by="x"
    )
    a_paid(shop)
    for _ in range(MANY_TRIES):
        await shop.settle()
        shop.clock.move(HOUR)

    assert shop.alerts.raised == ["credit_stuck"]
    assert shop.kept.records[PAYMENT].owed[0].attempts == MANY_TRIES


async def test_what_cannot_be_written_is_told() -> None:
    """Its claim runs out, and somebody else may try."""

    class Stuck(FakePayments):
        """Somebody is always first, but with a claim."""

        async def write(self, writes: Sequence[Write[Payment]]) -> frozenset[str]:
            """Lose."""
            if all(debt.by for each in writes for debt in each.after.owed) and writes[0].after.owed:
                return await super().write(writes)
            return frozenset(each.before.id for each in writes)

    shop = Shop(kept=Stuck())
    a_paid(shop)
    async with shop.at_work():
        assert await shop.sweep() == 1
        await until(lambda: bool(shop.alerts.raised))

    assert shop.alerts.raised == ["contended"]
    assert shop.balance() == 100


async def test_a_database_that_is_away_is_waited_for() -> None:
    """What was begun is finished when it is back."""
    shop = Shop()
    a_paid(shop)
    async with shop.at_work():
        assert await shop.sweep() == 1
        shop.gate(Turnstile([StoreDownError("away")] * 7))
        await until(lambda: not shop.kept.records[PAYMENT].owed)

    assert shop.balance() == 100
    assert shop.alerts.raised == []


async def test_what_credited_nobody_takes_nothing_back() -> None:
    """A stray payment has no entry, whichever is asked for."""
    shop = Shop()
    stray = payments.paid(
        None, None, a_charge(), provider="telegram", new_id=PAYMENT, now=shop.clock.now()
    ).after

    assert await shop.hands.payback.entry(stray) is None
    assert await shop.hands.credit.entry(stray) is None
    assert shop.ledger.kept == []


async def test_a_stray_payment_is_told_of_after_a_crash() -> None:
    """Whoever died before telling leaves that owed; it is told once, and is told no more."""
    shop = Shop()
    assert await shop.payments.paid(a_charge(invoice="nobody's")) is None
    assert shop.alerts.raised == []
    await shop.restart()
    assert await shop.payments.paid(a_charge(invoice="nobody's")) is None
    await shop.settle()
    [stray] = shop.kept.records.values()

    assert shop.alerts.raised == ["payment_stray"]
    assert stray.owed == ()
    await shop.settle()
    assert shop.alerts.raised == ["payment_stray"]
