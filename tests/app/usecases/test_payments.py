"""What is paid is credited once, whatever repeats and whatever dies; and goes back once."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import (
    AmountRefusedError,
    ConflictError,
    ContendedError,
    IdempotencyMismatchError,
    NotFoundError,
    StoreDownError,
    TelegramOffError,
)
from app.ports import Write
from app.usecases.payments import CHECK_LIMIT, LINK_LASTS
from schemas.base import PaymentId, UserId
from schemas.ledger import EntryKind
from schemas.payment import Checkout, Payment, PaymentStatus, Refusal, Stray
from schemas.user import User
from tests.app.usecases.shops import Shop
from tests.builders import CHAT, NOON, PAYMENT, USER, a_charge, a_user
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Turnstile
from tests.fakes.payments import FakePayments

pytestmark = pytest.mark.anyio

ASKED = Checkout(invoice=PAYMENT, amount=50, currency="XTR")
DOWN = StoreDownError("away")


async def turn() -> None:
    """Let everybody else go on first."""
    await asyncio.sleep(0)


async def test_a_link_is_made() -> None:
    """With what it buys at today's rate, in the person's language, for a day."""
    shop = Shop()
    shop.users.records[USER] = a_user(language="pt-br")
    payment, new = await shop.payments.create(USER, 50, key=None, digest=None)
    [(asked, bill)] = shop.provider.links

    assert new
    assert (payment.amount, payment.credits, payment.rate) == (50, Decimal(100), Decimal(2))
    assert (payment.user, payment.status) == (USER, PaymentStatus.CREATED)
    assert payment.invoice_url == f"https://pay.example.com/{payment.id}"
    assert payment.expires_at == NOON + LINK_LASTS
    assert (asked, bill.title) == (payment.id, "100 créditos")
    assert shop.kept.records == {payment.id: payment}


async def test_the_same_key_makes_one_payment() -> None:
    """However many ask at once; with another body it is refused."""
    shop = Shop()
    shop.gate(turn)
    made = await asyncio.gather(
        *(shop.payments.create(USER, 50, key="k", digest="d") for _ in range(5))
    )

    assert len({payment.id for payment, _ in made}) == len(shop.kept.records) == 1
    assert sum(new for _, new in made) == 1
    with pytest.raises(IdempotencyMismatchError):
        await shop.payments.create(USER, 60, key="k", digest="other")


async def test_a_link_that_a_crash_came_before_is_made_by_the_next() -> None:
    """At whichever point it died."""
    crashes = 0
    for place in range(20):
        shop = Shop()
        shop.gate(Turnstile([None] * place + [DOWN]))
        try:
            await shop.payments.create(USER, 50, key="k", digest="d")
        except StoreDownError:
            crashes += 1
        shop.open()
        payment, _ = await shop.payments.create(USER, 50, key="k", digest="d")

        assert payment.invoice_url is not None
        assert len(shop.kept.records) == 1
    assert crashes > 8


@pytest.mark.parametrize(
    ("user", "stars", "error"),
    [
        pytest.param(UserId("nobody"), 50, NotFoundError, id="unknown"),
        pytest.param(USER, 0, AmountRefusedError, id="nothing"),
        pytest.param(USER, -1, AmountRefusedError, id="less"),
        pytest.param(USER, 10_001, AmountRefusedError, id="too much"),
    ],
)
async def test_not_everything_is_sold(user: UserId, stars: int, error: type[Exception]) -> None:
    """And nothing is stored."""
    shop = Shop()

    with pytest.raises(error):
        await shop.payments.create(user, stars, key=None, digest=None)
    assert shop.kept.records == {}


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(a_user(blocked=True), id="blocked"),
        pytest.param(a_user(forget_wanted_at=NOON), id="being forgotten"),
        pytest.param(a_user(telegram_id=None, forgotten_at=NOON), id="forgotten"),
    ],
)
async def test_nobody_buys_who_is_not_served(user: User) -> None:
    """Nor is an invoice paid that they had; what was paid all the same is told."""
    shop = Shop()
    shop.users.records[USER] = user
    shop.invoice()

    with pytest.raises(ConflictError):
        await shop.payments.create(USER, 50, key=None, digest=None)
    with pytest.raises(ConflictError):
        await shop.payments.offer(USER, 50, CHAT, key="k")
    assert await shop.payments.check(ASKED) is Refusal.GONE
    assert await shop.payments.paid(a_charge()) is None
    assert shop.kept.records[PAYMENT].stray is Stray.USER_GONE
    await shop.settle()
    assert shop.alerts.raised == ["payment_stray"]
    assert shop.ledger.kept == []


async def test_nothing_is_sold_where_nobody_takes_money() -> None:
    """Telegram is not set up there."""
    with pytest.raises(TelegramOffError):
        await Shop(telegram=False).payments.create(USER, 50, key=None, digest=None)


async def test_an_id_that_is_taken_is_no_answer() -> None:
    """Two clocks that agree on everything would have to meet for that."""
    shop = Shop()
    shop.invoice(id=PaymentId(FakeClock().new_id()))

    with pytest.raises(ConflictError):
        await shop.payments.create(USER, 50, key=None, digest=None)


async def test_an_invoice_is_sent_once_for_a_key() -> None:
    """A second tap on its button sends none; one that was paid says so."""
    shop = Shop()
    for _ in range(2):
        assert await shop.payments.offer(USER, 50, CHAT, key="k") is None
    [payment] = shop.kept.records.values()

    assert shop.provider.sent == [(payment.id, CHAT)]
    assert payment.sent_at == NOON
    await shop.payments.paid(a_charge(invoice=payment.id))
    assert await shop.payments.offer(USER, 50, CHAT, key="k") is Refusal.PAID
    assert await shop.payments.offer(USER, 50, CHAT, key="other") is None
    shop.clock.move(timedelta(hours=1))
    assert await shop.payments.offer(USER, 50, CHAT, key="other") is Refusal.EXPIRED


async def test_sizes_say_what_they_buy() -> None:
    """At today's rate."""
    assert Shop().payments.sizes() == ((50, Decimal(100)), (100, Decimal(200)))


