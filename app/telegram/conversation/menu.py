"""The commands that Telegram lists for a person, in their language. Loaded with aiogram."""

from collections.abc import Iterator
from typing import Final

from aiogram.methods import SetMyCommands
from aiogram.types import BotCommand

from app.ports import Presets
from app.telegram.talking import Talk
from processors import presets
from processors.notifications.markup import clean, cut
from processors.notifications.texts import Language, Translate, Voice
from schemas.preset import Preset

COMMANDS_MOST: Final = 100
"""Commands that one list takes (Bot API 10.3, setMyCommands)."""
DESCRIPTION_MOST: Final = 256
"""Characters of a description (as above, BotCommand)."""


async def publish(talk: Talk, known: Presets, translate: Translate) -> None:
    """Have Telegram list what can be said here: our own commands, then presets for everybody.

    Raises:
        PeerError: Telegram did not take them.
        UnavailableError: Nobody knows which presets there are.
    """
    # A preset for a few is not shown to all: it is no secret, but of no use to them.
    shown = [each for each in await known.all() if presets.allowed(each, ())]
    for language in Language:
        listed = commands(Voice(language, translate), shown)
        # Without a language it is for all whose own we do not speak.
        tag = None if language is Language.ENGLISH else language.value
        await talk.call(None, SetMyCommands(commands=listed, language_code=tag))


def commands(voice: Voice, shown: list[Preset]) -> list[BotCommand]:
    """Return the list in a language."""
    listed = [*_own(voice), *(_of(voice, each) for each in shown)]
    return listed[:COMMANDS_MOST]


def _own(voice: Voice) -> Iterator[BotCommand]:
    yield _command("presets", voice.say("What can be made"))
    yield _command("balance", voice.say("Your credits"))
    yield _command("history", voice.say("Your orders"))
    yield _command("buy", voice.say("More credits"))
    yield _command("cancel", voice.say("Stop what is under way"))
    yield _command("language", voice.say("Language"))
    yield _command("help", voice.say("How it works"))
    yield _command("terms", voice.say("Terms of use"))
    yield _command("paysupport", voice.say("Help with a payment"))


def _of(voice: Voice, preset: Preset) -> BotCommand:
    return _command(preset.name, preset.titles.of(voice.language.value))


def _command(name: str, description: str) -> BotCommand:
    return BotCommand(command=name, description=cut(clean(description), DESCRIPTION_MOST))
