"""The chats on the terminal, a few readable lines each."""

import sys
from typing import Final, Protocol

from sandbox.telegram.messages import Message

_LENGTH: Final = 76
_REWRITE: Final = "\x1b[1A\x1b[2K"


class Out(Protocol):
    """Where lines are shown."""

    def write(self, text: str, /) -> object:
        """Show a text."""
        ...

    def flush(self) -> object:
        """Show at once what was written."""
        ...

    def isatty(self) -> bool:
        """Say whether a line can be taken back."""
        ...


class Display:
    """Prints what happens in the chats; on a terminal, edits of one message share one line."""

    def __init__(self, *, quiet: bool, out: Out | None = None) -> None:
        self._out = out or sys.stdout
        self._quiet = quiet
        self._last: tuple[int, int] | None = None

    def sent(self, message: Message) -> None:
        """Show a new message."""
        self._print(message, message.kind)

    def edited(self, message: Message) -> None:
        """Show a message as it stands after an edit."""
        again = self._last == (message.chat_id, message.message_id) and self._out.isatty()
        self._print(message, "edit", _REWRITE if again else "")

    def deleted(self, message: Message) -> None:
        """Show that a message is gone."""
        self._print(message, "gone")

    def _print(self, message: Message, word: str, before: str = "") -> None:
        if self._quiet:
            return
        self._last = (message.chat_id, message.message_id)
        words = _who(message) + _words(message)
        line = f"chat {message.chat_id} │ {word:<6} #{message.message_id:<4} {words}"
        try:
            print(f"{before}{line}\n", end="", file=self._out, flush=True)
        except OSError:
            # Nobody reads any more; the chats themselves go on.
            self._quiet = True


def _words(message: Message) -> str:
    words = " ".join(message.text.plain.split())
    short = words if len(words) <= _LENGTH else words[: _LENGTH - 1] + "…"
    quoted = f'"{short}"' if short else ""
    if message.media is None:
        return quoted
    size = f"({message.media.size / 1024:,.0f} KiB by {message.media.by})"
    return f"{quoted} {size}".strip()


def _who(message: Message) -> str:
    """Return whose words they are, unless the bot's."""
    if message.author is None:
        return ""
    return f"{' '.join(str(message.author['first_name']).split())}: "
