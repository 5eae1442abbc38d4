"""sandbox.telegram.updates: a user's doings reach the bot by webhook or by getUpdates."""

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError
from starlette.responses import JSONResponse, Response

from app.clock import Clock
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


async def test_numbers_updates_beyond_those_of_a_sandbox_before(peers: Peers, bot: Bot) -> None:
    """A database that outlives it must not take them for repetitions: they begin at the time."""
    before = Clock().now().timestamp()
    await peers.control("telegram/updates", chat_id=7, text="hello")

    (update,) = await bot.get_updates()

    assert update.update_id > before - 3600


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


async def test_ends_a_poll_when_another_begins(bot: Bot, peers: Peers) -> None:
    """The first of two is told of the conflict, the second goes on."""
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_conflict(bot))
        await _polls(peers, 1)
        second = group.create_task(bot.get_updates(timeout=20))
        assert "terminated by other getUpdates request" in await first
        await peers.control("telegram/updates", chat_id=7, text="hello")

    assert len(second.result()) == 1


async def test_ends_a_poll_when_a_webhook_is_set(bot: Bot, peers: Peers) -> None:
    """There is one or the other."""
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(_conflict(bot))
        await _polls(peers, 1)
        await bot.set_webhook("http://127.0.0.1:1/")

    assert "while webhook is active" in poll.result()


async def test_gives_the_last_ones_for_a_negative_offset(bot: Bot, peers: Peers) -> None:
    """Those before are forgotten."""
    for text in ("one", "two", "three"):
        await peers.control("telegram/updates", chat_id=7, text=text)

    (last,) = await bot.get_updates(offset=-1)
    assert last.message is not None
    assert last.message.text == "three"
    assert len(await bot.get_updates()) == 1


async def test_brings_what_is_wanted_only(bot: Bot, peers: Peers) -> None:
    """Some kinds must be named; what was named holds until something else is."""
    member = {"chat_member": {"odd": True}}
    assert await peers.control("telegram/updates", update=member) is None
    await bot.get_updates(allowed_updates=["callback_query", "chat_member"])
    assert await peers.control("telegram/updates", chat_id=7, text="hello") is None
    assert await peers.control("telegram/updates", update=member) is not None
    assert await peers.control("telegram/updates", chat_id=7, data="x") is not None

    await bot.set_webhook("http://127.0.0.1:1/", allowed_updates=["message"])
    info = await bot.get_webhook_info()
    assert info.allowed_updates == ["message"]


async def test_goes_on_where_the_webhook_was_away(
    peers: Peers, bot: Bot, receiver: Receiver
) -> None:
    """It is tried again and again, in the order of each chat; others need not wait."""
    await bot.set_webhook(receiver.url)
    receiver.answers.extend(Response(status_code=502) for _ in range(10))
    for text in ("one", "two"):
        await peers.control("telegram/updates", chat_id=7, text=text)
    heard = await receiver.until(
        lambda heard: [each.body["message"]["text"] for each in heard][-1:] == ["two"]
    )

    assert [each.body["message"]["text"] for each in heard] == 11 * ["one"] + ["two"]
    info = await bot.get_webhook_info()
    assert info.last_error_message == "Wrong response from the webhook: 502 Bad Gateway"


async def test_one_chat_does_not_wait_for_another(
    peers: Peers, bot: Bot, receiver: Receiver
) -> None:
    """Nor does a payment about to be made."""
    await bot.set_webhook(receiver.url)
    receiver.open.clear()
    await peers.control("telegram/updates", chat_id=7, text="one")
    await peers.control("telegram/updates", chat_id=7, data="a:1")
    await peers.control("telegram/updates", chat_id=8, text="two")
    await peers.control("telegram/updates", update={"pre_checkout_query": {"id": "1"}})
    heard = await receiver.until(lambda heard: len(heard) == 3)
    receiver.open.set()

    kinds = {next(iter(each.body.keys() - {"update_id"})) for each in heard}
    assert kinds == {"message", "pre_checkout_query"}
    await receiver.until(lambda heard: "callback_query" in heard[-1].body)


async def test_brings_an_update_as_often_as_wished_for(
    peers: Peers, bot: Bot, receiver: Receiver
) -> None:
    """At once, for a bot that must act once."""
    await bot.set_webhook(receiver.url)
    update = await peers.control("telegram/updates", chat_id=7, text="one")
    await receiver.until(bool)
    done = await peers.control(f"telegram/updates/{update['update_id']}", times=20)
    heard = await receiver.until(lambda heard: len(heard) == 21)

    assert done == {"answered": 20 * [200]}
    assert all(each.body == update for each in heard)
    answer = await peers.client.post(f"{peers.url}/control/telegram/updates/5", json={})
    assert answer.status_code == 404


async def test_counts_those_that_no_longer_answer(peers: Peers, bot: Bot) -> None:
    """A webhook that is gone answers nothing to a repeated update."""
    await bot.set_webhook("http://127.0.0.1:1/")
    update = await peers.control("telegram/updates", chat_id=7, text="one")

    done = await peers.control(f"telegram/updates/{update['update_id']}", times=2)
    assert done == {"answered": [0, 0]}


@pytest.mark.parametrize("words", [{"secret_token": "no spaces"}, {"max_connections": 101}])
async def test_refuses_odd_webhooks(bot: Bot, words: dict[str, Any]) -> None:
    """A secret is of letters, digits, _ and -, and connections are few."""
    with pytest.raises(TelegramBadRequest):
        await bot.set_webhook("http://127.0.0.1:1/", **words)


async def _conflict(bot: Bot) -> str:
    with pytest.raises(TelegramConflictError) as refused:
        await bot.get_updates(timeout=20)
    return str(refused.value)


async def _polls(peers: Peers, count: int) -> None:
    """Wait until so many polls have come, which nothing else shows."""
    while [each["method"] for each in await peers.look("telegram/requests")].count(
        "getUpdates"
    ) < count:
        pass
