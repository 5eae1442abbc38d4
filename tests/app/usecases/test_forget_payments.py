"""app.usecases.forget_payments: what somebody bought stays, without a name."""

import pytest

from app.usecases.forget_payments import ForgetPayments
from schemas.base import PaymentId, UserId
from schemas.payment import PaymentStatus
from tests.app.usecases.shops import Shop
from tests.builders import CHAT, NOON, a_charge, a_user

pytestmark = pytest.mark.anyio

OTHER = UserId("0" * 32)


async def test_everything_that_somebody_bought_is_gone_through() -> None:
    """However many pages it is; nobody else's is touched."""
    shop = Shop()
    mine = [shop.invoice(id=PaymentId(f"{number:032x}")) for number in range(1, 121)]
    others = shop.invoice(id=PaymentId("f" * 32), user=OTHER)
    assert await ForgetPayments(shop.kept, shop.records)(a_user())

    after = shop.kept.records
    assert {after[each.id].status_at(NOON) for each in mine} == {PaymentStatus.EXPIRED}
    assert after[others.id] == others


async def test_who_paid_is_known_until_the_money_went_back() -> None:
    """The comparison with the provider's list has nothing to say of it, before and after."""
    shop = Shop()
    paid = shop.invoice()
    await shop.payments.paid(a_charge())
    await ForgetPayments(shop.kept, shop.records)(a_user())
    shop.provider.lists(a_charge())
    assert shop.kept.records[paid.id].payer == CHAT

    await shop.payments.refund(paid.id, by="cli:ada", reason="asked for it")
    await shop.settle()
    shop.provider.lists(a_charge(), refunded=True)
    assert shop.kept.records[paid.id].payer is None
    assert shop.balance() == 0
    assert await shop.comparing().once() == 0
    assert shop.alerts.raised == []
