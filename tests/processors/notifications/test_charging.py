"""What an end says of money."""

from decimal import Decimal

import pytest

from processors.notifications import charging
from processors.notifications.charging import Charge
from tests.speech import ENGLISH, PORTUGUESE, RUSSIAN


def told(reason: str, price: str | None, held: str = "3") -> str:
    """Return the words."""
    charge = Charge(
        price=None if price is None else Decimal(price), reason=reason, held=Decimal(held)
    )
    return "\n".join(charging.lines(ENGLISH, charge))


@pytest.mark.parametrize(
    ("reason", "price", "said"),
    [
        ("price", "3", "Price: 3 credits"),
        ("price", "1.5", "Price: 1.5 credits\nReturned: 1.5 credits"),
        ("price", "0", "Not charged\nReturned: 3 credits"),
        ("price", None, "Price: not known yet"),
        (
            "estimated",
            "3",
            (
                "Price: 3 credits\n"
                "Charged at most the reserved amount, since the cost is not known (estimated)"
            ),
        ),
        ("nothing_made", None, "Not charged\nReturned: 3 credits"),
        ("not_completed", "0", "Not charged\nReturned: 3 credits"),
        ("cancel_fee", "1", "Charged for what had run: 1 credit\nReturned: 2 credits"),
        ("free_late", "0", "Free of charge, because it came so late"),
        ("refunded", "2", "Returned: 2 credits"),
        ("refunded", None, "Returned: 3 credits"),
        ("reserved", None, "Reserved until we know: 3 credits"),
        ("of_a_newer_version", "2", "Price: 2 credits\nReturned: 1 credit"),
        ("of_a_newer_version", None, "Price: not known yet"),
    ],
)
def test_every_reason_has_its_words(reason: str, price: str | None, said: str) -> None:
    """What is charged and what comes back; nothing is said to be free that is only unknown."""
    assert told(reason, price) == said


def test_nothing_held_comes_back_as_nothing() -> None:
    """A run that took no hold says nothing of returning it."""
    assert told("not_completed", None, "0") == "Not charged"


def test_in_the_persons_language() -> None:
    """The number's form and its comma as well."""
    charge = Charge(price=None, reason="reserved", held=Decimal("2.5"))

    assert list(charging.lines(RUSSIAN, charge)) == [
        "Зарезервировано, пока всё не выяснится: 2,5 кредита"
    ]
    assert list(charging.lines(PORTUGUESE, charge)) == ["Reservado até sabermos: 2,5 créditos"]
