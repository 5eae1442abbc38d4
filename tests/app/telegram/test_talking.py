"""app.telegram.talking, with the sandbox's Bot API."""

import asyncio
from typing import NamedTuple

import pytest
from aiogram.methods import GetFile, GetMe, SendDocument
from aiogram.types import BufferedInputFile

from app.clock import Clock
from app.errors import PeerBusyError, PeerMissingError, PeerRefusedError
from app.observability.metrics import Metrics
from app.telegram.around import Around
from app.telegram.bot import Bot
from app.telegram.connecting import connect
from app.telegram.dispatching import SORRY, Dispatching
from app.telegram.errors import ChatClosedError, FloodError, TooLargeError
from app.telegram.talking import Talk
from tests.app.telegram.conditions import until
from tests.app.telegram.conftest import TOKEN
from tests.app.telegram.fakes import FakeLeases
from tests.app.telegram.setting import Setting, a_picture, a_setting
from tests.builders import a_user
from tests.fakes.conversations import FakeConversations
from tests.fakes.users import FakeUsers
from tests.peers import Peers
from tests.speech import PORTUGUESE

pytestmark = pytest.mark.anyio


class Button(NamedTuple):
    """A button."""

    text: str
    data: str


ROWS = ((Button("Again", "a:1"), Button("Info", "i:1")), (Button("Home", "m:"),))


def a_talk(bot: Bot, setting: Setting) -> Talk:
    """Return what a handler is given."""
    return Talk(bot, setting.sender)


async def test_a_message_goes_out_with_its_buttons(peers: Peers, bot: Bot) -> None:
    """In our markup, as an answer, row by row."""
    async with a_setting(peers) as setting:
        talk = a_talk(bot, setting)
        first = await talk.say(5, "<b>Hello</b> &amp; welcome", ROWS)
        await talk.say(5, "again", reply_to=first)

    said, again = await peers.chat(5)
    assert said["text"] == "Hello & welcome"
    assert [[key["text"] for key in row] for row in said["reply_markup"]["inline_keyboard"]] == [
        ["Again", "Info"],
        ["Home"],
    ]
    assert first == said["message_id"]
    assert again.get("reply_markup") is None


async def test_refused_markup_goes_out_plain(peers: Peers, bot: Bot) -> None:
    """What matters arrives."""
    await peers.control(
        "telegram/faults", method="sendMessage", kind="400", description="can't parse entities"
    )
    async with a_setting(peers) as setting:
        await a_talk(bot, setting).say(5, "<b>Hello</b>")

    [said] = await peers.chat(5)
    assert said["text"] == "Hello"


async def test_a_message_is_edited(peers: Peers, bot: Bot) -> None:
    """Text and buttons; the same again is no fault; one that is gone says so."""
    async with a_setting(peers) as setting:
        talk = a_talk(bot, setting)
        number = await talk.say(5, "one", ROWS)
        assert number is not None
        assert await talk.edit(5, number, "two")
        assert await talk.edit(5, number, "two")
        assert not await talk.edit(5, number + 100, "two")

    [said] = await peers.chat(5)
    assert said["text"] == "two"


async def test_where_the_process_is_not_on_duty_a_short_wait_is_waited(
    peers: Peers, bot: Bot
) -> None:
    """Telegram's own limit is heeded, once; a long one is told."""
    elsewhere = FakeLeases()
    async with (
        a_setting(peers, leases=elsewhere),
        a_setting(peers, leases=elsewhere, me="two", wait=False) as setting,
    ):
        talk = a_talk(bot, setting)
        assert not setting.sender.on_duty()
        await peers.control("telegram/faults", method="sendMessage", kind="429", retry_after=1)
        assert await talk.say(5, "patience") is not None
        await peers.control("telegram/faults", method="sendMessage", kind="429", retry_after=60)
        with pytest.raises(FloodError):
            await talk.say(5, "none")


async def test_a_chat_that_refuses_us_is_noted(peers: Peers, bot: Bot) -> None:
    """And the handler is told."""
    await peers.control("telegram/faults", method="sendMessage", kind="403-blocked")
    async with a_setting(peers) as setting:
        with pytest.raises(ChatClosedError):
            await a_talk(bot, setting).say(5, "hello")
        assert list(setting.chats.closed) == [5]


