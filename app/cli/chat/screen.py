"""The chat on the terminal: what is said, the buttons below it, and changes in place."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from app.cli.chat.phone import Json
from app.observability.terminal import printable

BOT: Final = "bot"
_MARGIN: Final = 6
_UP: Final = "\x1b[{}F\x1b[J"
_KIB: Final = 1024


class Screen:
    """Prints the chat, whole messages at a time.

    On a terminal a message that changes, and is the last thing there, changes in place. In a file
    or a pipe it is printed again, marked by `~`.
    """

    def __init__(self, console: Console, link: Callable[[str], str]) -> None:
        """Prepare.

        Args:
            console: Where to.
            link: Returns where the file of an id can be looked at.
        """
        self._console = console
        self._link = link
        self._last: tuple[int, int] | None = None
        self._lines = 0

    @property
    def watched(self) -> bool:
        """Whether somebody looks at it as it comes."""
        return self._console.is_terminal

    def message(self, message: Json, who: str) -> None:
        """Show a new message."""
        self._show(message, who, "")

    def edit(self, message: Json, who: str) -> None:
        """Show a message that has changed, in place if that can be."""
        there = self.watched and self._last == (message["chat_id"], message["message_id"])
        if there:
            # Written as it is: to rich a sequence of control characters has no business in a text.
            self._console.file.write(_UP.format(self._lines))
        self._show(message, who, "" if there else "~ ")

    def note(self, who: str, text: str, style: str = "dim") -> None:
        """Show a line that is no message."""
        self._print([_line(who, text, style)])
        self._last = None

    def typed(self, who: str, text: str) -> None:
        """Show what was typed, unless the terminal has done so."""
        self._last = None
        if not self.watched:
            self._print([_line(who, text, "")])

    def _show(self, message: Json, who: str, mark: str) -> None:
        lines = list(_parts(message, self._link)) or [(f"({message['kind']})", "dim")]
        shown = [_line(who if i == 0 else "", text, style) for i, (text, style) in enumerate(lines)]
        if mark:
            shown[0].stylize("dim")
        self._lines = self._print(shown, mark)
        self._last = (message["chat_id"], message["message_id"])

    def _print(self, lines: Sequence[Text], mark: str = "") -> int:
        """Print lines; return how many of the screen's they take."""
        taken = 0
        for i, line in enumerate(lines):
            marked = Text(mark if i == 0 else "") + line
            self._console.print(marked, soft_wrap=True)
            width = self._console.width if self.watched else cell_len(marked.plain) or 1
            taken += max(1, -(-cell_len(marked.plain) // width))
        return taken


def _line(who: str, text: str, style: str) -> Text:
    name = f"{printable(who):<{_MARGIN - 1}} " if who else " " * _MARGIN
    return Text.assemble((name, "bold cyan" if who == BOT else "bold"), (printable(text), style))


def _parts(message: Json, link: Callable[[str], str]) -> Iterable[tuple[str, str]]:
    """Yield the lines of a message, each with its style."""
    for media in message["media"]:
        size = f"{media['size'] / _KIB:,.0f} KiB"
        name = media["filename"] or message["kind"]
        yield f"[{message['kind']}] {name}, {size}  {link(media['file_id'])}", "dim"
    for line in (message.get("text") or message.get("caption") or "").splitlines():
        yield line, ""
    for entity in message["entities"]:
        if entity["type"] == "text_link":
            yield f"-> {entity['url']}", "dim"
    if (invoice := message["invoice"]) is not None:
        yield f"[invoice] {invoice['title']}: {invoice['total_amount']} Stars", ""
        yield invoice["description"], ""
    yield from _service(message["service"])
    yield from _numbered(message["buttons"])


def _service(service: Json) -> Iterable[tuple[str, str]]:
    if (paid := service.get("successful_payment")) is not None:
        yield f"({paid['total_amount']} Stars paid)", "green"
    if (back := service.get("refunded_payment")) is not None:
        yield f"({back['total_amount']} Stars came back)", "green"


def _numbered(found: Sequence[Json]) -> Iterable[tuple[str, str]]:
    """Yield a line for each row of buttons."""
    rows: dict[int, list[str]] = {}
    for number, button in enumerate(found, start=1):
        rows.setdefault(button["row"], []).append(f"[{number}] {button['text']}")
    for row in rows.values():
        yield "   ".join(row), "bold"
