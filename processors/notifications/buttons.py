"""Buttons under our messages: what stands on them, and what a press of one brings back to us.

A button carries at most 64 bytes (core.telegram.org/bots/api, InlineKeyboardButton, 10.3), which
anybody who writes an own client can change: whoever acts on a press checks whose it is.
"""

from enum import StrEnum
from typing import Final

from processors.notifications.texts import Voice
from schemas.base import Value

DATA_BYTES: Final = 64
"""Most that a button carries."""


class Press(StrEnum):
    """What a button does. They stand in messages that people keep, so none changes its meaning."""

    CANCEL = "c"
    """Of a job, by its id."""
    AGAIN = "a"
    """The same once more; a job's id."""
    ORIGINAL = "o"
    """The result as a file, not as Telegram shows it; a job's id."""
    INFO = "i"
    """What is known of a job, by its id."""
    CHOOSE = "p"
    """A preset, by its name."""
    CONFIRM = "y"
    """Something that was asked about, by its token: ``forget``, ``run:PRESET``."""
    BUY = "b"
    """Credits; for so many Stars, or nothing where that is still to be chosen."""
    HISTORY = "h"
    """A page of it, by its cursor."""
    LANGUAGE = "l"
    """To be spoken to in, by its tag."""
    HOME = "m"
    """What can be done here; a page of it, by its number from 0, or nothing for the first."""
    ANSWER = "n"
    """One of the answers to what was asked, by its place from 0."""


class Button(Value):
    """One button."""

    text: str
    data: str
    """At most 64 bytes; see `data`."""


Rows = tuple[tuple[Button, ...], ...]
"""Buttons under a message, row by row."""


def data(press: Press, argument: str = "") -> str:
    """Return what a button carries: ``c:0193...``.

    Raises:
        ValueError: It is more than 64 bytes.
    """
    carried = f"{press.value}:{argument}"
    if len(carried.encode()) > DATA_BYTES:
        raise ValueError(f"a button carries no more than {DATA_BYTES} bytes")
    return carried


def parse(carried: str) -> tuple[Press, str] | None:
    """Return what was pressed, and its argument; None for what is no button of ours."""
    pressed, colon, argument = carried.partition(":")
    if not colon or pressed not in set(Press):
        return None
    return Press(pressed), argument


def running(voice: Voice, job: str) -> Rows:
    """Return the buttons under a job that goes on."""
    return ((_button("✖️", voice.say("Cancel"), Press.CANCEL, job),),)


def ended(voice: Voice, job: str, *, original: bool) -> Rows:
    """Return the buttons under a job's end; with `original`, there are files of ours to send."""
    file = _button("📎", voice.say("Original file"), Press.ORIGINAL, job)
    return (
        (
            _button("🔁", voice.say("Again"), Press.AGAIN, job),
            *((file,) if original else ()),
            _button("ℹ️", voice.say("Info"), Press.INFO, job),  # noqa: RUF001 - an emoji
        ),
    )


def _button(mark: str, words: str, press: Press, argument: str) -> Button:
    return Button(text=f"{mark} {words}", data=data(press, argument))
