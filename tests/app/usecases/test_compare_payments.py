"""Once a day the provider's own list is gone through: what was missed is booked."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from app.errors import PeerDownError
from app.ports import Lease
from app.usecases.compare_payments import EVERY, LOOK_BACK, OVERDUE
from schemas.base import InstanceName, PaymentId
from schemas.payment import Charge, PaymentStatus, Transaction
from tests.app.usecases.shops import Shop
from tests.builders import NOON, PAYMENT, a_charge
from tests.fakes.gates import Turnstile
from tests.fakes.leases import FakeLeases
from tests.fakes.payment_provider import FakeProvider

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
AWAY = PeerDownError("telegram", "away")


class Noting(FakeProvider):
    """Remembers from where its list was read."""

    def __init__(self) -> None:
        super().__init__()
        self.starts = list[int]()

    def transactions(self, start: int) -> AsyncIterator[Transaction]:
        """Note where."""
        self.starts.append(start)
        return super().transactions(start)


async def a_day_later(shop: Shop, *charges: Charge) -> None:
    """Have charges made and told, and a day pass."""
    for charge in charges:
        shop.invoice(id=PaymentId(charge.invoice))
        await shop.payments.paid(charge)
    shop.clock.move(DAY)


async def test_what_agrees_is_no_news() -> None:
    """A payment, and a refund, both here and there."""
    shop = Shop()
    other = a_charge(id="b", invoice="b")
    await a_day_later(shop, a_charge(), other)
    await shop.payments.refunded(other)
    shop.provider.lists(a_charge())
    shop.provider.lists(other)
    shop.provider.lists(other, refunded=True)

    assert await shop.comparing().once() == 0
    assert shop.alerts.raised == []


async def test_what_was_never_told_is_booked() -> None:
    """The payment is credited, and somebody is told that the news was lost."""
    shop = Shop()
    shop.invoice()
    shop.provider.lists(a_charge())

    assert await shop.comparing().once() == 1
    assert shop.balance() == 100
    assert shop.kept.records[PAYMENT].paid_at == a_charge().at
    assert shop.alerts.raised == ["payment_missed"]
    assert await shop.comparing().once() == 0


async def test_a_refund_that_was_never_told_is_booked() -> None:
    """Of a payment that we know, or have never heard of."""
    shop = Shop()
    await a_day_later(shop, a_charge())
    shop.provider.lists(a_charge())
    shop.provider.lists(a_charge(), refunded=True)
    shop.invoice(id=PaymentId("b"))
    shop.provider.lists(a_charge(id="b", invoice="b"), refunded=True)

    assert await shop.comparing().once() == 2
    assert shop.balance() == 0
    assert {each.status for each in shop.kept.records.values()} == {PaymentStatus.REFUNDED}


async def test_a_charge_that_nobody_can_be_credited_for_is_told_once() -> None:
    """It is in our books from then on."""
    shop = Shop()
    shop.provider.lists(a_charge(invoice="nobody's"))

    assert await shop.comparing().once() == 1
    await shop.settle()
    assert shop.alerts.raised == ["payment_missed", "payment_stray"]
    assert await shop.comparing().once() == 0


async def test_another_amount_is_told() -> None:
    """Nobody decides by themselves who is right."""
    shop = Shop()
    await a_day_later(shop, a_charge())
    shop.provider.lists(a_charge(amount=51))

    assert await shop.comparing().once() == 1
    assert shop.alerts.raised == ["payment_differs"]
    assert shop.balance() == 100


async def test_what_the_provider_does_not_have_is_told() -> None:
    """Once it has had time to be in its list, for a week."""
    shop = Shop()
    shop.invoice()
    await shop.payments.paid(a_charge())
    assert await shop.comparing().once() == 0

    shop.clock.move(DAY)
    assert await shop.comparing().once() == 1
    assert shop.alerts.raised == ["payment_unlisted"]
    shop.clock.move(LOOK_BACK)
    assert await shop.comparing().once() == 0


async def test_what_is_long_done_is_not_read_again() -> None:
    """The next time begins where all was older than is looked back."""
    provider = Noting()
    shop = Shop(provider=provider)
    comparing = shop.comparing()
    for number in range(20):
        name = f"c{number}"
        at = NOON + number * DAY
        shop.invoice(id=PaymentId(name), expires_at=at + DAY)
        charge = a_charge(id=name, invoice=name, at=at)
        await shop.payments.paid(charge)
        shop.provider.lists(charge)
    shop.clock.move(20 * DAY)
    assert await comparing.once() == 0
    shop.clock.move(EVERY - timedelta(seconds=1))
    assert await comparing.once() == 0
    assert provider.starts == [0]
    shop.clock.move(timedelta(seconds=1))
    assert await comparing.once() == 0
    # The line before is looked at, whether it is the one that we know.
    assert provider.starts == [0, 10, 11]
    assert await shop.comparing().once() == 0
    assert provider.starts[3:] == [11, 12]


class Breaking(Noting):
    """Goes away in the middle of its list."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks_at: int | None = None

    async def transactions(self, start: int) -> AsyncIterator[Transaction]:
        """Break off."""
        async for line in super().transactions(start):
            if line.place == self.breaks_at:
                raise AWAY
            yield line


