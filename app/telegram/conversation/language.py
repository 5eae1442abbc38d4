"""The language that somebody is spoken to in. Loaded with aiogram."""

from collections.abc import Mapping
from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from app.telegram.conversation.heard import Commanded
from app.telegram.conversation.layout import button, page, stacked
from app.telegram.conversation.tapping import Tapped, stale
from app.telegram.conversation.turns import Turn
from app.usecases.choose_language import ChooseLanguage
from processors.notifications.buttons import Press
from processors.notifications.texts import Language, Voice

NAMES: Final[Mapping[Language, str]] = {
    Language.ENGLISH: "English",
    Language.RUSSIAN: "Русский",
    Language.PORTUGUESE: "Português",
}
"""Each as its speakers call it."""


def make_router() -> Router:
    """Return the router."""
    router = Router(name="language")
    router.message.register(ask, Commanded("language"))
    router.callback_query.register(choose, Tapped(Press.LANGUAGE))
    return router


async def ask(message: Message, turn: Turn) -> None:
    """Ask which language somebody wants."""
    del message
    rows = stacked([button(name, Press.LANGUAGE, tag.value) for tag, name in NAMES.items()])
    await turn.tell(page(turn.voice.say("Which language do you speak?")), rows)


async def choose(
    tap: CallbackQuery, turn: Turn, choose_language: ChooseLanguage, argument: str
) -> None:
    """Speak another language from now on, beginning with this answer."""
    if argument not in set(Language):
        await stale(tap, turn)
        return
    chosen = Language(argument)
    await choose_language(tap.from_user.id, chosen.value)
    said = Voice(chosen, turn.voice.translate).say("I speak English with you now.")
    await turn.talk.answer(tap.id)
    if not await turn.talk.edit(turn.chat_id, turn.message_id, page(said)):
        await turn.tell(page(said))
