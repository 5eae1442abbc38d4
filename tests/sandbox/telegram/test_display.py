"""sandbox.telegram.display: the chats are readable on a terminal and in a file."""

import io
from dataclasses import replace

from sandbox.telegram import messages
from sandbox.telegram.display import Display
from sandbox.telegram.entities import Text
from sandbox.telegram.media import Media


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Gone(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


def _message(plain: str = "the sea") -> messages.Message:
    chat = messages.Chat(4711)
    made = messages.new(chat, bot_id=1, kind="text", raw=plain, parse_mode="", text=Text(plain))
    return replace(made, message_id=3)


def test_shows_messages_in_lines() -> None:
    """Each thing that happens is a line with the chat and the words."""
    out = io.StringIO()
    display = Display(quiet=False, out=out)
    media = Media("photo", "url", 2048, "", "http://x", "id", "x.png", "image/png")
    display.sent(_message())
    display.edited(_message("x" * 100))
    display.sent(replace(_message(""), kind="photo", media=media))
    display.deleted(_message())

    sent, edited, photo, deleted = out.getvalue().splitlines()
    assert sent == 'chat 4711 │ text   #3    "the sea"'
    assert edited.endswith('x…"')
    assert photo.endswith("(2 KiB by url)")
    assert "gone" in deleted


def test_rewrites_the_line_on_a_terminal() -> None:
    """Edits of one message in a row share one line."""
    out = _Terminal()
    display = Display(quiet=False, out=out)
    display.sent(_message())
    display.edited(_message("10 %"))

    assert "\x1b[1A" in out.getvalue()


def test_falls_silent_when_nobody_reads() -> None:
    """A closed pipe ends the display, not the chat; a quiet one prints nothing."""
    out = io.StringIO()
    Display(quiet=True, out=out).sent(_message())
    display = Display(quiet=False, out=_Gone())
    display.sent(_message())
    display.sent(_message())

    assert out.getvalue() == ""
