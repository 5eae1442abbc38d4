"""sandbox.telegram.people: what people do reaches the bot as Telegram would tell it."""

import io
from collections.abc import Awaitable, Callable

import httpx
import pytest
from aiogram import Bot
from aiogram.types import Message, Update
from PIL import Image

from tests.peers import Json, Peers
from tests.sandbox.telegram.person import Person
from tests.sandbox.telegram.pictures import a_picture

pytestmark = pytest.mark.anyio

GROUP = -500


@pytest.fixture
def ada(peers: Peers) -> Person:
    """Return somebody who has a Russian app."""
    return Person(peers, 7, language="ru", name="Ada")


async def told(bot: Bot, done: Json) -> Update:
    """Return the update that an act led to, as aiogram reads it from the Bot API."""
    update = (await bot.get_updates())[-1]
    assert update.update_id == done["update"]["update_id"]
    return update


async def message_of(bot: Bot, done: Json) -> Message:
    """Return the message that an act led to."""
    message = (await told(bot, done)).message
    assert message is not None
    return message


async def test_a_text_has_its_writer_and_its_entities(bot: Bot, ada: Person) -> None:
    """Commands, names and links are found, counted in UTF-16 units; others can be added."""
    bold = {"type": "bold", "offset": 0, "length": 2}
    message = await message_of(
        bot, await ada.write("🌊 /l4_t2i for @ada_l, see https://a.example/x #sea", entities=[bold])
    )

    assert message.from_user is not None
    assert (message.from_user.first_name, message.from_user.language_code) == ("Ada", "ru")
    assert (message.chat.id, message.chat.type, message.chat.first_name) == (7, "private", "Ada")
    found = {each.type: each.extract_from(message.text or "") for each in message.entities or []}
    assert found == {
        "bot_command": "/l4_t2i",
        "mention": "@ada_l",
        "url": "https://a.example/x",
        "hashtag": "#sea",
        "bold": "🌊",
    }


async def test_a_person_is_remembered(bot: Bot, peers: Peers, ada: Person) -> None:
    """What an act leaves out of its user stays as it was."""
    await ada.write("one")
    body = {"act": "write", "user": {"id": 7, "username": "ada"}, "text": "two"}
    message = await message_of(bot, await peers.control("telegram/acts", **body))

    assert message.from_user is not None
    assert (message.from_user.first_name, message.from_user.username) == ("Ada", "ada")


async def test_ids_of_a_chat_are_shared(bot: Bot, ada: Person) -> None:
    """People's messages and the bot's are numbered together, and can be replied to."""
    first = await message_of(bot, await ada.write("hello"))
    answer = await bot.send_message(7, "hello!")
    reply = await message_of(bot, await ada.write("again", reply_to=answer.message_id))

    assert [first.message_id, answer.message_id, reply.message_id] == [1, 2, 3]
    assert reply.reply_to_message is not None
    assert reply.reply_to_message.text == "hello!"


async def test_a_photo_comes_in_sizes(bot: Bot, ada: Person) -> None:
    """All are JPEGs without metadata, the largest last, and can be had by their ids."""
    picture = Image.new("RGB", (600, 400))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by 90 degrees
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    message = await message_of(bot, await ada.photo(out.getvalue(), "/l4_i2i warmer"))

    assert message.photo is not None
    assert [max(each.width, each.height) for each in message.photo] == [90, 320, 600]
    assert (message.photo[-1].width, message.photo[-1].height) == (400, 600)
    assert message.caption_entities is not None
    assert message.caption_entities[0].type == "bot_command"
    loaded = await bot.download(message.photo[-1])
    assert loaded is not None
    with Image.open(loaded) as photo:
        assert (photo.format, photo.size, dict(photo.getexif())) == ("JPEG", (400, 600), {})


async def test_a_large_photo_is_made_smaller(bot: Bot, ada: Person) -> None:
    """Its longest side is 1280 pixels, however many a person's camera has."""
    message = await message_of(bot, await ada.photo(a_picture(8000, 4000)))

    assert message.photo is not None
    assert (message.photo[-1].width, message.photo[-1].height) == (1280, 640)
    assert len(message.photo) == 4


