"""Lines that go by, and lines that stay."""

import fcntl
import os
import pty
import struct
import termios
from io import BytesIO, StringIO, TextIOWrapper

import pytest

from app.observability.terminal import Terminal, fit, printable


class Brittle(StringIO):
    """A stream whose reader has gone away."""

    def write(self, _text: str, /) -> int:
        """Fail as a pipe without a reader does."""
        raise BrokenPipeError


def test_lines_that_stay_move_down_for_others() -> None:
    """What stays is wiped, the new line written, and what stays drawn again below it."""
    stream = StringIO()
    terminal = Terminal(stream, watched=True)
    terminal.stay(["one", "two"])
    terminal.write("news\n")
    terminal.stay([])

    assert stream.getvalue() == "one\ntwo\n\x1b[2F\x1b[Jnews\none\ntwo\n\x1b[2F\x1b[J"


def test_nothing_stays_where_nobody_looks() -> None:
    """A file gets the lines that go by and nothing else."""
    stream = StringIO()
    terminal = Terminal(stream)
    terminal.stay(["one"])
    terminal.write("news\n")

    assert stream.getvalue() == "news\n"
    assert not terminal.watched
    assert not terminal.coloured


def test_nothing_is_written_for_no_lines_in_place_of_none() -> None:
    """Showing nothing where nothing stands costs nothing."""
    stream = StringIO()
    Terminal(stream, watched=True).stay([])

    assert stream.getvalue() == ""


def test_colours_can_be_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set there are none, though lines stay."""
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal(StringIO(), watched=True)

    assert terminal.watched
    assert not terminal.coloured


def test_a_stream_of_ascii_gets_ascii() -> None:
    """A letter that the stream has no code for is a question mark, not an error."""
    raw = BytesIO()
    terminal = Terminal(TextIOWrapper(raw, encoding="ascii"))
    terminal.write("✔ done\n")

    assert terminal.plain
    assert raw.getvalue() == b"? done\n"


def test_a_reader_that_has_gone_away_stops_nothing() -> None:
    """Neither a broken pipe nor a closed file is an error."""
    closed = StringIO()
    closed.close()
    Terminal(Brittle()).write("x\n")
    Terminal(closed, watched=False).write("x\n")


def test_a_real_terminal_is_watched_and_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pseudo-terminal is recognised and measured; a dumb one is not drawn on."""
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        terminal = Terminal(stream)
        columns = terminal.columns()
        monkeypatch.setenv("TERM", "dumb")
        dumb = Terminal(stream)
    os.close(ours)

    assert terminal.watched
    assert columns == 72
    assert not dumb.watched


def test_what_is_no_terminal_is_a_hundred_wide() -> None:
    """Where there is no screen there is still a width to count with."""
    assert Terminal(StringIO()).columns() == 100


@pytest.mark.parametrize(
    ("text", "cells", "cut"),
    [("hello", 10, "hello"), ("hello", 3, "hel"), ("灯台 x", 4, "灯台"), ("hello", -1, "")],
)
def test_a_text_is_cut_by_cells(text: str, cells: int, cut: str) -> None:
    """Letters that take two cells count as two."""
    assert fit(text, cells) == cut


def test_a_strangers_text_is_one_line() -> None:
    """Line breaks and escapes become blanks; everything else stays."""
    assert printable("a\nb\x1b[2Jc ✔") == "a b [2Jc ✔"
