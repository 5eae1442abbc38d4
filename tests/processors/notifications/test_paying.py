"""processors.notifications.paying: what people read about payments."""

from decimal import Decimal

import pytest

from processors.notifications import buttons, paying
from processors.notifications.buttons import Press
from processors.notifications.texts import Language, Voice
from schemas.payment import Refusal
from tests.speech import ENGLISH, PORTUGUESE, RUSSIAN


def at_length(language: Language, message: str, plural: str | None = None, n: int = 1, /) -> str:
    """A translation that is far too long."""
    del language, plural, n
    return message * 99


@pytest.mark.parametrize("voice", [ENGLISH, RUSSIAN, PORTUGUESE])
def test_an_invoice_fits_in(voice: Voice) -> None:
    """Telegram takes 32 characters of a title, and 255 of a description."""
    bill = paying.bill(voice, Decimal("100.000000"))
    cut = paying.bill(Voice(voice.language, at_length), Decimal("999999999.999999"))

    assert bill.title == bill.label
    assert "100" in bill.title
    assert 0 < len(bill.description) < 255
    assert (len(cut.title), len(cut.description)) == (32, 255)


def test_each_size_has_a_button() -> None:
    """It says what it costs and what it buys, and carries the number of Stars."""
    said, rows = paying.offer(ENGLISH, [(50, Decimal("65.000000")), (100, Decimal("130.5"))])

    assert said == "How many credits would you like to buy?"
    assert [each.text for (each,) in rows] == ["⭐ 50 → 65 credits", "⭐ 100 → 130.5 credits"]
    assert [buttons.parse(each.data) for (each,) in rows] == [(Press.BUY, "50"), (Press.BUY, "100")]


def test_every_refusal_has_words() -> None:
    """In the person's language, and no two the same."""
    english = [paying.refused(ENGLISH, each) for each in Refusal]

    assert len(set(english)) == len(Refusal)
    assert not set(english) & {paying.refused(RUSSIAN, each) for each in Refusal}


def test_amounts_are_said() -> None:
    """What came, what there is, what went."""
    arrived = paying.arrived(ENGLISH, Decimal("100.000000"), Decimal("102.500000"))

    assert "has arrived: 100 credits. Balance now: 102.5 credits." in arrived
    assert "payment of 50 Stars was refunded" in paying.given_back(ENGLISH, 50)
    assert "payment of 1 Star was refunded" in paying.given_back(ENGLISH, 1)


def test_there_is_a_way_on() -> None:
    """For whoever is not known yet, and for whoever could not be credited."""
    assert "/start" in paying.unknown(ENGLISH)
    assert "/paysupport" in paying.astray(ENGLISH)