async def test_a_document_stays_as_it_is(bot: Bot, ada: Person) -> None:
    """Its name says its type, whatever it holds."""
    message = await message_of(bot, await ada.document(b"no picture", "sea.png", "see"))

    assert message.document is not None
    assert (message.document.file_name, message.document.mime_type) == ("sea.png", "image/png")
    assert message.caption == "see"
    loaded = await bot.download(message.document)
    assert loaded is not None
    assert loaded.read() == b"no picture"


async def test_a_large_document_cannot_be_had(bot: Bot, ada: Person) -> None:
    """Bots are handed out 20 MB at most."""
    message = await message_of(bot, await ada.document(bytes(20 * 1024 * 1024 + 1), "big.bin"))

    assert message.document is not None
    with pytest.raises(Exception, match="file is too big"):
        await bot.get_file(message.document.file_id)


async def test_a_sticker_moves(bot: Bot, ada: Person) -> None:
    """It is an animated one, which is no picture at all."""
    message = await message_of(bot, await ada.sticker())

    assert message.sticker is not None
    assert message.sticker.is_animated
    loaded = await bot.download(message.sticker)
    assert loaded is not None
    assert loaded.read(2) == b"\x1f\x8b"


async def test_an_album_shares_its_group(bot: Bot, ada: Person) -> None:
    """Its photos are messages of their own."""
    for _ in range(2):
        await ada.photo(a_picture(), media_group_id="one")

    updates = await bot.get_updates()
    assert [each.message and each.message.media_group_id for each in updates] == ["one", "one"]


async def test_what_is_nothing_cannot_be_sent(ada: Person) -> None:
    """Neither blanks, nor an empty file, nor a photo that is none."""
    acts: list[Callable[[], Awaitable[Json]]] = [
        lambda: ada.write("  "),
        lambda: ada.document(b"", "x.png"),
        lambda: ada.photo(b"no picture"),
        lambda: ada.photo(a_picture(10, 10)[:60]),
        lambda: ada.photo(a_picture(2_100, 100)),
        lambda: ada.photo(a_picture(kind="GIF")),
    ]
    for act in acts:
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            await act()


async def test_a_group_has_members(bot: Bot, ada: Person) -> None:
    """Each writes under an id of their own, in a chat of its own."""
    bea = Person(ada.peers, 8, name="Bea").at(GROUP)
    one = await message_of(bot, await ada.at(GROUP).write("/start"))
    two = await message_of(bot, await bea.write("/start@sandbox_42_bot now"))

    assert (one.chat.id, one.chat.type) == (two.chat.id, two.chat.type) == (GROUP, "group")
    assert one.from_user is not None
    assert two.from_user is not None
    assert (one.from_user.id, two.from_user.id) == (7, 8)


async def test_a_bot_is_told_little_in_groups(bot: Bot, ada: Person) -> None:
    """What is not for it is not brought to it, unless its privacy mode is off."""
    sent = await bot.send_message(GROUP, "hello")
    member = ada.at(GROUP)

    assert (await member.write("good morning"))["update"] is None
    assert (await member.write("/start@another_bot"))["update"] is None
    assert (await member.write("hey @sandbox_42_bot"))["update"] is not None
    assert (await member.write("thanks", reply_to=sent.message_id))["update"] is not None
    assert (await member.photo(a_picture(), "/l4_i2i"))["update"] is not None
    await ada.peers.control("telegram", privacy=False)
    assert (await member.write("good morning"))["update"] is not None


async def test_people_are_seen(bot: Bot, ada: Person) -> None:
    """Everything of a chat is told in order, people's own doings included."""
    await ada.write("hello")
    sent = await bot.send_message(7, "hm")
    await sent.edit_text("hello!")
    await sent.delete()

    events = await ada.seen()
    assert [each["kind"] for each in events] == ["message", "message", "edit", "delete"]
    assert [each["message"]["from"] for each in events] == [7, "bot", "bot", "bot"]
    assert [each["message"]["text"] for each in events] == ["hello", "hm", "hello!", "hello!"]
    numbers = [each["n"] for each in events]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


async def test_files_are_for_people_too(bot: Bot, ada: Person) -> None:
    """What the bot sends can be looked at; what is not there, not."""
    message = await message_of(bot, await ada.photo(a_picture()))
    assert message.photo is not None
    await bot.send_photo(7, message.photo[-1].file_id, caption="the sea")
    shown = await ada.until("the sea")

    assert (await ada.file(shown)).startswith(b"\xff\xd8")
    shown["media"][0]["file_id"] = "none"
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await ada.file(shown)
