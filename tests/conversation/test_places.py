"""Where the bot is spoken to, and in which language."""

# Russian is written in Cyrillic letters, some of which look like Latin ones.
# ruff: noqa: RUF001

from itertools import count
from typing import Final

import pytest

from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import data_of, words
from tests.service import BOT_TOKEN, until

pytestmark = pytest.mark.anyio

_GROUPS: Final = count(501)


async def test_in_a_group(bot: Bot) -> None:
    """Commands are heard, by name or not, and answered as replies; who writes pays."""
    group = -next(_GROUPS)
    ada, bea = bot.somebody().at(group), bot.somebody(name="Bea").at(group)
    said = await ada.write("/art@sandbox_4711_bot a lighthouse")
    price = await ada.next()
    assert words(price) == "Picture: 5 credits (balance after: 95 credits)"
    assert price["reply_to"] == said["message"]["message_id"]
    await bea.write("/balance")
    owned = await bea.until("Your balance")
    assert "100 credits" in words(owned)
    assert (await bot.ordered(ada)).steps[0].inputs == {"prompt": "a lighthouse"}


async def test_a_group_is_not_listened_to(bot: Bot) -> None:
    """What is not meant for the bot gets no answer, though it is brought everything."""
    ada = bot.somebody().at(-next(_GROUPS))
    await bot.peers.control("telegram", privacy=False)
    try:
        await ada.write("good morning")
        await ada.write("/art@another_bot a lighthouse")
        await ada.sticker()
        await ada.write("/help")
        assert "How it works" in words(await ada.next())
    finally:
        await bot.peers.control("telegram", privacy=True)


async def test_questions_in_a_group(bot: Bot) -> None:
    """They ask for a reply, and only who was asked can answer; other replies are no orders."""
    group = -next(_GROUPS)
    ada, bea = bot.somebody().at(group), bot.somebody(name="Bea").at(group)
    await ada.write("/art")
    asked = await ada.next()
    assert words(asked).endswith("Please reply to this message.")
    await bea.write("a cat", reply_to=asked["message_id"])
    await ada.write("a lighthouse", reply_to=asked["message_id"])
    assert words(await ada.until("Picture: 5")).startswith("Picture: 5 credits")
    job = await bot.ordered(ada)
    assert job.steps[0].inputs == {"prompt": "a lighthouse"}


async def test_a_group_that_grows(bot: Bot) -> None:
    """After it became a supergroup, it is answered there."""
    ada = bot.somebody().at(-next(_GROUPS))
    await ada.write("/art")
    await ada.next()
    new = ada.at(await ada.upgrade())
    await new.write("/balance")
    assert "Your balance" in words(await new.until("Your balance"))


@pytest.mark.parametrize(
    ("language", "hello", "made", "balance"),
    [
        ("ru", "Здравствуйте, Ada!", "Я умею делать 9 вещей:", "Ваш баланс: 100 кредитов"),
        ("pt-br", "Olá, Ada!", "Há 9 coisas que sei fazer:", "Seu saldo: 100 créditos"),
        ("de", "Hello, Ada!", "There are 9 things that I can make:", "Your balance: 100 credits"),
        (None, "Hello, Ada!", "There are 9 things that I can make:", "Your balance: 100 credits"),
    ],
)
async def test_it_speaks_the_language_of_the_app(
    bot: Bot, language: str | None, hello: str, made: str, balance: str
) -> None:
    """English where it does not speak that."""
    ada = bot.somebody(language)
    await ada.write("/start")
    said = words(await ada.next())
    for each in (hello, made, balance):
        assert each in said


async def test_the_language_can_be_chosen(bot: Bot) -> None:
    """From then on everything is said in it, the end of an order too."""
    ada = bot.somebody("en")
    await ada.write("/language")
    asked = await ada.next()
    assert data_of(asked) == ["l:en", "l:ru", "l:pt"]
    await ada.tap("l:ru")
    assert words(await ada.edited()) == "Теперь я говорю с вами по-русски."
    await ada.write("/art маяк")
    assert words(await ada.next()) == "Picture по-русски: 5 кредитов (останется: 95 кредитов)"
    await ada.until("Готово")
    await ada.write("/language")
    await ada.until("На каком языке")
    await ada.tap("l:pt")
    await ada.until("Agora falo português com você.")
    assert (await bot.user(ada)).language == "pt"


async def test_the_commands_are_listed(bot: Bot) -> None:
    """In each language, with the presets that are for everybody."""

    async def listed(tag: str) -> dict[str, str]:
        url = f"{bot.peers.telegram}/bot{BOT_TOKEN}/getMyCommands"
        answer = await bot.peers.client.post(url, json={"language_code": tag})
        found = answer.raise_for_status().json()["result"]
        return {each["command"]: each["description"] for each in found}

    english = await until(lambda: listed(""), bool)
    assert english["presets"] == "What can be made"
    assert english["art"] == "Picture"
    assert "secret" not in english
    russian = await until(lambda: listed("ru"), bool)
    assert russian["art"] == "Picture по-русски"
    assert (await until(lambda: listed("pt"), bool))["balance"] == "Seus créditos"


async def test_what_is_nothing_to_us(bot: Bot) -> None:
    """A contact is answered; what another bot says, or a channel, is passed over."""
    ada = bot.somebody()
    await ada.write("/start")
    await ada.next()
    chat = {"id": ada.id, "type": "private", "first_name": "Ada"}
    person = {"id": ada.id, "is_bot": False, "first_name": "Ada"}
    contact = {"phone_number": "1", "first_name": "Bea"}
    message = {"message_id": 900, "date": 1, "chat": chat, "from": person}
    for odd in (
        {"from": {**person, "is_bot": True}, "text": "/help"},
        {"sender_chat": {"id": -1, "type": "channel", "title": "x"}, "text": "/help"},
        {"contact": contact},
    ):
        await bot.peers.control("telegram/updates", update={"message": {**message, **odd}})

    assert words(await ada.next()) == "I understand words and pictures only. /help says more."
