"""The bot's conversation about orders, up to the message that says their price."""

# Russian is written in Cyrillic letters, some of which look like Latin ones.
# ruff: noqa: RUF001

import pytest

from schemas.job import JobStatus
from schemas.run import RunStatus
from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import data_of, words

pytestmark = pytest.mark.anyio

PRICE = "Picture: 5 credits (balance after: 95 credits)"


async def test_from_hello_to_the_picture(bot: Bot) -> None:
    """/start says the balance and what there is; an order says its price, then brings a picture."""
    ada = bot.somebody()
    await ada.write("/start")
    hello = await ada.next()

    assert "Hello, Ada!\nYour balance: 100 credits" in words(hello)
    assert "Picture · 5" in [each["text"] for each in hello["buttons"]]
    assert not {"p:secret", "p:elsewhere"} & set(data_of(hello))

    await ada.tap("p:art")
    card = await ada.next()
    assert "Price: 5 credits" in words(card)
    assert "steps: Steps (from 10 to 60, usually 30)" in words(card)
    assert "/art a lighthouse at dusk" in words(card)

    await ada.write("a lighthouse at dusk --steps 20")
    price = await ada.next()
    assert words(price) == PRICE
    done = await ada.until("Done")
    assert [each["kind"] for each in done["media"]] == ["photo"]
    assert "Price: 5 credits" in words(done)
    assert [each.partition(":")[0] for each in data_of(done)] == ["a", "o", "i"]

    job = await bot.ended(ada)
    assert job.steps[0].inputs == {"prompt": "a lighthouse at dusk", "steps": "20"}
    assert job.chat is not None
    assert job.chat.status_message_id == price["message_id"]
    assert await bot.balance(ada) == 95


async def test_all_in_one_message(bot: Bot) -> None:
    """A command with a text is an order, and somebody new has an account by it."""
    ada = bot.somebody()
    said = await ada.write("/art a lighthouse at dusk")
    assert words(await ada.next()) == PRICE

    job = await bot.ordered(ada)
    assert job.by == "telegram"
    assert job.chat is not None
    assert job.chat.telegram_message_id == said["message"]["message_id"]


async def test_a_link_opens_a_preset(bot: Bot) -> None:
    """`/start art` is what a link to a preset brings; one to nothing is a hello."""
    ada = bot.somebody()
    await ada.write("/start art")
    assert "Write it now: Prompt" in words(await ada.next())
    await ada.write("/start nothing")
    assert "Hello, Ada!" in words(await ada.next())


async def test_a_command_alone_asks(bot: Bot) -> None:
    """It shows the preset; what is written next is the prompt."""
    ada = bot.somebody()
    await ada.write("/ART")
    assert "Write it now: Prompt" in words(await ada.next())
    await ada.write("a lighthouse")
    assert words(await ada.next()) == PRICE
    await ada.write("another")
    assert "Choose what to make first" in words(await ada.next())


async def test_what_is_missing_is_asked_for(bot: Bot) -> None:
    """With a button for each choice; a wrong answer is refused, and the question stands."""
    ada = bot.somebody()
    await ada.write("/shaped the sea")
    asked = await ada.next()
    assert words(asked) == "Which value? Shape (square / wide)"
    assert [each["text"] for each in asked["buttons"]] == ["Square", "Wide"]

    await ada.write("round")
    refused = await ada.next()
    assert words(refused) == "Shape must be one of these: Square, Wide."
    assert data_of(refused) == ["n:0", "n:1"]
    await ada.tap("n:1")
    assert words(await ada.next()).startswith("Shaped picture: 5 credits")
    await ada.tap("n:1", message_id=asked["message_id"])
    assert (await ada.answered())["text"] == "This button is of no use any more."

    job = await bot.ordered(ada)
    assert job.steps[0].inputs == {"prompt": "the sea", "shape": "wide"}


async def test_an_answer_may_be_written(bot: Bot) -> None:
    """In the person's own words for it."""
    ada = bot.somebody("ru")
    await ada.write("/shaped море")
    await ada.next()
    await ada.write("широкий")
    assert words(await ada.next()).startswith("Shaped picture по-русски: 5 кредитов")


async def test_what_needs_nothing_is_a_tap(bot: Bot) -> None:
    """A preset without required inputs has a button to run it."""
    ada = bot.somebody()
    await ada.write("/surprise")
    card = await ada.next()
    assert data_of(card) == ["y:run:surprise"]
    await ada.tap("y:run:surprise")
    assert words(await ada.next()).startswith("Surprise: 5 credits")
    await ada.write("/surprise now")
    assert words(await ada.next()) == "Surprise takes no text, only what it names."