async def test_a_list_that_breaks_off_is_gone_on_with() -> None:
    """By whoever tries next, from the last page that was done."""
    provider = Breaking()
    shop = Shop(provider=provider)
    for number in range(250):
        name = f"c{number}"
        shop.provider.lists(a_charge(id=name, invoice="nobody's"))
    shop.clock.move(30 * DAY)
    provider.breaks_at = 230
    comparing = shop.comparing()
    assert await comparing.once() == 0
    assert len(shop.kept.records) == 230

    provider.breaks_at = None
    assert await shop.comparing().once() == 20
    assert provider.starts == [0, 199, 200]
    assert await comparing.once() == 0


async def test_another_list_is_read_from_its_beginning() -> None:
    """Another bot's, say, though it be shorter or longer than ours was."""
    shop = Shop()
    shop.provider.lists(a_charge(invoice="nobody's"))
    shop.provider.lists(a_charge(id="b", invoice="nobody's"))
    shop.clock.move(30 * DAY)
    assert await shop.comparing().once() == 2
    for number in range(3):
        shop.provider.lines.clear()
        for each in range(number):
            shop.provider.lists(a_charge(id=f"{number}-{each}", invoice="nobody's"))
        assert await shop.comparing().once() == number


async def test_what_has_failed_for_days_is_told() -> None:
    """Once a day; until then it is tried again at each look."""
    shop = Shop()
    comparing = shop.comparing()
    gate = Turnstile()
    shop.provider.gate, gate.down = gate, AWAY
    shop.clock.move(DAY)
    assert await comparing.once() == 0
    shop.clock.move(OVERDUE)
    assert await comparing.once() == 0
    assert shop.alerts.raised == []
    for moved in (1, 1, 86_400):
        shop.clock.move(timedelta(seconds=moved))
        assert await comparing.once() == 0
    assert shop.alerts.raised == ["payments_uncompared", "payments_uncompared"]

    gate.down = None
    assert await comparing.once() == 0
    assert await comparing.once() == 0
    assert len(shop.alerts.raised) == 2


async def test_a_lease_that_is_lost_ends_it() -> None:
    """Somebody else goes on; what was booked is booked."""

    class Losing(FakeLeases):
        async def acquire(
            self, name: str, holder: InstanceName, now: datetime, until: datetime
        ) -> Lease | None:
            first = not self.held
            lease = await super().acquire(name, holder, now, until)
            return lease if first else None

    shop = Shop()
    for number in range(150):
        shop.provider.lists(a_charge(id=f"c{number}", invoice="nobody's"))
    shop.clock.move(30 * DAY)

    assert await shop.comparing(Losing()).once() == 100
    assert await shop.comparing().once() == 50


async def test_whoever_is_refused_tries_again_at_the_next_look() -> None:
    """Minutes later."""
    shop = Shop()
    comparing = shop.comparing()
    shop.provider.lists(a_charge())
    shop.provider.gate = Turnstile([AWAY])

    assert await comparing.once() == 0
    assert await comparing.once() == 1


async def test_another_process_is_left_to_it() -> None:
    """While it holds the lease."""
    shop = Shop()
    comparing = shop.comparing()
    other = FakeLeases()
    now = shop.clock.now()
    await other.acquire("payments", InstanceName("other"), now, now + DAY)
    shop.provider.lists(a_charge())

    assert await shop.comparing(other).once() == 0
    assert shop.kept.records == {}
    assert await comparing.once() == 1
