"""What of all that people say is meant for us, and which command it is. Loaded with aiogram."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.filters import Filter
from aiogram.methods import GetMe
from aiogram.types import Message

from app.telegram.talking import Talk

GROUPS: Final = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})
SENT: Final = frozenset(
    {
        "animation",
        "audio",
        "contact",
        "dice",
        "document",
        "location",
        "photo",
        "poll",
        "sticker",
        "story",
        "text",
        "venue",
        "video",
        "video_note",
        "voice",
    }
)
"""What a person sends; the rest tells of something that happened."""

_COMMAND: Final = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+|$)")


class Command(NamedTuple):
    """A command as it was written.

    Attributes:
        name: In lower case, without the ``/``.
        bot: The bot it names in lower case, without the ``@``; empty where it names none.
        rest: What follows it, untouched but for the space around it.
    """

    name: str
    bot: str
    rest: str


def command_in(text: str) -> Command | None:
    """Return the command that a text begins with, or None."""
    found = _COMMAND.match(text)
    if found is None:
        return None
    return Command(found[1].lower(), (found[2] or "").lower(), text[found.end() :].strip())


class Heard(Filter):
    """Lets pass what is meant for the bot, and gives handlers the `command` in it, or None.

    In a group that is a command, under a photo too, or a reply to the bot. Nothing of what other
    bots and channels say is.
    """

    def __init__(self) -> None:
        self._name = ""

    async def __call__(self, message: Message, talk: Talk, bot: Bot) -> bool | dict[str, Any]:
        """Return whether a message is meant for us, with what is in it."""
        sender = message.from_user
        if sender is None or sender.is_bot or message.sender_chat is not None:
            return False
        if message.content_type not in SENT:
            return False
        command = command_in(message.text or message.caption or "")
        if command is not None and command.bot and command.bot != await self._me(talk):
            return False
        heard = {"command": command}
        if message.chat.type == ChatType.PRIVATE:
            return heard
        if message.chat.type not in GROUPS:
            return False
        return heard if command is not None or _replies_to(message, bot.id) else False

    async def _me(self, talk: Talk) -> str:
        """Return the bot's own name; it is asked for once."""
        if not self._name:
            given = await talk.call(None, GetMe())
            said = cast("Mapping[str, Any]", given).get("username") if given else None
            self._name = said.lower() if isinstance(said, str) else ""
        return self._name


class Commanded(Filter):
    """Lets pass one of these commands."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    async def __call__(self, message: Message, command: Command | None) -> bool:
        """Return whether it is one of them."""
        del message
        return command is not None and command.name in self._names


class AnyCommand(Filter):
    """Lets pass whatever begins like a command."""

    async def __call__(self, message: Message, command: Command | None) -> bool:
        """Return whether it does."""
        del message
        return command is not None


def _replies_to(message: Message, bot_id: int) -> bool:
    answered = message.reply_to_message
    return (
        answered is not None and answered.from_user is not None and answered.from_user.id == bot_id
    )
