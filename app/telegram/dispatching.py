"""The bot's handlers: aiogram's routers on one dispatcher. Loaded with aiogram.

A handler is given, by name: `talk`, `update_id`, `update_at` (when it came in), what the
composition root gives, and what aiogram itself does (`state`, `bot`, `event_from_user`,
`event_chat`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiogram import Dispatcher, Router
from aiogram.fsm.storage.base import BaseStorage
from aiogram.types import Update as TelegramUpdate
from aiogram.types.update import UpdateTypeLookupError
from pydantic import ValidationError

from app.telegram import catalogues, conversation, unknown
from app.telegram.around import Around
from app.telegram.bot import Bot
from app.telegram.conversation import menu
from app.telegram.conversing import Cases
from app.telegram.languages import SpokenLanguage
from app.telegram.membership import Membership
from app.telegram.sender import Sender
from app.telegram.storage import ConversationStorage
from app.telegram.talking import Talk
from processors.errors import RefusedBodyError
from processors.notifications.texts import Voice, language_of, message
from schemas.update import Update

SORRY: Final = message(
    "Something went wrong here, and I could not do that. Please try again in a while."
)


def routers(cases: Cases | None = None) -> tuple[Router, ...]:
    """Return all routers, new ones: each takes what those before it leave."""
    return (*conversation.routers(cases), unknown.make_router())


def make_dispatcher(
    routers: Sequence[Router], storage: BaseStorage | None, data: Mapping[str, Any]
) -> Dispatcher:
    """Return a dispatcher of these routers, whose handlers are given `data` by name.

    Without a `storage` nobody's place in a conversation is looked up, nor given to handlers.
    """
    dispatcher = Dispatcher(storage=storage, disable_fsm=storage is None)
    dispatcher.workflow_data.update(data)
    dispatcher.include_routers(*routers)
    return dispatcher


class Dispatching:
    """Hands updates to their handlers."""

    def __init__(self, bot: Bot, sender: Sender, around: Around) -> None:
        """Make the dispatcher, with new routers."""
        self._bot = bot.aiogram
        self._talk = Talk(bot, sender)
        data = {**around.given, "talk": self._talk}
        storage = ConversationStorage(around.conversations, around.clock)
        self._dispatcher = make_dispatcher(routers(around.cases), storage, data)
        # What is asked before a payment is answered in time, whatever the database does.
        self._urgent = make_dispatcher(routers(), None, data)
        self._cases = around.cases
        self._users = around.users
        spoken = catalogues.load()
        self._translate = catalogues.translator(spoken)
        language = SpokenLanguage(spoken, around.users)
        for each in (self._dispatcher, self._urgent):
            language.setup(each)
        self._dispatcher.update.outer_middleware(Membership(around.chats, around.clock))

    async def consume(self, update: Update) -> None:
        """Hand an update to its handler; whatever that raises goes on to the caller.

        Raises:
            RefusedBodyError: It is not what the Bot API says an update is.
        """
        try:
            read = TelegramUpdate.model_validate_json(update.raw, context={"bot": self._bot})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise RefusedBodyError("schema", first["type"], where) from None
        try:
            _ = read.event_type
        except UpdateTypeLookupError:
            # A kind that is newer than aiogram: nobody here can have a handler for it.
            return
        dispatcher = self._dispatcher if read.pre_checkout_query is None else self._urgent
        await dispatcher.feed_update(self._bot, read, update_id=update.id, update_at=update.at)

    async def publish(self) -> None:
        """Have Telegram list the commands, in every language. May raise what a handler may."""
        if self._cases is not None:
            await menu.publish(self._talk, self._cases.presets, self._cases.translate)

    async def apologise(self, chat_id: int) -> None:
        """Tell a chat that what was asked for could not be done."""
        # A private chat has its person's id.
        person = await self._users.by_telegram_id(chat_id)
        voice = Voice(language_of(person.language if person else None), self._translate)
        await self._talk.say(chat_id, voice.say(SORRY))
