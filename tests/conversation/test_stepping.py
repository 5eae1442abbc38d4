"""Orders of several steps, in the bot's conversation."""

import pytest

from schemas.job import JobStatus
from tests.conversation.presets import TAILORS
from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import Person, data_of, words

pytestmark = pytest.mark.anyio


async def a_tailor(bot: Bot) -> Person:
    """Somebody who may order what is made of several steps."""
    ada = bot.somebody()
    await ada.write("/start")
    await ada.next()
    await bot.change(ada, roles=(TAILORS,))
    return ada


async def asked(ada: Person, step: str = "Step 1 of 2 is done: Picture") -> int:
    """Wait until an order asks whether to go on; return the message with the buttons."""
    message = await ada.until(lambda each: step in words(each) and any(data_of(each)))
    return message["message_id"]


async def test_a_manual_order_goes_on_at_a_tap(bot: Bot) -> None:
    """Its picture comes with each step, one message shows how far it is, one says its end."""
    ada = await a_tailor(bot)
    await ada.write("/dressed a lighthouse")
    first = await asked(ada)
    await ada.tap(text="▶️ Continue", message_id=first)
    assert (await ada.answered())["text"] == "Going on with step 2…"
    done = await ada.until("Price: 10 credits")
    assert "Done" in words(done)

    job = await bot.ended(ada)
    assert job.status is JobStatus.COMPLETED
    assert await bot.balance(ada) == 90
    for data in (f"s:{job.id}:1", f"g:{job.id}:2", f"g:{job.id}:1"):
        await ada.tap(data, message_id=first, stale=True)
        assert (await ada.answered())["text"] == "It is over already."

    await ada.tap(f"i:{job.id}", message_id=first, stale=True)
    info = await ada.until(job.id)
    assert "Picture, 2 steps" in words(info)
    assert "2. Another picture: Done" in words(info)
    await ada.tap(f"a:{job.id}", message_id=first, stale=True)
    assert (await ada.answered())["text"] == "Ordered again; set aside: 10 credits"


async def test_an_order_that_waits_can_end_there(bot: Bot) -> None:
    """What is left of its credits comes back."""
    ada = await a_tailor(bot)
    await ada.write("/dressed a lighthouse")
    first = await asked(ada)
    for press in "gs":
        (job,) = await bot.jobs(ada)
        await ada.tap(f"{press}:{job.id}:2", message_id=first, stale=True)
        assert (await ada.answered())["text"] == "It does not wait there any more."
    await ada.tap(text="⏹ Stop here", message_id=first)
    assert (await ada.answered())["text"] == "Stopping here…"
    end = await ada.until("Stopped after step 1 of 2")
    assert "Charged: 5 credits for step 1" in words(end)

    assert (await bot.ended(ada)).status_reason == "stopped"
    assert await bot.balance(ada) == 95


async def test_a_step_that_failed_is_ordered_again(bot: Bot) -> None:
    """Once, however often its button is tapped; what was made before is not paid again."""
    ada = await a_tailor(bot)
    await ada.write("/in_vain a lighthouse")
    failed = await ada.until("Step 2 of 2 failed")
    assert "Charged: 5 credits for step 1" in words(failed)
    job = await bot.ended(ada)
    for _ in range(2):
        await ada.tap(f"r:{job.id}:2", message_id=failed["message_id"])
    assert (await ada.answered())["text"] == "Ordered again; set aside: 5 credits"

    again = await bot.ended(ada, 2)
    assert (again.goes_on, again.first, len(again.steps)) == (job.id, 2, 1)
    assert await bot.balance(ada) == 95


async def test_what_names_no_step_of_theirs_does_nothing(bot: Bot) -> None:
    """Whatever a button is made to carry."""
    ada, bea = bot.somebody(), bot.somebody(name="Bea")
    await ada.write("/art a lighthouse")
    await ada.until("Done")
    job = await bot.ended(ada)
    await bea.write("/start")
    await bea.next()
    for tapped, said in (
        (ada.tap(f"r:{job.id}:7", stale=True), "This button is of no use any more."),
        (ada.tap("g:nonsense", stale=True), "This button is of no use any more."),
    ):
        await tapped
        assert (await ada.answered())["text"] == said
    for press in "gsr":
        await bea.tap(f"{press}:{job.id}:1", stale=True)
        assert (await bea.answered())["text"] == "Only who ordered this can do that."

    assert len(await bot.jobs(ada)) == 1
