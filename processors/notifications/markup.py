"""Text that Telegram takes: cut at its limits, escaped for its HTML, and free of tricks.

The Bot API counts UTF-16 code units after its entities are parsed (core.telegram.org/bots/api,
"Formatting options"; limits under sendMessage and sendPhoto, version 10.3). So plain text is cut
first, each piece is escaped after that, and a tag always closes in the piece that opened it.
"""

import html
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, Literal, NamedTuple

TEXT_LIMIT: Final = 4096
"""UTF-16 units of a message."""
CAPTION_LIMIT: Final = 1024
"""UTF-16 units of a caption."""

Tag = Literal["b", "i", "code", "blockquote"]

_CUT: Final = "…"
_JOINERS: Final = "\u200d\ufe0f"
_UNWANTED: Final = re.compile(
    # Controls, lone surrogates, and the marks that turn the direction of the text after them:
    # a prompt must not be able to rearrange the words that stand around it (UAX #9, 2.1-2.6).
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_TAGS: Final = re.compile(r"<[^>]*>")


class Piece(NamedTuple):
    """A stretch of text in one style.

    Attributes:
        text: As it is to be read; not yet escaped.
        tag: Its style, or None.
        elastic: Whether it is cut before any that is not: the person's prompt, not our words.
    """

    text: str
    tag: Tag | None = None
    elastic: bool = False


class Rendered(NamedTuple):
    """The same text twice."""

    html: str
    plain: str


def units(text: str) -> int:
    """Return the length as Telegram counts it: UTF-16 code units."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)  # noqa: PLR2004


def cut(text: str, limit: int) -> str:
    """Return `text` in at most `limit` UTF-16 units, with an ellipsis where something is missing.

    No character is split, and no joined emoji is left with a dangling joiner.
    """
    if units(text) <= limit:
        return text
    kept = sum(used < limit for used in accumulate(map(units, text)))
    return (text[:kept].rstrip(_JOINERS).rstrip() + _CUT)[: max(limit, 0)]


def clean(text: str) -> str:
    """Return `text` without controls, direction marks and lone surrogates."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n"))


def escape(text: str) -> str:
    """Return `text` as the Bot API's HTML reads it literally, in attributes too."""
    return html.escape(text)


def stripped(text: str) -> str:
    """Return what a person reads of HTML that was rendered here."""
    return html.unescape(_TAGS.sub("", text))


def link(url: str, label: str) -> str:
    """Return HTML for a link, to be read as its label."""
    return f'<a href="{escape(clean(url))}">{escape(clean(label))}</a>'


def render(pieces: Sequence[Piece], limit: int) -> Rendered:
    """Join pieces into at most `limit` UTF-16 units; those that are elastic give way first."""
    cleaned = [piece._replace(text=clean(piece.text)) for piece in pieces]
    fixed = sum(units(piece.text) for piece in cleaned if not piece.elastic)
    left = {True: max(limit - fixed, 0), False: limit}
    rendered, plain = list[str](), list[str]()
    for piece in cleaned:
        text = cut(piece.text, left[piece.elastic])
        left[piece.elastic] -= units(text)
        if text:
            inner = escape(text)
            rendered.append(f"<{piece.tag}>{inner}</{piece.tag}>" if piece.tag else inner)
            plain.append(text)
    return Rendered("".join(rendered), "".join(plain))
