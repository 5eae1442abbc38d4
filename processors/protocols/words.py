"""A peer's own words made fit for a person: one short line, without its secrets.

Exceptions of nodes and of models quote whatever they like: paths of the server's disk, addresses
with a token in them, pages of tensors.
"""

import re
from typing import Final

from processors.protocols.texts import cut

LINE_KEPT: Final = 300
"""Characters of a line that a person is told."""
VALUE_KEPT: Final = 80
"""Characters of a value that is quoted."""
_LOOKED_AT: Final = 3_000
"""Characters of a text that are looked at; patterns are tried at each of them."""
_USER: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,31}://)[^\s/@?#]*@")
"""A credential before a URL's host."""
_QUERY: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,31}://[^\s?#]*)[?#]\S*")
"""A URL with a query or a fragment, where tokens are."""
_FILE_URL: Final = re.compile(r"file:/+(?=[^\s/])", re.IGNORECASE)
_QUOTED: Final = re.compile(r"""(['"])(?:~?/|[A-Za-z]:[\\/]|\\\\)[^'"]*[\\/]([^'"\\/]*)[\\/]?\1""")
"""A path in quotes, which may have spaces in it."""
_PATH: Final = re.compile(r"(?<![\w:/\].])~?/(?:[^\s/'\",;:()\[\]]+/)*([^\s/'\",;:()\[\]]+)/?")
_WINDOWS: Final = re.compile(
    r"(?<!\w)(?:[A-Za-z]:[\\/]|\\\\)(?:[^\s\\/'\",;:()]+[\\/])*([^\s\\/'\",;:()]*)"
)


def line(text: str, most: int = LINE_KEPT) -> str:
    """Return the first line of a text that says something, as a person may be told it.

    Of paths only the last part stays; of URLs neither credential nor query.

    Args:
        text: A peer's words.
        most: Characters that are kept.
    """
    said = plain(text, _LOOKED_AT)
    said = _QUERY.sub(r"\1", _USER.sub(r"\1", said))
    said = _QUOTED.sub(r"\1\2\1", _FILE_URL.sub("/", said))
    return cut(_WINDOWS.sub(r"\1", _PATH.sub(r"\1", said)), most)


def plain(text: str, most: int) -> str:
    """Return the first line of a text that says something: printable, on single spaces.

    What it returns it leaves as it is.

    Args:
        text: Words that may be told.
        most: Characters that are kept.
    """
    lines = (_tidied(each) for each in text[:_LOOKED_AT].splitlines())
    return cut(next((each for each in lines if each), ""), most)


def quoted(value: object) -> str:
    """Return a value of a workflow as it can stand in a line."""
    return line(value if isinstance(value, str) else repr(value), VALUE_KEPT)


def _tidied(text: str) -> str:
    spaced = " ".join(text.split())
    return " ".join("".join(each for each in spaced if each.isprintable()).split())
