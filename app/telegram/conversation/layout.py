"""How the bot's messages are laid out: HTML within Telegram's limits, and buttons."""

from collections.abc import Sequence
from typing import Final

from processors.notifications.buttons import Button, Press, data
from processors.notifications.markup import TEXT_LIMIT, Piece, Tag, cut, render
from processors.notifications.texts import Voice

BUTTON_UNITS: Final = 60
"""UTF-16 units of a button's text: more is not shown on a telephone."""


def page(*pieces: Piece | str) -> str:
    """Return HTML of at most one message; what is elastic gives way first."""
    made = [Piece(each) if isinstance(each, str) else each for each in pieces]
    return render(made, TEXT_LIMIT).html


def written(text: str) -> str:
    """Return HTML for a plain text."""
    return page(text)


def head(text: str, tag: Tag = "b") -> Piece:
    """Return a headline."""
    return Piece(text, tag)


def button(text: str, press: Press, argument: str = "", *, mark: str = "") -> Button:
    """Return a button, a mark before its text, which is cut to what is shown."""
    said = f"{mark} {text}" if mark else text
    return Button(text=cut(said, BUTTON_UNITS), data=data(press, argument))


def top_up(voice: Voice) -> tuple[Button, ...]:
    """Return the row that leads to more credits."""
    return (button(voice.say("Top up"), Press.BUY, mark="⭐"),)


def stacked(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    """Return buttons one above the other."""
    return tuple((each,) for each in buttons)
