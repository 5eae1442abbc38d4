"""processors.protocols.stars: which lines of Telegram's list are payments."""

from datetime import UTC, datetime
from typing import Any

import pytest

from processors.protocols import stars
from schemas.payment import Charge, Transaction

AT = 1_767_268_800
ADA: dict[str, Any] = {
    "type": "user",
    "transaction_type": "invoice_payment",
    "user": {"id": 4711, "is_bot": False, "first_name": "Ada"},
    "invoice_payload": "p",
}
LINE: dict[str, Any] = {"id": "stx-1", "amount": 50, "date": AT, "source": ADA}
CHARGE = Charge(
    id="stx-1",
    invoice="p",
    amount=50,
    currency="XTR",
    payer=4711,
    at=datetime(2026, 1, 1, 12, tzinfo=UTC),
)


def without(line: dict[str, Any], name: str) -> dict[str, Any]:
    """The line without a field."""
    return {key: value for key, value in line.items() if key != name}


def test_a_payment_and_its_refund_have_one_id() -> None:
    """The one has a source, the other a receiver."""
    back = {**without(LINE, "source"), "receiver": ADA, "nanostar_amount": 0}

    assert stars.transaction(3, LINE) == Transaction(place=3, charge=CHARGE, refunded=False)
    assert stars.transaction(4, back) == Transaction(place=4, charge=CHARGE, refunded=True)


def test_what_is_not_said_is_left_open() -> None:
    """An older Bot API names no kind; a lost payload is nobody's."""
    old = {**LINE, "source": without(without(ADA, "transaction_type"), "invoice_payload")}
    told = stars.transaction(0, old)

    assert told is not None
    assert told.charge.invoice == ""


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(without(LINE, "source"), id="nobody"),
        pytest.param({**LINE, "source": {"type": "fragment"}}, id="fragment"),
        pytest.param({**LINE, "source": {**ADA, "type": "other"}}, id="other"),
        pytest.param({**LINE, "source": {**ADA, "transaction_type": "gift_purchase"}}, id="gift"),
        pytest.param({**LINE, "amount": "many"}, id="malformed"),
        pytest.param("nothing", id="no object"),
    ],
)
def test_everything_else_is_passed_over(line: object) -> None:
    """Withdrawals, gifts, advertisements, and what makes no sense."""
    assert stars.transaction(0, line) is None
