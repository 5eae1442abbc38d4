"""app.telegram.conversation.money_views: where credits went."""

# A minus is no hyphen.
# ruff: noqa: RUF001

from decimal import Decimal
from typing import Any

import pytest

from app.telegram.conversation import money_views
from schemas.ledger import EntryKind
from tests.builders import an_entry
from tests.speech import ENGLISH


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": EntryKind.GRANT, "reason": "welcome"}, "a welcome: +5 credits"),
        ({"kind": EntryKind.GRANT}, "given to you: +5 credits"),
        (
            {"kind": EntryKind.HOLD, "amount": Decimal(-5)},
            "set aside for an order: −5 credits",
        ),
        (
            {"kind": EntryKind.CLOSE, "amount": Decimal(2), "captured": Decimal(3)},
            "an order ended: 3 credits taken, 2 credits came back",
        ),
        ({"kind": EntryKind.REFUND}, "an order was refunded: +5 credits"),
        ({"kind": EntryKind.PAYMENT}, "bought: +5 credits"),
        (
            {"kind": EntryKind.PAYBACK, "amount": Decimal(-5)},
            "a payment was refunded: −5 credits",
        ),
        ({"kind": EntryKind("newer")}, "+5 credits"),
        ({"kind": EntryKind("newer"), "amount": Decimal(-5)}, "−5 credits"),
    ],
)
def test_each_movement_has_its_words(fields: dict[str, Any], said: str) -> None:
    """Those of a newer version are told by their amount."""
    entry = an_entry(1, **({"amount": Decimal(5)} | fields))

    assert money_views.movement(ENGLISH, entry) == said
    assert money_views.balance(ENGLISH, Decimal(7), [entry]).endswith(f"UTC · {said}")