async def test_what_is_ours_may_be_paid() -> None:
    """Until it is paid, or too old; what nobody knows may not."""
    shop = Shop()
    assert await shop.payments.check(ASKED) is Refusal.UNKNOWN
    shop.invoice()
    assert await shop.payments.check(ASKED) is None
    shop.users.records.clear()
    assert await shop.payments.check(ASKED) is Refusal.GONE


async def test_a_check_is_answered_in_time() -> None:
    """Whether the database fails, or does not answer at all."""
    shop = Shop()
    shop.invoice()
    shop.gate(Turnstile([DOWN]))
    assert await shop.payments.check(ASKED) is Refusal.LATER

    async def stuck() -> None:
        await asyncio.sleep(60)

    shop.gate(stuck)
    began = asyncio.get_running_loop().time()
    assert await shop.payments.check(ASKED) is Refusal.LATER
    passed = asyncio.get_running_loop().time() - began
    assert passed == pytest.approx(CHECK_LIMIT.total_seconds(), abs=0.001)


async def test_a_charge_is_credited() -> None:
    """With the rate, whose word it was, and what it was paid by."""
    shop = Shop()
    shop.invoice()
    entry = await shop.payments.paid(a_charge())

    assert entry is not None
    assert (entry.kind, entry.key, entry.amount) == (EntryKind.PAYMENT, "payment:stx-1", 100)
    assert (entry.user, entry.rate, entry.payment) == (USER, Decimal(2), PAYMENT)
    assert entry.by == "telegram"
    [payment] = shop.kept.records.values()
    assert (payment.status, payment.charge_id) == (PaymentStatus.PAID, "stx-1")
    await shop.settle()
    assert shop.kept.records[PAYMENT].owed == ()
    assert shop.balance() == 100
    assert shop.alerts.raised == []


async def test_the_same_charge_twenty_times_at_once_credits_once() -> None:
    """And everybody gets the same entry."""
    shop = Shop()
    shop.invoice()
    shop.gate(turn)
    async with shop.at_work():
        entries = await asyncio.gather(*(shop.payments.paid(a_charge()) for _ in range(20)))

    assert len({entry.id for entry in entries if entry}) == 1
    assert None not in entries
    assert shop.balance() == 100
    assert len(shop.kept.records) == 1


async def test_a_crash_at_any_point_is_healed_by_the_sweep() -> None:
    """Between the two writes and everywhere else, though Telegram never told it again."""
    written = crashes = 0
    for place in range(30):
        shop = Shop()
        shop.invoice()
        shop.gate(Turnstile([None] * place + [DOWN]))
        try:
            await shop.payments.paid(a_charge())
        except StoreDownError:
            crashes += 1
        shop.open()
        known = shop.kept.records[PAYMENT].status is PaymentStatus.PAID
        written += known
        await shop.restart()
        await shop.settle()

        assert shop.balance() == (100 if known else 0)
        assert shop.kept.records[PAYMENT].owed == ()
    assert 0 < crashes < 30
    assert written > 10


