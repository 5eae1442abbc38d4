"""schemas.base: strict when built, tolerant when read."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Final

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.base import Item, Money, Progress, Record, Time, Wire, newer, plain, rfc3339
from tests.builders import NOON, later

MONEY: Final[TypeAdapter[Decimal]] = TypeAdapter(Money)
PROGRESS: Final[TypeAdapter[float]] = TypeAdapter(Progress)
TIME: Final[TypeAdapter[datetime]] = TypeAdapter(Time)


class Thing(Record):
    """A stored thing of the tests."""

    two_words: int
    nothing: str | None = None


class Element(Item):
    """An element of a list of the tests."""

    two_words: int


class Word(StrEnum):
    """Words of the tests."""

    FIRST = "first"
    SECOND = "second"


class Told(Wire):
    """A peer's message of the tests."""

    share: float


def test_a_time_is_written_with_milliseconds() -> None:
    """As RFC 3339 has it, in UTC."""
    assert rfc3339(NOON) == "2026-01-01T12:00:00.000Z"
    assert rfc3339(later(1.2345)) == "2026-01-01T12:00:01.234Z"


def test_money_is_written_in_digits() -> None:
    """Small amounts have no exponent."""
    assert plain(Decimal("0.000001")) == "0.000001"
    assert plain(Decimal("1E-6")) == "0.000001"
    assert MONEY.dump_json(Decimal("0.000000")) == b'"0.000000"'


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "0.0000001", "1234567890123.000000"])
def test_money_is_finite_with_six_places(amount: str) -> None:
    """Anything finer, or over 12 digits before the point, is no amount."""
    with pytest.raises(ValidationError):
        MONEY.validate_python(Decimal(amount))


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_progress_is_a_share(share: float) -> None:
    """Never a percentage."""
    with pytest.raises(ValidationError):
        PROGRESS.validate_python(share)


def test_a_time_has_a_zone() -> None:
    """A naive one is refused; a written one is of UTC."""
    with pytest.raises(ValidationError):
        TIME.validate_python(datetime(2026, 1, 1, 12))  # noqa: DTZ001 - the point
    assert TIME.dump_json(NOON) == b'"2026-01-01T12:00:00.000Z"'


def test_a_record_is_strict_when_built() -> None:
    """A wrong type and a misspelt field are mistakes of ours."""
    for fields in ({"two_words": "1"}, {"two_words": 1, "other": 2}, {}):
        with pytest.raises(ValidationError):
            Thing.model_validate(fields)


def test_a_record_is_tolerant_when_read() -> None:
    """An older process survives a newer field; what it knows must fit."""
    assert Thing.read({"twoWords": 1, "newer": True}) == Thing(two_words=1)
    with pytest.raises(ValidationError):
        Thing.read({"twoWords": "one"})


def test_an_item_keeps_what_a_newer_version_added() -> None:
    """A list is written as a whole, so an element's newer fields are written with it."""
    read = Element.read({"twoWords": 1, "newer": True})

    assert read.change(two_words=2).document() == {"twoWords": 2, "newer": True}
    assert read != Element(two_words=1)
    assert Element.read({"twoWords": 1}) == Element(two_words=1)
    with pytest.raises(ValidationError):
        Element.model_validate({"two_words": 1, "newer": True})


def test_a_newer_word_is_a_member_of_its_own() -> None:
    """It is written as it was read, and is none of the words that are known."""
    word = newer(Word, "third")

    assert (word.value, f"{word}", word == "third") == ("third", "third", True)
    assert word not in set(Word)
    assert isinstance(word, Word)


def test_a_document_has_the_stored_names() -> None:
    """What is absent is not written."""
    assert Thing(two_words=1).document() == {"twoWords": 1}
    assert Thing.read(Thing(two_words=1, nothing="x").document()).nothing == "x"


def test_a_change_is_another_record() -> None:
    """The one before stays as it was."""
    before = Thing(two_words=1)

    assert before.change(two_words=2) == Thing(two_words=2)
    assert before.two_words == 1
    with pytest.raises(ValidationError):
        before.two_words = 3


def test_a_peer_may_add_fields_but_no_infinity() -> None:
    """Messages of peers are read for what we know."""
    assert Told.model_validate({"share": 1, "new": 2}) == Told(share=1.0)
    with pytest.raises(ValidationError):
        Told(share=float("inf"))


def test_other_zones_are_written_as_they_are() -> None:
    """Only UTC is a Z."""
    there = NOON.astimezone(timezone(timedelta(hours=2)))

    assert rfc3339(there) == "2026-01-01T14:00:00.000+02:00"
    assert rfc3339(there.astimezone(UTC)) == "2026-01-01T12:00:00.000Z"
