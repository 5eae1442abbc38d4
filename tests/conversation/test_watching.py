"""Orders under way and done, in the bot's conversation."""

import pytest

from schemas.job import JobId, JobStatus
from tests.builders import a_job, a_step
from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import Person, data_of, words
from tests.service import until

pytestmark = pytest.mark.anyio


async def an_endless_order(ada: Person) -> None:
    """Order something that goes on until it is cancelled; wait for its button."""
    await ada.write("/endless sea")
    await ada.until(lambda message: any(each.startswith("c:") for each in data_of(message)))


async def test_cancel(bot: Bot) -> None:
    """The button answers at once; the order ends, and costs nothing."""
    ada = bot.somebody()
    await an_endless_order(ada)
    await ada.tap(text="✖️ Cancel")
    assert (await ada.answered())["text"] == "Being cancelled…"
    await ada.until("Cancelled")

    job = await bot.ended(ada)
    assert job.status is JobStatus.CANCELLED
    assert await bot.balance(ada) == 100
    await ada.tap(f"c:{job.id}", stale=True)
    assert (await ada.answered())["text"] == "It is over already."


async def test_others_cannot(bot: Bot) -> None:
    """Not cancel, not repeat, not look: in a group everybody sees the buttons."""
    ada, bea = bot.somebody(), bot.somebody(name="Bea")
    await ada.write("/endless sea")
    await ada.next()
    job = await bot.ordered(ada)
    await bea.write("/start")
    await bea.next()
    for press in "caoi":
        await bea.tap(f"{press}:{job.id}", stale=True)
        assert await bea.answered() == {
            **(await bea.seen())[-1],
            "text": "Only who ordered this can do that.",
            "show_alert": True,
        }

    assert await bot.jobs(bea) == ()
    await ada.write("/cancel")
    await bot.ended(ada)


async def test_the_command_takes_a_question_back(bot: Bot) -> None:
    """Before it cancels anything; without one and without orders there is nothing to do."""
    ada = bot.somebody()
    await ada.write("/cancel")
    assert words(await ada.next()) == "Nothing is under way."
    await ada.write("/art")
    await ada.next()
    await ada.write("/cancel")
    assert words(await ada.next()) == "Never mind, then. Nothing was ordered."


async def test_the_command_cancels(bot: Bot) -> None:
    """Of several orders the one that is chosen; the last one without a question."""
    ada = bot.somebody()
    await ada.write("/endless one")
    await ada.next()
    await ada.write("/endless two")
    await ada.write("/cancel")
    asked = await ada.until("Which one shall be cancelled?")
    assert [each["text"] for each in asked["buttons"]] == ["✖️ Endless: two", "✖️ Endless: one"]
    await ada.tap(text="✖️ Endless: two", message_id=asked["message_id"])
    assert (await ada.answered())["text"] == "Being cancelled…"
    await ada.write("/cancel")
    await ada.until("Being cancelled…")
    await bot.ended(ada, 2)


async def test_again(bot: Bot) -> None:
    """The same once more, at the same price; a double tap makes one order."""
    ada = bot.somebody()
    await ada.write("/art a lighthouse --steps 20")
    done = await ada.until("Done")
    for _ in range(2):
        await ada.tap(text="🔁 Again", message_id=done["message_id"])
    again = await ada.until("Picture: 5 credits (balance after: 90 credits)")
    assert again["message_id"] != done["message_id"]
    await ada.until("Done")

    newest = await bot.ended(ada, 2)
    assert newest.steps[0].inputs == {"prompt": "a lighthouse", "steps": "20"}
    assert await bot.balance(ada) == 90


async def test_info_and_the_original(bot: Bot) -> None:
    """All that a person may know of an order, and the file as the engine made it."""
    ada = bot.somebody()
    await ada.write("/art a <b>lighthouse</b> --steps 20")
    done = await ada.until("Done")
    job = await bot.ended(ada)
    await ada.tap(text="ℹ️ Info", message_id=done["message_id"])  # noqa: RUF001 - an emoji
    info = await ada.until(job.id)
    for said in ("Picture", "✅ Done", "Price: 5 credits", "prompt: a <b>lighthouse</b>"):
        assert said in words(info)
    assert "steps: 20" in words(info)
    assert job.steps[0].generation in words(info)
    assert "$" not in words(info)

    await until(lambda: bot.kept(job), bool)
    await ada.tap(text="📎 Original file", message_id=done["message_id"])
    file = await ada.until(lambda message: message["kind"] == "document")
    assert (await ada.file(file)).startswith(b"\x89PNG")


async def test_history(bot: Bot) -> None:
    """Five orders on a page, the newest first; pages turn in place, numbers lead to the details."""
    ada = bot.somebody()
    await ada.write("/history")
    assert words(await ada.next()) == "You have not ordered anything yet. See /presets."
    user = await bot.user(ada)
    for number in range(6):
        step = a_step(preset="art", inputs={"prompt": f"picture {number}"})
        id_ = JobId(f"{user.id[:31]}{number}")
        job = a_job(id=id_, user_id=user.id, steps=(step,), status=JobStatus.COMPLETED, owed=())
        assert await bot.store.jobs.insert(job)
    await ada.write("/history")
    first = await ada.until("Your orders")
    assert "picture 5" in words(first)
    assert "picture 0" not in words(first)
    assert "1. ✅ Picture" in words(first)

    await ada.tap(text="▶️ Older")
    second = await ada.until("picture 0")
    assert second["message_id"] == first["message_id"]
    assert [each["text"] for each in second["buttons"]] == ["1", "⏮ Newest"]
    await ada.tap(text="1", message_id=second["message_id"])
    assert "prompt: picture 0" in words(await ada.until("Order:"))
    await ada.tap(text="⏮ Newest", message_id=second["message_id"])
    assert "picture 5" in words(await ada.edited())


async def test_balance(bot: Bot) -> None:
    """What there is, and where it went."""
    ada = bot.somebody()
    await ada.write("/art a lighthouse")
    await ada.until("Done")
    await bot.ended(ada)
    await ada.write("/balance")
    said = words(await ada.until("Your balance"))
    assert "Your balance: 95 credits" in said
    assert "an order ended: 5 credits taken, 0 credits came back" in said
    assert "set aside for an order: −5 credits" in said  # noqa: RUF001 - a minus
    assert "a welcome: +100 credits" in said


async def test_a_person_who_leaves(bot: Bot) -> None:
    """Whoever blocks the bot mid-run is served again when they come back."""
    ada = bot.somebody()
    await ada.write("/endless sea")
    await ada.next()
    await ada.block()
    await ada.unblock()
    await ada.write("/cancel")
    await ada.until("Being cancelled…")
    await bot.ended(ada)
