"""schemas: what the API shows of small records, every field of them."""

from decimal import Decimal

from schemas.control import Subject
from tests.builders import NOON, a_control, a_deed, an_entry


def test_an_entry_is_shown_under_its_id() -> None:
    """Amounts are decimal strings; what is not there is null."""
    shown = an_entry().internal()

    assert (shown["id"], shown["amount"], shown["reason"]) == (an_entry().id, "10", None)
    assert "_id" not in shown


def test_a_control_is_shown_by_what_it_is_about() -> None:
    """Its key is our own."""
    shown = a_control("preset:l4_t2i", daily_cap_usd=Decimal("2.5")).internal()

    assert (shown["kind"], shown["name"], shown["dailyCapUsd"]) == ("preset", "l4_t2i", "2.5")
    assert {"id", "_id", "version"}.isdisjoint(shown)
    assert Subject("preset", "l4_t2i").key == "preset:l4_t2i"


def test_a_deed_is_shown_without_its_id() -> None:
    """Who did what to whom, and when."""
    shown = a_deed().internal()

    assert (shown["by"], shown["verb"], shown["subject"]) == ("cli:ada", "block", "user:a")
    assert shown["at"].startswith(NOON.strftime("%Y-%m-%dT%H:%M:%S"))
    assert {"id", "_id"}.isdisjoint(shown)
