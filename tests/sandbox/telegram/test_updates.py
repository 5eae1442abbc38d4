"""sandbox.telegram.updates: a user's doings reach the bot by webhook or by getUpdates."""

import asyncio

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError
from starlette.responses import JSONResponse, Response

from tests.peers import Peers
from tests.sandbox.receiver import Receiver

pytestmark = pytest.mark.anyio


async def test_gives_updates_to_who_asks(peers: Peers, bot: Bot) -> None:
    """Texts, commands and presses parse; an offset confirms what lies before it."""
    await peers.control("telegram/updates", chat_id=7, text="hello")
    await peers.control("telegram/updates", chat_id=-7, user_id=3, text="/start now")
    await peers.control("telegram/updates", chat_id=7, data="again", message_id=5)

    text, command, press = await bot.get_updates()
    (last,) = await bot.get_updates(offset=press.update_id)

    assert text.message is not None
    assert text.message.text == "hello"
    assert command.message is not None
    assert command.message.entities is not None
    assert command.message.entities[0].type == "bot_command"
    assert press.callback_query is not None
    assert press.callback_query.data == "again"
    assert last == press


async def test_keeps_who_asks_waiting(peers: Peers, bot: Bot) -> None:
    """A long poll ends when an update comes, a short one with nothing."""
    assert await bot.get_updates() == []

    async with asyncio.TaskGroup() as group:
        poll = group.create_task(bot.get_updates(timeout=20))
        await peers.control("telegram/updates", chat_id=7, text="hello")

    assert len(poll.result()) == 1


async def test_brings_updates_to_the_webhook(peers: Peers, bot: Bot, receiver: Receiver) -> None:
    """The secret goes along, a refused update comes again, and polling is refused."""
    await bot.set_webhook(receiver.url, secret_token="s3cret")
    receiver.answers.append(Response(status_code=500))
    update = await peers.control("telegram/updates", update={"message": {"odd": True}})

    first, second = await receiver.until(lambda heard: len(heard) == 2)

    assert first.body == second.body == update
    assert first.headers["x-telegram-bot-api-secret-token"] == "s3cret"
    with pytest.raises(TelegramConflictError):
        await bot.get_updates()


async def test_keeps_what_the_webhook_does_not_take(peers: Peers, bot: Bot) -> None:
    """An update nobody takes stays pending, and is for getUpdates once the webhook is gone."""
    await bot.set_webhook("http://127.0.0.1:1/")
    await peers.control("telegram/updates", update={"update_id": 5, "message": {}})
    while len(deliveries := await peers.look("telegram/updates")) < 4:
        pass

    info = await bot.get_webhook_info()
    await bot.delete_webhook(drop_pending_updates=True)

    assert deliveries[0]["update_id"] == 5
    assert info.pending_update_count == 1
    assert await bot.get_updates() == []


@pytest.mark.parametrize(
    ("answer", "ok"),
    [
        ({"method": "sendMessage", "chat_id": 7, "text": "from the answer"}, True),
        ({"method": "sendMessage", "chat_id": 404404, "text": "x"}, False),
    ],
)
async def test_does_the_call_in_the_answer(
    peers: Peers, bot: Bot, receiver: Receiver, answer: dict[str, object], *, ok: bool
) -> None:
    """A webhook's answer may be a call, whose result is told to nobody."""
    await bot.set_webhook(receiver.url, drop_pending_updates=True)
    receiver.answers.extend([Response(b"no JSON"), JSONResponse([1]), JSONResponse(answer)])
    for _ in range(3):
        await peers.control("telegram/updates", chat_id=7, text="hello")

    while not (calls := (await peers.look("telegram/requests"))[1:]) or calls[0]["ok"] is None:
        pass

    assert calls[0]["ok"] == ok
    assert len(await peers.chat(7)) == ok
