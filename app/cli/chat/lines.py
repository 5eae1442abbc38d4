"""What a line typed into the chat means."""

import re
import shlex
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HELP: Final = """\
TEXT                    is a message: /start, /presets, a lighthouse at dusk
#2 or 2                 taps button 2 of the latest message that has buttons
#Again                  taps the latest button that says so
@photo FILE [CAPTION]   sends a photo, which Telegram makes smaller
@file FILE [CAPTION]    sends a file as it is
@sticker                sends an animated sticker
@pay [LINK]             pays the latest invoice, or the one at a link
@as NAME [ID] [LANG]    who speaks from now on: @as Bea, @as Bea 8 ru
@wait [WORDS]           in a script: goes on once the bot has said these words
@block, @unblock        blocks the bot and lets it in again
@help, @quit            this list, and the end (as Ctrl-D)
\\2                      a message that would mean something else: here, a bare 2"""

_WORD: Final = re.compile(r"@([a-z]+)(?:\s+(.*))?", re.DOTALL)
_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_PEOPLE: Final = 10**9
_BARE: Final = frozenset({"sticker", "block", "unblock", "help"})
_NEEDED: Final = {"photo": "FILE [CAPTION]", "file": "FILE [CAPTION]", "as": "NAME [ID] [LANGUAGE]"}


class MeaninglessError(ValueError):
    """A line makes no sense; the message says how it should be."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """A message."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Send:
    """A file with a caption; a photo if Telegram is to make one of it."""

    path: Path
    caption: str
    photo: bool


@dataclass(frozen=True, kw_only=True)
class Tap:
    """A tap on a button: by its place, from 1, or by what it says."""

    place: int | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Pay:
    """A payment of the latest invoice, or of the one at a link."""

    link: str | None


@dataclass(frozen=True, kw_only=True)
class Speak:
    """Somebody else speaks from now on."""

    name: str
    id: int | None
    language: str | None


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A wait for words of the bot; without any, for whatever it says."""

    words: str


@dataclass(frozen=True, kw_only=True)
class Plain:
    """What needs no more than its name: sticker, block, unblock, help."""

    name: str


Line = Write | Send | Tap | Pay | Speak | Wait | Plain


def meaning(typed: str, buttons: int) -> Line | None:
    """Return what a line means; nothing if it is blank.

    Args:
        typed: The line.
        buttons: How many buttons the latest message with any has.

    Raises:
        MeaninglessError: A word before it is known, but not what stands behind.
    """
    line = typed.strip()
    if not line:
        return None
    if line.startswith("\\") and len(line) > 1:
        return Write(text=line[1:])
    if _NUMBER.fullmatch(line) and 1 <= int(line) <= buttons:
        return Tap(place=int(line))
    if line.startswith("#") and len(line) > 1:
        wanted = line[1:].strip()
        return Tap(place=int(wanted)) if _NUMBER.fullmatch(wanted) else Tap(text=wanted)
    word = _WORD.fullmatch(line)
    return _word(line, word[1], (word[2] or "").strip()) if word else Write(text=line)


def number_of(name: str) -> int:
    """Return the Telegram id of somebody of whom the name is known: always the same."""
    return zlib.crc32(name.casefold().encode()) % _PEOPLE + 1


def _word(line: str, name: str, rest: str) -> Line:
    if name in _NEEDED and not rest:
        raise MeaninglessError(f"@{name} {_NEEDED[name]} is how it goes")
    match name:
        case "photo" | "file":
            path, caption = _path(rest)
            return Send(path=path, caption=caption, photo=name == "photo")
        case "pay":
            return Pay(link=rest or None)
        case "wait":
            return Wait(words=rest)
        case "as":
            return _speaker(rest.split())
        case _:
            # Anything else with an @ is the name of somebody: a message, as in a group.
            return Plain(name=name) if name in _BARE and not rest else Write(text=line)


def _path(rest: str) -> tuple[Path, str]:
    """Return the file, which may stand in quotes, and what stands behind it."""
    if rest[0] not in "\"'":
        path, _, caption = rest.partition(" ")
        return Path(path).expanduser(), caption.strip()
    end = rest.find(rest[0], 1)
    if end < 0:
        raise MeaninglessError(f"the quote before {rest[1:]} does not end")
    return Path(shlex.split(rest[: end + 1])[0]).expanduser(), rest[end + 1 :].strip()


def _speaker(words: list[str]) -> Speak:
    name, *more = words
    number = int(more.pop(0)) if more and more[0].isdecimal() else None
    language = more.pop(0) if more else None
    if more or number == 0:
        raise MeaninglessError("@as NAME [ID] [LANGUAGE] is how it goes: @as Bea 8 ru")
    return Speak(name=name, id=number, language=language)
