"""processors.protocols.links: links of ours lead to files, and no other ones do."""

from datetime import date, timedelta
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import links
from processors.protocols.links import Signed, admits, media_link

KEY: Final = b"k" * 32
TODAY: Final = date(2026, 1, 31)
STORED: Final = "outputs/a/1-00000000-a picture.png"


def read(link: str) -> tuple[str, Signed]:
    """Return what a link says: the file's key, and its query."""
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    path = unquote(parts.path).partition("/media/")[2]
    disposition = query["as"][0]
    assert disposition in {"inline", "attachment"}
    return path, Signed(
        "inline" if disposition == "inline" else "attachment", query["until"][0], query["sig"][0]
    )


def test_a_link_leads_to_its_file_for_a_week() -> None:
    """It stands under our address, with its path, and runs out after seven days."""
    link = media_link(KEY, "https://us.example.com/relay/", STORED, "inline", TODAY)
    stored, signed = read(link)

    assert link.startswith("https://us.example.com/relay/media/outputs/a/1-00000000-a%20picture")
    assert (stored, signed.until) == (STORED, "2026-02-07")
    assert admits([b"other" * 8, KEY], stored, signed, TODAY)
    assert admits([KEY], stored, signed, TODAY + links.LASTS)
    assert not admits([KEY], stored, signed, TODAY + links.LASTS + timedelta(days=1))


def test_links_of_one_day_are_the_same() -> None:
    """So that caches can tell; those of two dispositions are not."""
    one = media_link(KEY, "", STORED, "inline", TODAY)

    assert one == media_link(KEY, "", STORED, "inline", TODAY)
    assert one != media_link(KEY, "", STORED, "attachment", TODAY)


@pytest.mark.parametrize(
    "changed",
    [
        {"disposition": "attachment"},
        {"until": "2026-02-08"},
        {"until": "9999-99-99x"},
        {"signature": ""},
        {"signature": "ä" * 43},
    ],
)
def test_no_part_of_a_link_can_be_changed(changed: dict[str, str]) -> None:
    """The signature covers all of them."""
    stored, signed = read(media_link(KEY, "", STORED, "inline", TODAY))

    assert not admits([KEY], stored, signed._replace(**changed), TODAY)
    assert not admits([KEY], stored + "x", signed, TODAY)
    assert not admits([], stored, signed, TODAY)


@given(stored=st.text(), until=st.text(), signature=st.text())
def test_strangers_are_never_admitted(stored: str, until: str, signature: str) -> None:
    """Whatever they send, and without an error."""
    assert not admits([KEY], stored, Signed("inline", until, signature), TODAY)
    assert not admits([KEY], stored, Signed("inline", "2026-02-01", signature), TODAY)
