"""notifications.orders: what is said of an order beside the end of its run."""

from decimal import Decimal

import pytest

from processors.notifications import orders
from processors.notifications.charging import Charge
from schemas.job import Outcome, PriceReason
from schemas.run import RunStatus
from tests.builders import a_job, a_step
from tests.speech import translate

HELD = Decimal(5)
PAID = Outcome(status=RunStatus.COMPLETED, price=Decimal(3), price_reason=PriceReason.PRICE)


@pytest.mark.parametrize(
    ("outcome", "charge"),
    [
        (PAID, Charge(price=Decimal(3), reason="price", held=HELD)),
        (
            PAID.change(price_reason=PriceReason.FREE_LATE, price=Decimal(0)),
            Charge(price=Decimal(0), reason="free_late", held=HELD),
        ),
        (PAID.change(price_reason=None), Charge(price=Decimal(3), reason="price", held=HELD)),
        (
            Outcome(status=RunStatus.TIMEOUT, provisional=True),
            Charge(reason="reserved", held=HELD),
        ),
        (
            PAID.change(refunded=Decimal(2)),
            Charge(price=Decimal(2), reason="refunded", held=HELD),
        ),
    ],
)
def test_what_a_step_comes_to(outcome: Outcome, charge: Charge) -> None:
    """A refund counts more than the price, and a price more than what is held."""
    assert orders.charge_of(a_step(held=HELD), outcome) == charge


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("not_confirmed", "About your order l4_t2i:\nNot charged\nReturned: 5 credits"),
        ("refunded", "About your order l4_t2i:\nReturned: 5 credits"),
    ],
)
def test_what_is_settled_later_is_told_by_its_money_alone(reason: str, said: str) -> None:
    """The end was told before."""
    price = Decimal(5) if reason == "refunded" else Decimal(0)
    charge = Charge(price=price, reason=reason, held=HELD)
    content = orders.settled_later(a_job(), charge, "en", translate)

    assert (content.plain, content.items, content.rows) == (said, (), ())


def test_an_order_that_was_not_carried_out_says_why() -> None:
    """In the person's language, and that it cost nothing."""
    assert orders.not_started(a_job(), None, translate).plain == (
        "Your order l4_t2i was not carried out.\n"
        "Your balance does not cover it. Nothing was charged."
    )
    assert "l4_t2i" in orders.not_started(a_job(), "ru", translate).text