async def test_a_crash_at_any_point_is_healed_by_telling_again() -> None:
    """Telegram repeats an update that was not answered."""
    for place in range(30):
        shop = Shop()
        shop.invoice()
        shop.gate(Turnstile([None] * place + [DOWN]))
        with contextlib.suppress(StoreDownError):
            await shop.payments.paid(a_charge())
        shop.open()
        entry = await shop.payments.paid(a_charge())

        assert entry is not None
        assert shop.balance() == 100
        await shop.restart()
        await shop.settle()
        assert shop.balance() == 100
        assert shop.kept.records[PAYMENT].owed == ()


async def test_two_charges_on_one_invoice_are_two() -> None:
    """Both were let through before either was told: nothing that was paid is dropped."""
    shop = Shop()
    shop.invoice()
    shop.gate(turn)
    one, other = await asyncio.gather(
        *(shop.payments.paid(a_charge(id=name, payer=1)) for name in ("a", "b"))
    )

    assert one is not None
    assert other is not None
    assert shop.balance() == 200
    assert {each.charge_id for each in shop.kept.records.values()} == {"a", "b"}


@pytest.mark.parametrize("stray", Stray)
async def test_what_fits_nobody_is_kept_and_told(stray: Stray) -> None:
    """A person has to look at it; it may be given back, and takes no credits."""
    shop = Shop()
    if stray is not Stray.UNKNOWN_INVOICE:
        shop.invoice(amount=60 if stray is Stray.OTHER_AMOUNT else 50)
    if stray is Stray.USER_GONE:
        shop.users.records.clear()
    for _ in range(2):
        assert await shop.payments.paid(a_charge()) is None
    await shop.settle()
    payment = await shop.kept.by_charge("stx-1")

    assert payment is not None
    assert (payment.status, payment.stray, payment.payer) == (PaymentStatus.STRAY, stray, CHAT)
    assert shop.alerts.raised == ["payment_stray"]
    await shop.payments.refund(payment.id, by="cli:ada", reason="nobody's")
    await shop.settle()
    back = shop.kept.records[payment.id]
    assert (back.status, back.owed) == (PaymentStatus.REFUNDED, ())
    assert shop.provider.back == ["stx-1"]
    assert shop.ledger.kept == []


async def test_what_the_provider_denies_is_not_believed() -> None:
    """Anybody could have said it; somebody is told."""
    shop = Shop()
    shop.invoice()
    shop.provider.denied.add("stx-1")

    assert await shop.payments.paid(a_charge()) is None
    assert await shop.payments.refunded(a_charge()) is None
    assert shop.alerts.raised == ["payment_denied", "payment_denied"]
    assert shop.kept.records[PAYMENT].status is PaymentStatus.CREATED
    assert shop.ledger.kept == []


async def a_sale(shop: Shop) -> Payment:
    """Have a payment that was credited."""
    shop.invoice()
    await shop.payments.paid(a_charge())
    await shop.settle()
    return shop.kept.records[PAYMENT]


async def test_a_refund_gives_the_money_back_and_takes_the_credits() -> None:
    """Though they are spent; who wanted it, and why, is in the ledger."""
    shop = Shop()
    await a_sale(shop)
    await shop.money.hold(USER, "job", {shop.clock.new_id(): Decimal(30)}, by="api")
    wanted = await shop.payments.refund(PAYMENT, by="cli:ada", reason="by mistake")
    await shop.settle()
    payment = shop.kept.records[PAYMENT]

    assert wanted.status is PaymentStatus.REFUNDING
    assert (payment.status, payment.owed) == (PaymentStatus.REFUNDED, ())
    assert shop.provider.back == ["stx-1"]
    assert shop.balance() == -30
    entry = shop.ledger.kept[-1]
    assert (entry.kind, entry.by, entry.reason) == (EntryKind.PAYBACK, "cli:ada", "by mistake")


