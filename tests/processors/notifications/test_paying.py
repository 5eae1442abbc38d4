"""processors.notifications.paying: what people read about payments."""

from decimal import Decimal

import pytest

from processors.notifications import paying
from processors.notifications.texts import Language
from schemas.payment import Refusal


def loudly(language: Language, text: str) -> str:
    """A translation whose every text shows that it was asked for."""
    return f"{language.value}! {text}"


def test_an_invoice_fits_in() -> None:
    """Telegram takes 32 characters of a title, and 255 of a description."""
    bill = paying.bill(Language.ENGLISH, loudly, Decimal("999999999.999999"))

    assert bill.title == "en! Credits: 999999999.999999"
    assert bill.label == bill.title
    assert paying.bill(Language.ENGLISH, lambda _, text: text * 99, Decimal(1)).title != ""
    long = paying.bill(Language.ENGLISH, lambda _, text: text * 99, Decimal(1))
    assert (len(long.title), len(long.description)) == (32, 255)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_words(refusal: Refusal) -> None:
    """In the person's language, and no two the same."""
    said = [paying.refused(Language.RUSSIAN, loudly, each) for each in Refusal]

    assert paying.refused(Language.RUSSIAN, loudly, refusal).startswith("ru! ")
    assert len(set(said)) == len(Refusal)


def test_amounts_are_said() -> None:
    """What came, what there is, what went."""
    arrived = paying.arrived(Language.ENGLISH, loudly, Decimal("100.000000"), Decimal("102.500000"))

    assert "+100 credits. Balance: 102.5." in arrived
    assert "(50 Stars)" in paying.given_back(Language.ENGLISH, loudly, 50)
    assert "/paysupport" in paying.astray(Language.ENGLISH, loudly)


@pytest.mark.parametrize(
    ("amount", "said"),
    [("100.000000", "100"), ("0.000000", "0"), ("2.500000", "2.5"), ("100", "100"), ("-4.0", "-4")],
)
def test_zeros_that_say_nothing_are_left_out(amount: str, said: str) -> None:
    """Only those."""
    assert paying.shown(Decimal(amount)) == said
