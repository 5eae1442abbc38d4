"""Where lines are written: above a few that stay at the bottom and change in place.

Log lines and progress bars share one screen. Whoever prints a line goes through here, so that
the bars move down for it instead of being torn. Where nobody watches (a file, a pipe), nothing
stays and nothing is coloured.
"""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TextIO

from rich.cells import set_cell_size

RESET: Final = "\x1b[0m"
_WIDTH: Final = 100


class Terminal:
    """A stream for whole lines, with lines that stay.

    Writing never raises: a reader that has gone away must not stop the service.

    Attributes:
        watched: Whether somebody looks: then lines can stay and change in place.
        coloured: Whether colours are wanted there (https://no-color.org).
        plain: Whether the stream takes ASCII only.
    """

    def __init__(self, stream: TextIO, *, watched: bool | None = None) -> None:
        """Write to `stream`; `watched` is found out unless given."""
        self._stream = stream
        self._lock = threading.RLock()
        self._staying: tuple[str, ...] = ()
        self.watched = _is_watched(stream) if watched is None else watched
        self.coloured = self.watched and not os.environ.get("NO_COLOR")
        self.plain = "utf" not in (stream.encoding or "utf-8").lower()

    def write(self, text: str) -> int:
        """Write whole lines, above those that stay; return the length of `text`."""
        with self._lock:
            self._put(f"{self._cleared()}{text}{self._drawn()}")
        return len(text)

    def stay(self, lines: Sequence[str]) -> None:
        """Show these lines at the bottom in place of those that stood there.

        Each must fit into `columns`: one that runs over cannot be wiped. Nothing happens where
        nobody looks.
        """
        if not self.watched or (not lines and not self._staying):
            return
        with self._lock:
            clear = self._cleared()
            self._staying = tuple(lines)
            self._put(f"{clear}{self._drawn()}")

    def columns(self) -> int:
        """Return the width of the screen in cells; 100 where there is none."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _WIDTH
        except (OSError, ValueError):
            return _WIDTH

    def flush(self) -> None:
        """Do nothing: every write is complete at once."""

    def _cleared(self) -> str:
        """What wipes the lines that stay: up to the first of them, and all from there on."""
        return f"\x1b[{len(self._staying)}F\x1b[J" if self._staying else ""

    def _drawn(self) -> str:
        return "".join(f"{line}\n" for line in self._staying)

    def _put(self, text: str) -> None:
        # Closed, gone, or full: there is nobody left to tell.
        with suppress(OSError, ValueError):
            if self.plain:
                text = text.encode("ascii", "replace").decode("ascii")
            self._stream.write(text)
            self._stream.flush()


def fit(text: str, cells: int) -> str:
    """Return a text without colours cut to `cells`, of which some letters take two."""
    return set_cell_size(text, max(0, cells)).rstrip()


def printable(text: str) -> str:
    """Return a stranger's text on one line, without anything that moves a cursor."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _is_watched(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
