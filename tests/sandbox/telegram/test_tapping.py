"""sandbox.telegram.tapping: a tap is a question to the bot, which answers it once."""

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from tests.peers import Peers
from tests.sandbox.telegram.person import Person, data_of

pytestmark = pytest.mark.anyio

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[
        [
            InlineKeyboardButton(text="Again", callback_data="a:1"),
            InlineKeyboardButton(text="Original", callback_data="o:1"),
        ],
        [InlineKeyboardButton(text="Site", url="https://runrelay.example/")],
    ]
)


@pytest.fixture
def ada(peers: Peers) -> Person:
    """Return somebody."""
    return Person(peers, 7, language="pt", name="Ada")


async def the_query(bot: Bot) -> CallbackQuery:
    """Return the tap that the bot was told of last."""
    query = (await bot.get_updates())[-1].callback_query
    assert query is not None
    return query


async def test_a_tap_shows_the_message_with_its_buttons(bot: Bot, ada: Person) -> None:
    """The query has who tapped, the message as it stands and the button's data."""
    await bot.send_message(7, "done", reply_markup=KEYBOARD)
    await ada.tap("o:1")
    query = await the_query(bot)

    assert (query.from_user.id, query.from_user.language_code, query.data) == (7, "pt", "o:1")
    assert isinstance(query.message, Message)
    assert query.message.text == "done"
    assert query.message.reply_markup is not None
    assert query.message.reply_markup.model_dump() == KEYBOARD.model_dump()


async def test_a_button_is_found_by_place_and_by_text(bot: Bot, ada: Person) -> None:
    """Places count row by row; of several messages the latest with buttons is meant."""
    first = await bot.send_message(7, "one", reply_markup=KEYBOARD)
    await bot.send_message(7, "two", reply_markup=KEYBOARD)
    await bot.send_message(7, "three")

    await ada.tap(place=2)
    query = await the_query(bot)
    assert query.message is not None
    assert (query.data, query.message.message_id) == ("o:1", first.message_id + 1)
    await ada.tap(text="Again", message_id=first.message_id)
    query = await the_query(bot)
    assert query.message is not None
    assert (query.data, query.message.message_id) == ("a:1", first.message_id)


async def test_a_link_is_nothing_to_the_bot(bot: Bot, ada: Person) -> None:
    """A button with an address opens it."""
    await bot.send_message(7, "done", reply_markup=KEYBOARD)
    done = await ada.tap(place=3)

    assert (done["url"], done["update"]) == ("https://runrelay.example/", None)


@pytest.mark.parametrize("wish", [{"data": "x"}, {"place": 4}, {"text": "Agai"}])
async def test_what_is_not_there_cannot_be_tapped(
    bot: Bot, ada: Person, wish: dict[str, object]
) -> None:
    """Neither unknown data, nor a place too far, nor another text."""
    await bot.send_message(7, "done", reply_markup=KEYBOARD)

    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await ada.act("tap", **wish)


async def test_an_app_may_lag_behind(bot: Bot, ada: Person) -> None:
    """A button that has just gone can be tapped all the same, and its message may be gone, too."""
    sent = await bot.send_message(7, "runs", reply_markup=KEYBOARD)
    await sent.edit_text("done")
    await ada.tap("a:1", message_id=sent.message_id, stale=True)
    query = await the_query(bot)
    assert isinstance(query.message, Message)
    assert query.message.text == "done"

    await sent.delete()
    await ada.tap("a:1", message_id=sent.message_id, stale=True)
    query = await the_query(bot)
    assert not isinstance(query.message, Message)
    assert query.message is not None
    assert query.message.message_id == sent.message_id


async def test_an_answer_is_seen_by_who_tapped(bot: Bot, ada: Person) -> None:
    """It is given once: a second one is too late."""
    await bot.send_message(-5, "done", reply_markup=KEYBOARD)
    member = ada.at(-5)
    await member.tap("a:1")
    query = await the_query(bot)
    await bot.answer_callback_query(query.id, text="As you wish", show_alert=True)

    answer = await member.answered()
    assert (answer["text"], answer["show_alert"], answer["user_id"]) == ("As you wish", True, 7)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query("1")


async def test_the_test_client_reads_buttons(bot: Bot, ada: Person) -> None:
    """What the buttons carry is at hand."""
    await bot.send_message(7, "done", reply_markup=KEYBOARD)

    assert data_of(await ada.next()) == ["a:1", "o:1"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ('[[{"text":"x","callback_data":"' + 65 * "x" + '"}]]', "BUTTON_DATA_INVALID"),
        ('[[{"text":"x","callback_data":""}]]', "BUTTON_DATA_INVALID"),
        ('[[{"text":" ","callback_data":"x"}]]', "text is empty"),
        ('[[{"text":"x"}]]', "unallowed"),
        ("[[1]]", "can't parse"),
        ("[1]", "Array of Array"),
        ("{}", "must be an Array"),
    ],
)
async def test_a_keyboard_must_be_well_formed(
    peers: Peers, bot: Bot, rows: str, reason: str
) -> None:
    """What Telegram would refuse is refused."""
    fields = {"chat_id": 7, "text": "x", "reply_markup": f'{{"inline_keyboard":{rows}}}'}
    answer = await peers.client.post(f"{peers.telegram}/bot{bot.token}/sendMessage", json=fields)

    assert answer.status_code == 400
    assert reason in answer.json()["description"]


async def test_an_empty_keyboard_is_none(peers: Peers, bot: Bot, ada: Person) -> None:
    """So is one of empty rows."""
    await bot.send_message(7, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[]]))

    assert (await ada.next())["reply_markup"] is None
    answer = await peers.client.get(f"{peers.url}/control/telegram/seen?after=x")
    assert answer.status_code == 422
