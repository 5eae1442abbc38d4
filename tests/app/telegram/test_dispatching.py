"""app.telegram.dispatching: a real dispatcher, its data by name, its states in the database."""

import json
from collections.abc import Sequence

import pytest
from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import StorageKey
from aiogram.types import Message, Update

from app.clock import Clock
from app.ports import Conversation, Conversations
from app.store.conversations import MongoConversations
from app.telegram.bot import Bot
from app.telegram.dispatching import make_dispatcher
from app.telegram.storage import ConversationStorage
from tests.app.telegram.test_reception import a_message
from tests.databases import a_database
from tests.fakes.conversations import FakeConversations

pytestmark = pytest.mark.anyio


class Order(StatesGroup):
    """An order in two steps."""

    prompt = State()


def a_router(heard: list[tuple[str, object]]) -> Router:
    """Return handlers that remember what they heard."""
    router = Router()

    async def begin(message: Message, state: FSMContext, update_id: int) -> None:
        await state.set_state(Order.prompt)
        await state.update_data(preset=message.text, key=f"tg:{update_id}")

    async def prompt(message: Message, state: FSMContext, greeting: str) -> None:
        heard.append((f"{greeting} {message.text}", await state.get_data()))
        await state.clear()

    async def other(message: Message, state: FSMContext) -> None:
        heard.append(("other", await state.get_state()))
        await state.set_data({})
        del message

    router.message.register(begin, Command("order"))
    router.message.register(prompt, Order.prompt, F.text)
    router.message.register(other)
    return router


async def told(
    bot: Bot, conversations: Conversations, heard: list[tuple[str, object]], texts: Sequence[str]
) -> None:
    """Hand these texts of one person to a dispatcher."""
    storage = ConversationStorage(conversations, Clock())
    dispatcher = make_dispatcher([a_router(heard)], storage, {"greeting": "hello"})
    for number, text in enumerate(texts):
        given = a_message(number, text=text)
        command = {"type": "bot_command", "offset": 0, "length": len(text)}
        if text.startswith("/"):
            given["message"]["entities"] = [command]
        read = Update.model_validate_json(json.dumps(given), context={"bot": bot.aiogram})
        await dispatcher.feed_update(bot.aiogram, read, update_id=number)
    await storage.close()


async def test_a_conversation_goes_on_where_it_stood(bot: Bot) -> None:
    """State and data outlive a message, and are gone when it is over."""
    conversations = FakeConversations()
    heard = list[tuple[str, object]]()
    await told(bot, conversations, heard, ["/order", "a lighthouse", "thanks"])

    assert heard == [
        ("hello a lighthouse", {"preset": "/order", "key": "tg:0"}),
        ("other", None),
    ]
    assert conversations.known == {}


async def test_data_may_go_while_the_state_stays(bot: Bot) -> None:
    """Emptied data leave the state as it is."""
    conversations = FakeConversations()
    storage = ConversationStorage(conversations, Clock())
    context = FSMContext(storage, StorageKey(bot.aiogram.id, 5, 5))
    await context.set_state("Order:prompt")
    await context.set_data({"a": 1})
    await context.set_data({})

    assert await conversations.get(5, 5) == Conversation("Order:prompt", {})


async def test_another_process_goes_on_with_it(bot: Bot, mongo_uri: str) -> None:
    """What one dispatcher began, another ends: it is in the database."""
    heard = list[tuple[str, object]]()
    async with a_database(mongo_uri) as connection:
        conversations = MongoConversations(connection)
        await told(bot, conversations, heard, ["/order"])
        await told(bot, conversations, heard, ["a lighthouse"])

        assert [what for what, _ in heard] == ["hello a lighthouse"]
        assert await connection.collection("conversations").count_documents({}) == 0