async def test_a_refund_is_made_once() -> None:
    """However many want it at once, and again after it."""
    shop = Shop()
    await a_sale(shop)
    shop.gate(turn)
    async with shop.at_work():
        await asyncio.gather(
            *(shop.payments.refund(PAYMENT, by=f"api:{each}", reason="x") for each in range(10))
        )
    await shop.settle()
    again = await shop.payments.refund(PAYMENT, by="api:x", reason="x")
    await shop.settle()

    assert again.status is PaymentStatus.REFUNDED

    assert shop.provider.back == ["stx-1"]
    assert shop.balance() == 0


async def test_a_crash_in_a_refund_never_leaves_both_or_neither() -> None:
    """Wherever it dies, once it is wanted the rest is done, by whoever sweeps."""
    wanted = 0
    for place in range(50):
        shop = Shop()
        await a_sale(shop)
        shop.gate(Turnstile([None] * place + [DOWN]))
        with contextlib.suppress(StoreDownError):
            await shop.payments.refund(PAYMENT, by="cli:ada", reason="x")
        shop.open()
        gone = shop.kept.records[PAYMENT].status is not PaymentStatus.PAID
        wanted += gone
        await shop.restart()
        await shop.settle()

        assert shop.provider.back == (["stx-1"] if gone else [])
        assert shop.balance() == (0 if gone else 100)
        assert shop.kept.records[PAYMENT].owed == ()
    assert 40 < wanted < 50


async def test_a_refund_that_telegram_tells_of_is_booked() -> None:
    """Once, though it was not wanted here; the provider is not asked for it again."""
    shop = Shop()
    await a_sale(shop)
    shop.gate(turn)
    await asyncio.gather(*(shop.payments.refunded(a_charge()) for _ in range(20)))
    [back] = [each for each in shop.ledger.kept if each.kind is EntryKind.PAYBACK]

    assert (back.by, back.amount) == ("telegram", -100)
    assert shop.balance() == 0
    assert shop.provider.back == []
    assert shop.kept.records[PAYMENT].status is PaymentStatus.REFUNDED


async def test_a_refund_of_what_was_never_heard_of_is_booked_with_it() -> None:
    """The late news of the payment then changes nothing."""
    shop = Shop()
    shop.invoice()
    await shop.payments.refunded(a_charge())

    assert [each.kind for each in shop.ledger.kept] == [EntryKind.PAYMENT, EntryKind.PAYBACK]
    await shop.payments.paid(a_charge())
    assert shop.balance() == 0


async def test_a_refund_that_is_refused_leaves_the_credits() -> None:
    """And somebody is told; it may be wanted again."""
    shop = Shop()
    await a_sale(shop)
    shop.provider.will_not = True
    await shop.payments.refund(PAYMENT, by="cli:ada", reason="x")
    await shop.settle()
    payment = shop.kept.records[PAYMENT]

    assert (payment.status, payment.owed) == (PaymentStatus.PAID, ())
    assert "too long ago" in str(payment.refund_refused)
    assert shop.alerts.raised == ["refund_refused"]
    assert shop.balance() == 100
    shop.provider.will_not = False
    await shop.payments.refund(PAYMENT, by="cli:ada", reason="x")
    await shop.settle()
    assert shop.kept.records[PAYMENT].status is PaymentStatus.REFUNDED
    assert shop.balance() == 0


async def test_only_what_was_paid_goes_back() -> None:
    """An invoice has nothing to give, and what is not there neither."""
    shop = Shop()
    shop.invoice()

    with pytest.raises(ConflictError, match="nobody has paid it"):
        await shop.payments.refund(PAYMENT, by="x", reason="x")
    with pytest.raises(NotFoundError):
        await shop.payments.refund(PaymentId("none"), by="x", reason="x")
    assert await shop.payments.get(PAYMENT) is not None


async def test_a_write_that_is_never_won_is_given_up() -> None:
    """Something is wrong, and the caller may try later."""

    class Rival(FakePayments):
        """Somebody is always first."""

        async def write(self, writes: Sequence[Write[Payment]]) -> frozenset[str]:
            """Lose."""
            return frozenset(each.before.id for each in writes)

    shop = Shop(kept=Rival())
    payment = shop.invoice()
    with pytest.raises(ContendedError):
        await shop.payments.paid(a_charge())
    with pytest.raises(ContendedError):
        await shop.records.amend(payment, lambda each, _: each.change(payer=1))
    shop.kept.records.clear()
    with pytest.raises(NotFoundError):
        await shop.records.amend(payment, lambda each, _: each.change(payer=1))
