"""sandbox.telegram.entities: what readers see of a text, counted in UTF-16 units."""

import pytest

from sandbox.telegram import entities
from sandbox.telegram.refusals import Refusal


def test_takes_tags_away() -> None:
    """Tags become entities and references become characters."""
    text = entities.parse('<b>A &amp; <a href="http://x/?a=1&amp;b">😀</a></b> &lt; z', "HTML")

    assert text.plain == "A & 😀 < z"
    assert text.entities == (
        {"type": "text_link", "url": "http://x/?a=1&b", "offset": 4, "length": 2},
        {"type": "bold", "offset": 0, "length": 6},
    )
    assert len(text) == 10


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ('<span class="tg-spoiler">x</span>', "spoiler"),
        ("<tg-emoji emoji-id='1'>x</tg-emoji>", "custom_emoji"),
        ("<pre><code class='language-py'>x</code></pre>", "code"),
        ("<blockquote expandable>x</blockquote>", "blockquote"),
    ],
)
def test_knows_the_tags(raw: str, kind: str) -> None:
    """Every supported tag has its kind of entity."""
    assert entities.parse(raw, "html").entities[0]["type"] == kind


@pytest.mark.parametrize(
    "raw", ["<b>x", "x</b>", "<b><i>x</b></i>", "<x>x</x>", "1 < 2", "<span>x</span>"]
)
def test_refuses_what_is_not_well_formed(raw: str) -> None:
    """Unbalanced or unknown tags cannot be parsed."""
    with pytest.raises(Refusal, match="can't parse entities"):
        entities.parse(raw, "HTML")


def test_makes_no_entity_of_nothing() -> None:
    """An empty tag leaves no entity."""
    assert entities.parse("<b></b>x", "HTML").entities == ()


def test_refuses_other_modes() -> None:
    """A parse mode is HTML or one of the two Markdowns."""
    with pytest.raises(Refusal, match="unsupported parse_mode"):
        entities.parse("x", "BBCode")


def test_takes_marks_away() -> None:
    """Markdown counts without its marks, plain text with them."""
    assert entities.parse(r"*a* \* b", "MarkdownV2").plain == "a * b"
    assert entities.parse(" *a* ", "").plain == "*a*"
