"""Cutting and escaping, as Telegram counts and reads."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.notifications import markup
from processors.notifications.markup import Piece

TEXTS = st.text(st.characters(codec=None), max_size=60) | st.text(
    "a👩🏽‍🚀\u200d\ufe0f <&>\"'", max_size=60
)
PIECES = st.lists(
    st.builds(Piece, TEXTS, st.sampled_from([None, "b", "i", "code", "blockquote"]), st.booleans()),
    max_size=6,
)


class Reader(HTMLParser):
    """Reads HTML as the Bot API does, and fails where that would refuse it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a tag that Telegram knows."""
        assert tag in {"b", "i", "code", "blockquote", "a"}, attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Read on."""
        self.text += data


def read(html: str) -> str:
    """Return the text of HTML that the Bot API takes."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader.text


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("😀😀", 4, "😀😀"),
        ("😀😀", 3, "😀…"),
        ("a😀b", 2, "a…"),
        ("👩\u200d🚀!", 4, "👩…"),
        ("ab cd", 4, "ab…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_cut(text: str, limit: int, expected: str) -> None:
    """A cut keeps whole characters, drops dangling joiners and says that it cut."""
    assert expected == markup.cut(text, limit)


@given(TEXTS, st.integers(0, 80))
def test_cut_never_exceeds_its_limit(text: str, limit: int) -> None:
    """What was cut fits, counted in UTF-16 units, and begins as the text does."""
    shown = markup.cut(text, limit)

    assert len(shown.encode("utf-16-le", "surrogatepass")) // 2 <= limit
    assert text.startswith(shown.removesuffix("…"))


@given(PIECES, st.integers(0, 200))
def test_case_51_rendered_text_is_taken_by_telegram(pieces: list[Piece], limit: int) -> None:
    """Any pieces at any limit give balanced HTML that reads as the plain text and fits."""
    rendered = markup.render(pieces, limit)

    assert read(rendered.html) == rendered.plain
    assert markup.units(rendered.plain) <= limit
    assert markup.stripped(rendered.html) == rendered.plain
    rendered.html.encode()


def test_elastic_pieces_give_way_first() -> None:
    """The prompt is cut before our own words are."""
    rendered = markup.render([Piece("p" * 50, "b", elastic=True), Piece(" end")], 10)

    assert rendered.html == "<b>ppppp…</b> end"


def test_case_51_bidi_controls_are_neutralised() -> None:
    """A prompt cannot turn round the words that follow it."""
    marks = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"

    assert markup.clean(f"a{marks}b") == "ab"


def test_controls_and_lone_surrogates_go() -> None:
    """What JSON can carry and Telegram cannot is left out; line breaks stay."""
    assert markup.clean("a\x00\ud800\r\nb\tc\x1b") == "a\nb\tc"


def test_a_link_cannot_break_out_of_its_attribute() -> None:
    """URL and label are escaped."""
    made = markup.link('https://x.test/?a=1&b="><b>', "<i>")

    assert made == ('<a href="https://x.test/?a=1&amp;b=&quot;&gt;&lt;b&gt;">&lt;i&gt;</a>')
