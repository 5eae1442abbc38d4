"""Buttons under our messages: what stands on them, and what a press of one brings back to us.

A button carries at most 64 bytes (core.telegram.org/bots/api, InlineKeyboardButton, 10.3), which
anybody who writes an own client can change: whoever acts on a press checks whose it is.
"""

import re
from enum import StrEnum
from typing import Final

from processors.notifications.texts import Voice
from schemas.base import Value

DATA_BYTES: Final = 64
"""Most that a button carries."""

_STEPPED: Final = re.compile(r"([0-9a-f]{32}):([1-9][0-9]{0,3})")


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
    GO_ON = "g"
    """With the next step of a job that waits for that; see `stepped`."""
    STOP = "s"
    """A job that waits to go on; see `stepped`."""
    RETRY = "r"
    """A step of a job, and what follows it; see `stepped`."""
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


def stepped(job: str, step: int) -> str:
    """Return the argument that names a step of a job, by its number there: ``0193...:2``."""
    return f"{job}:{step}"


def step_of(argument: str) -> tuple[str, int] | None:
    """Return the job and the step that an argument names; None where it names none."""
    found = _STEPPED.fullmatch(argument)
    return (found[1], int(found[2])) if found else None


def paused(voice: Voice, job: str, step: int) -> Rows:
    """Return the buttons under a step after which its job waits for a word to go on."""
    argument = stepped(job, step)
    return (
        (_button("▶️", voice.say("Continue"), Press.GO_ON, argument),),
        (
            _button("🔁", voice.say("Retry this step"), Press.RETRY, argument),
            _button("⏹", voice.say("Stop here"), Press.STOP, argument),
        ),
    )


def retry(words: str, job: str, step: int) -> Rows:
    """Return the button that has a step made once more, and what follows it."""
    return ((_button("🔁", words, Press.RETRY, stepped(job, step)),),)


def running(voice: Voice, job: str) -> Rows:
    """Return the buttons under a job that goes on."""
    return ((_button("✖️", voice.say("Cancel"), Press.CANCEL, job),),)


def ended(voice: Voice, job: str, *, original: bool, again: bool = True) -> Rows:
    """Return the buttons under a job's end.

    Args:
        voice: To say them in.
        job: Its id.
        original: Whether there are files of ours to send.
        again: Whether the same can be ordered once more.
    """
    file = _button("📎", voice.say("Original file"), Press.ORIGINAL, job)
    return (
        (
            *((_button("🔁", voice.say("Again"), Press.AGAIN, job),) if again else ()),
            *((file,) if original else ()),
            _button("ℹ️", voice.say("Info"), Press.INFO, job),  # noqa: RUF001 - an emoji
        ),
    )


def _button(mark: str, words: str, press: Press, argument: str) -> Button:
    return Button(text=f"{mark} {words}", data=data(press, argument))