async def test_an_estimate_says_that_it_is_one(bot: Bot) -> None:
    """Before the first run nobody knows; later it is told from the last ones."""
    ada = bot.somebody()
    await ada.write("/by_cost")
    assert "10 credits are set aside until it is done" in words(await ada.next())
    await ada.write("the sea")
    said = words(await ada.next())
    assert said.startswith("By cost: about 10 credits; 10 credits are set aside")
    await bot.ended(ada)
    await ada.write("/by_cost")
    card = await ada.until("Price: about")
    assert "estimated from the last runs" in words(card)


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "/art sea --steps 5", "Steps must be at least 10."),
        ("ru", "/art море --steps 5", "Шаги: не меньше 10."),
        ("pt-br", "/art mar --steps many", "Steps: precisa ser um número inteiro."),
        ("en", "/art sea --stpes 30", "stpes: there is no such input."),
        ("en", "/art " + "a" * 10_000, "Prompt is too long; the greatest length is 1000."),
        (
            "en",
            "/dear sea",
            "That is not enough: 50 credits are missing. Your balance: 100 credits.",
        ),
        ("ru", "/dear море", "Не хватает: 50 кредитов. Ваш баланс: 100 кредитов."),
        ("en", "/secret sea", "There is no command /secret. See /presets."),
        ("en", "/elsewhere sea", "There is no command /elsewhere. See /presets."),
        ("en", "/nothing", "There is no command /nothing. See /presets."),
    ],
)
async def test_what_cannot_be_is_refused_before_money_moves(
    bot: Bot, language: str, text: str, said: str
) -> None:
    """In friendly words of the person's language, with the name and the bounds."""
    ada = bot.somebody(language)
    await ada.write(text)
    refused = await ada.next()

    assert words(refused) == said
    assert ("b:" in data_of(refused)) == ("/dear" in text)
    assert await bot.jobs(ada) == ()
    assert await bot.balance(ada) == 100


@pytest.mark.parametrize(
    "prompt",
    [
        "<b>bold</b> & <script>alert(1)</script> </blockquote>",
        "\u202egnol si siht\u202c \u200fabc",
        "🎨🌊🏠",
        "{title} %s {0}",
    ],
    ids=["html", "right to left", "emoji", "fields"],
)
async def test_a_strange_prompt_is_a_prompt(bot: Bot, prompt: str) -> None:
    """It goes to the engine as it was written, and breaks no message."""
    ada = bot.somebody()
    await ada.write(f"/art {prompt}")
    assert words(await ada.next()) == PRICE

    job = await bot.ended(ada)
    assert job.steps[0].inputs == {"prompt": prompt}
    assert job.status is JobStatus.COMPLETED


async def test_an_update_that_comes_twice_acts_once(bot: Bot) -> None:
    """However often Telegram brings it: one order, one message."""
    ada = bot.somebody()
    done = await ada.write("/art a lighthouse")
    await ada.next()
    await ada.repeat(done["update"], times=3)
    await ada.write("/help")
    await ada.until("How it works")
    await ada.repeat(done["update"])
    await ada.write("/balance")
    await ada.until("Your balance")

    assert len(await bot.jobs(ada)) == 1


async def test_a_blocked_person_gets_one_line(bot: Bot) -> None:
    """Whatever they write or tap."""
    ada = bot.somebody()
    await ada.write("/start")
    await ada.next()
    await bot.change(ada, blocked=True)

    await ada.write("/art sea")
    assert words(await ada.next()) == "Sorry, you cannot use this bot any more."
    await ada.tap("p:art")
    assert (await ada.answered())["show_alert"]
    assert await bot.jobs(ada) == ()


async def test_old_and_forged_buttons_get_an_answer(bot: Bot) -> None:
    """Nothing happens by them, and the waiting mark on the button goes away."""
    ada = bot.somebody()
    await ada.write("/start")
    await ada.next()
    forged = ["p:secret", "p:../../x", "n:0", "y:run:art", "zz", "l:xx", "a:1", "c:1", "o:1", "i:1"]
    for data in forged:
        await ada.tap(data, stale=True)
        assert (await ada.answered())["text"] in {
            "This button is of no use any more.",
            "Only who ordered this can do that.",
        }
    await ada.tap("m:99999", stale=True)
    assert (await ada.answered())["text"] == ""
    assert await bot.jobs(ada) == ()


async def test_there_is_help(bot: Bot) -> None:
    """/help names the commands, /presets shows what can be made, pages in place."""
    ada = bot.somebody()
    await ada.write("/help")
    assert "/balance: your credits" in words(await ada.next())
    await ada.write("/presets")
    shown = await ada.next()
    assert "There are 9 things that I can make:" in words(shown)
    assert data_of(shown)[-1] == "m:1"
    await ada.tap("m:1")
    second = await ada.edited()
    assert second["message_id"] == shown["message_id"]
    assert data_of(second) == ["p:surprise", "m:0"]


async def test_a_run_that_fails_says_so(bot: Bot) -> None:
    """It costs nothing, and can be ordered again."""
    ada = bot.somebody()
    await ada.write("/failing sea")
    failed = await ada.until("It failed")
    assert "Not charged" in words(failed)
    assert (await bot.ended(ada)).steps[0].outcome.status is RunStatus.FAILED  # pyright: ignore[reportOptionalMemberAccess] - it has ended
    assert await bot.balance(ada) == 100
