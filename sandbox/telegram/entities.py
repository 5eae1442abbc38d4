"""Texts as Telegram understands them: parsed, trimmed and counted in UTF-16 units.

Follows https://core.telegram.org/bots/api#html-style. Of the two Markdown styles only the marks are
taken away, so that lengths come out right.
"""

import html
import re
from dataclasses import dataclass, field
from typing import Final

from sandbox.telegram.refusals import Refusal

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s[^<>]*)?)>|<")
_ATTRIBUTE: Final = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")
_KINDS: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_DETECTED: Final = re.compile(
    r"(?P<url>https?://[^\s<>\"]+)"
    r"|(?<![\w/@])(?P<bot_command>/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?)(?![\w/])"
    r"|(?<![\w/])(?P<mention>@[a-zA-Z][a-zA-Z0-9_]{2,31})(?!\w)"
    r"|(?<![\w/])(?P<hashtag>#\w*[^\W\d]\w*)"
)
_STYLES: Final = ("", "html", "markdown", "markdownv2")


@dataclass(frozen=True)
class Text:
    """A text after parsing, as readers see it, with its entities in the Bot API's form."""

    plain: str = ""
    entities: tuple[dict[str, object], ...] = ()

    def __len__(self) -> int:
        return units(self.plain)


@dataclass
class _Parser:
    plain: str = ""
    entities: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    opened: list[tuple[str, int, dict[str, object]]] = field(
        default_factory=list[tuple[str, int, dict[str, object]]]
    )


def parse(text: str, parse_mode: str) -> Text:
    """Return what readers see of a text.

    Raises:
        Refusal: The text is not well-formed in its parse mode, or the mode is unknown.
    """
    style = parse_mode.lower()
    if style not in _STYLES:
        raise Refusal("unsupported parse_mode")
    if style == "html":
        return _parse_html(text)
    if style.startswith("markdown"):
        return Text(re.sub(r"\\(.)|[*_~`|]", r"\1", text).strip())
    return Text(text.strip())


def detected(text: str) -> tuple[dict[str, object], ...]:
    """Return the entities that Telegram finds in what a person writes.

    These are commands, @names, #words and addresses of the web.
    """
    return tuple(
        {
            "type": match.lastgroup,
            "offset": units(text[: match.start()]),
            "length": units(match.group()),
        }
        for match in _DETECTED.finditer(text)
    )


def cut(text: str, offset: object, length: object) -> str:
    """Return the part of a text that an entity covers."""
    start = offset if isinstance(offset, int) else 0
    end = start + (length if isinstance(length, int) else 0)
    data = text.encode("utf-16-le", "surrogatepass")
    return data[2 * start : 2 * end].decode("utf-16-le", "replace")


def units(text: str) -> int:
    """Return the length of a text as Telegram counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _parse_html(text: str) -> Text:
    parser, done = _Parser(), 0
    for match in _TAG.finditer(text):
        parser.plain += html.unescape(text[done : match.start()])
        done = match.end()
        offset = len(text[: match.start()].encode())
        if match.group(2) is None:
            raise _unparsable(f'Unsupported start tag "" at byte offset {offset}')
        if match.group(1):
            _close(parser, match.group(2).lower(), offset)
        else:
            _open(parser, match.group(2).lower(), match.group(3), offset)
    parser.plain += html.unescape(text[done:])
    if parser.opened:
        name = parser.opened[-1][0]
        raise _unparsable(f'Can\'t find end tag corresponding to start tag "{name}"')
    return Text(parser.plain.strip(), tuple(parser.entities))


def _open(parser: _Parser, name: str, attributes: str, offset: int) -> None:
    if name not in _KINDS:
        raise _unparsable(f'Unsupported start tag "{name}" at byte offset {offset}')
    given = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(attributes)}
    if name == "span" and given.get("class") != "tg-spoiler":
        raise _unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
    other: dict[str, object] = {"type": _KINDS[name]}
    if name == "a":
        other["url"] = html.unescape(given.get("href", ""))
    elif name == "tg-emoji":
        other["custom_emoji_id"] = given.get("emoji-id", "")
    parser.opened.append((name, units(parser.plain), other))


def _close(parser: _Parser, name: str, offset: int) -> None:
    if not parser.opened:
        raise _unparsable(f"Unexpected end tag at byte offset {offset}")
    expected, start, other = parser.opened.pop()
    if name != expected:
        raise _unparsable(
            f'Unmatched end tag at byte offset {offset}, expected "</{expected}>",'
            f' found "</{name}>"'
        )
    length = units(parser.plain) - start
    if length > 0:
        parser.entities.append({**other, "offset": start, "length": length})


def _unparsable(reason: str) -> Refusal:
    return Refusal(f"can't parse entities: {reason}")