async def test_a_press_is_answered(peers: Peers, bot: Bot) -> None:
    """One that is too old is no fault, anything else is."""
    async with a_setting(peers) as setting:
        talk = a_talk(bot, setting)
        await talk.answer("1", "x" * 300, alert=True)
        late = "Bad Request: query is too old and response timeout expired or query ID is invalid"
        await peers.control(
            "telegram/faults", method="answerCallbackQuery", kind="400", description=late
        )
        await talk.answer("1")
        await peers.control("telegram/faults", method="answerCallbackQuery", kind="400")
        with pytest.raises(PeerRefusedError):
            await talk.answer("1")


async def test_a_file_is_had_within_a_limit(peers: Peers, bot: Bot) -> None:
    """Whole, or not at all: by what Telegram says of its size, and by what comes."""
    picture = a_picture()
    async with a_setting(peers) as setting:
        talk = a_talk(bot, setting)
        sent = await talk.call(
            5, SendDocument(chat_id=5, document=BufferedInputFile(picture, "a.png"))
        )
        assert isinstance(sent, dict)
        document = sent["document"]
        assert isinstance(document, dict)
        file_id = str(document["file_id"])

        assert await talk.file(file_id, limit_bytes=len(picture)) == picture
        with pytest.raises(TooLargeError):
            await talk.file(file_id, limit_bytes=len(picture) - 1)
        with pytest.raises(PeerRefusedError):
            await talk.file("nothing", limit_bytes=100)
        big = "Bad Request: file is too big"
        await peers.control("telegram/faults", method="getFile", kind="400", description=big)
        with pytest.raises(TooLargeError):
            await talk.file(file_id, limit_bytes=100)


async def test_a_download_has_its_own_limit(bot: Bot) -> None:
    """What comes is counted, and what is not there is told, without the token."""
    sent = await bot.call(SendDocument(chat_id=5, document=BufferedInputFile(a_picture(), "a.png")))
    assert isinstance(sent, dict)
    document = sent["document"]
    assert isinstance(document, dict)
    named = await bot.call(GetFile(file_id=str(document["file_id"])))
    assert isinstance(named, dict)
    with pytest.raises(TooLargeError):
        await bot.download(str(named["file_path"]), limit_bytes=3)
    with pytest.raises(PeerMissingError):
        await bot.download("documents/none.png", limit_bytes=3)


async def test_what_says_no_path_is_no_file(peers: Peers, bot: Bot) -> None:
    """An answer that is none."""
    await peers.control("telegram/faults", method="getFile", kind="200-unparsable")
    async with a_setting(peers) as setting:
        with pytest.raises(PeerRefusedError):
            await a_talk(bot, setting).file("any", limit_bytes=3)


async def test_a_file_of_a_server_that_is_not_there(bot: Bot) -> None:
    """It may be there later."""
    del bot

    lost = await connect(TOKEN, "http://127.0.0.1:9", timeout_seconds=1.0, metrics=Metrics())
    try:
        with pytest.raises(PeerBusyError) as caught:
            await lost.download("a.png", limit_bytes=3)
    finally:
        await lost.close()
    assert TOKEN not in str(caught.value)


async def test_an_apology_is_a_message(peers: Peers, bot: Bot) -> None:
    """To the chat whose update was given up, in its person's language."""
    async with a_setting(peers) as setting:
        users = FakeUsers()
        await users.insert(a_user(telegram_id=6, language="pt-br"))
        around = Around(
            conversations=FakeConversations(),
            chats=setting.chats,
            users=users,
            clock=Clock(),
            given={},
        )
        dispatching = Dispatching(bot, setting.sender, around)
        await dispatching.apologise(5)
        await dispatching.apologise(6)

    assert [each["text"] for each in await peers.chat(5)] == [SORRY]
    assert [each["text"] for each in await peers.chat(6)] == [PORTUGUESE.say(SORRY)]


async def test_calls_without_a_chat_wait_for_no_turn(peers: Peers, bot: Bot) -> None:
    """They go out while a chat's lane is held."""
    async with a_setting(peers) as setting:
        talk = a_talk(bot, setting)
        async with setting.sender.turn(5, editing=False), asyncio.TaskGroup() as group:
            waiting = group.create_task(talk.say(5, "later"))
            assert isinstance(await talk.call(None, GetMe()), dict)
            assert not waiting.done()
            waiting.cancel()
            await until(waiting.done)
