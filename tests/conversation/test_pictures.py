"""Pictures in the bot's conversation."""

# Russian is written in Cyrillic letters, some of which look like Latin ones.

import io

import pytest
from PIL import Image

from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import Person, data_of, words
from tests.sandbox.telegram.pictures import a_picture

pytestmark = pytest.mark.anyio

CHANGED = "Another picture: 5 credits (balance after: 95 credits)"
FORMAT = "Only PNG, JPEG, WebP and GIF pictures can be used."
MOVING = "Videos and animated stickers cannot be used; send a picture."


async def inputs_of(bot: Bot, person: Person) -> dict[str, object]:
    """Return the inputs of a person's order, its picture as the word."""
    job = await bot.ordered(person)
    given = dict(job.steps[0].inputs)
    assert str(given["image"]).startswith("media:inputs/")
    return {**given, "image": "picture"}


async def test_a_photo_with_a_command(bot: Bot) -> None:
    """Its caption says everything."""
    ada = bot.somebody()
    await ada.photo(a_picture(), "/i2i warmer --faces no")
    assert words(await ada.next()) == CHANGED
    assert await inputs_of(bot, ada) == {"image": "picture", "prompt": "warmer", "faces": "false"}


async def test_a_photo_alone(bot: Bot) -> None:
    """Its preset is chosen by a button, then its prompt is asked for."""
    ada = bot.somebody()
    await ada.photo(a_picture())
    choice = await ada.next()
    assert words(choice) == "A good picture. What shall be made of it?"
    assert data_of(choice) == ["p:cut_out", "p:i2i"]

    await ada.tap("p:i2i")
    assert "Write it now: Prompt" in words(await ada.next())
    await ada.write("warmer")
    assert words(await ada.next()) == CHANGED
    assert await inputs_of(bot, ada) == {"image": "picture", "prompt": "warmer"}


async def test_a_photo_with_words(bot: Bot) -> None:
    """The words are kept for the preset; chosen twice at once, it is ordered once."""
    ada = bot.somebody()
    await ada.photo(a_picture(), "warmer")
    choice = await ada.next()
    for _ in range(2):
        await ada.tap("p:i2i", message_id=choice["message_id"])
    assert words(await ada.next()) == CHANGED
    assert (await ada.answered())["text"] == ""
    assert await inputs_of(bot, ada) == {"image": "picture", "prompt": "warmer"}


async def test_a_photo_is_all_it_takes(bot: Bot) -> None:
    """A preset that wants nothing but a picture begins at once, or at a tap."""
    ada = bot.somebody()
    await ada.photo(a_picture(), "/cut_out")
    assert words(await ada.next()).startswith("Cut out: 5 credits")
    await ada.photo(a_picture())
    await ada.until("A good picture.")
    await ada.tap("p:cut_out")
    assert "Price: 5 credits" in words(await ada.until("/cut_out"))
    await ada.tap("y:run:cut_out")
    assert words(await ada.until("Cut out: 5 credits")).endswith("(balance after: 90 credits)")


async def test_a_picture_that_was_asked_for(bot: Bot) -> None:
    """A command with words asks for the picture; words are no picture; a file is one."""
    ada = bot.somebody("ru")
    await ada.write("/i2i теплее")
    assert words(await ada.next()) == "Пришлите картинку: Картинка"
    await ada.write("ну вот")
    assert words(await ada.next()) == "Пришлите картинку: Картинка"
    await ada.document(a_picture(kind="PNG"), "sea.png")
    assert words(await ada.next()).startswith("Another picture по-русски: 5 кредитов")
    assert await inputs_of(bot, ada) == {"image": "picture", "prompt": "теплее"}


async def test_a_picture_before_its_prompt(bot: Bot) -> None:
    """Sent for a preset that asks for both, with or without words, it is taken."""
    ada = bot.somebody()
    await ada.write("/i2i")
    assert "Send a picture: Picture" in words(await ada.next())
    await ada.photo(a_picture())
    assert words(await ada.next()) == "Write it now: Prompt"
    await ada.photo(a_picture(), "warmer")
    assert words(await ada.next()) == CHANGED


async def test_a_preset_without_pictures(bot: Bot) -> None:
    """It says so, and nothing is ordered."""
    ada = bot.somebody()
    await ada.photo(a_picture(), "/art warmer")
    assert words(await ada.next()) == "Picture takes no picture."
    assert await bot.jobs(ada) == ()


def a_bomb() -> bytes:
    """A small file of 50 million pixels."""
    made = io.BytesIO()
    Image.new("1", (10_000, 5_000)).save(made, "PNG")
    return made.getvalue()


async def test_what_is_no_picture_is_refused(bot: Bot) -> None:
    """Each with its own words, and it costs nothing."""
    ada = bot.somebody()
    await ada.sticker()
    assert words(await ada.next()) == MOVING
    await ada.document(b"\x00\x00\x00 ftypisom", "film.mp4", "/i2i faster")
    assert words(await ada.next()) == MOVING
    await ada.document(b"not a picture at all", "sea.png", "/i2i warmer")
    assert words(await ada.next()) == FORMAT
    await ada.document(b"words", "words.txt")
    assert words(await ada.next()) == FORMAT
    await ada.document(a_picture(kind="PNG")[:90], "half.png", "/i2i warmer")
    assert words(await ada.next()) == "The picture is damaged or not complete."
    await ada.document(a_bomb(), "bomb.png", "/i2i warmer")
    assert "megapixels" in words(await ada.next())
    await ada.document(bytes(20 * 1024 * 1024 + 1), "large.png", "/i2i warmer")
    assert words(await ada.next()) == "The picture is too large; the limit is 20 MB."

    assert await bot.jobs(ada) == ()
    assert await bot.balance(ada) == 100
