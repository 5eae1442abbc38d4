"""What ComfyUI makes, as a person sees it: no other way than what ComfyDeploy makes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from app.ports import PresetWrite
from processors.presets import writing
from schemas.preset import Preset
from tests.conversation.presets import PARTNERS
from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import Person, words
from tests.sandbox.telegram.pictures import a_picture

pytestmark = pytest.mark.anyio


SERVER = "comfyui/1"
"""The only one that the service has, with one slot."""


@asynccontextmanager
async def held(bot: Bot) -> AsyncGenerator[None]:
    """Have no node end that the server begins meanwhile."""
    await bot.peers.control(SERVER, hold="*")
    try:
        yield
    finally:
        await bot.peers.control(SERVER, hold=None)


async def partner(bot: Bot, language: str = "en") -> Person:
    """Return somebody who may use workflows, and whom the bot has greeted."""
    ada = bot.somebody(language)
    await ada.write("/start")
    await ada.next()
    await bot.change(ada, roles=(PARTNERS,))
    return ada


async def preset(bot: Bot, name: str) -> Preset:
    """Return a preset as it is stored."""
    found = await bot.store.presets.get(name)
    assert found is not None
    return found


async def test_words_become_a_picture(bot: Bot) -> None:
    """The price is said, the picture comes with what was asked for, and the credits are taken."""
    ada = await partner(bot)
    await ada.write("/lighthouse a lighthouse at dusk --steps 3")
    assert words(await ada.next()) == "Picture by ComfyUI: 5 credits (balance after: 95 credits)"

    done = await ada.until("Done")
    job = await bot.ended(ada)
    made = await bot.store.generations.get(job.steps[0].generation)

    assert "a lighthouse at dusk" in words(done)
    assert (done["kind"], await bot.balance(ada)) == ("photo", 95)
    assert made is not None
    request = made.request_payload
    prompt = writing.main(await preset(bot, "lighthouse"))
    assert prompt is not None
    assert (made.engine, request.prompt_input) == ("comfyui", prompt.key)
    assert request.inputs["3/steps"] == 3
    assert (made.attempt, made.max_attempts, made.slot) == (1, 3, None)


async def test_a_picture_becomes_another(bot: Bot) -> None:
    """It is handed to the server, which knows nothing of addresses."""
    ada = await partner(bot)
    await ada.photo(a_picture(), "/negative")
    assert words(await ada.next()) == "Negative: 1 credit (balance after: 99 credits)"

    done = await ada.until("Done")

    assert done["kind"] == "photo"
    assert (await bot.ended(ada)).price == 1


async def test_who_waits_reads_their_place(bot: Bot) -> None:
    """In their language, while another's run has the only slot; then it goes on by itself."""
    ada, bea = await partner(bot), await partner(bot, "ru")
    async with held(bot):
        await ada.write("/lighthouse a sea")
        await ada.until("Running")
        await bea.write("/lighthouse море")
        await bea.until("место в очереди: 1")
        [job] = await bot.jobs(bea)
        answer = await bot.service.call("GET", f"/api/jobs/{job.id}")

    [shown] = answer.json()["generations"]
    assert (shown["status"], shown["queuePosition"]) == ("pending", 1)
    assert shown["expectedStartAt"] is not None
    await bea.until("Готово")
    await ada.until("Done")


async def test_a_run_that_the_server_lost_is_tried_again(bot: Bot) -> None:
    """The person reads so, and gets their picture, for its price."""
    ada = await partner(bot)
    async with held(bot):
        await ada.write("/lighthouse a hill")
        await ada.until("Running")
        await bot.peers.control(f"{SERVER}/acts", act="restart")
        again = await ada.until("attempt 2 of 3")
    done = await ada.until("Done")
    job = await bot.ended(ada)

    assert "The server has lost this. Trying again: attempt 2 of 3." in words(again)
    assert (done["kind"], await bot.balance(ada)) == ("photo", 95)
    made = await bot.store.generations.get(job.steps[0].generation)
    assert made is not None
    assert (made.attempt, len({each.run_id for each in made.runs})) == (2, 2)


async def test_a_workflow_that_is_refused_is_told_with_the_node(bot: Bot) -> None:
    """In the server's words, once; the credits are back."""
    known = await preset(bot, "lighthouse")
    wrong = known.change(
        name="refused",
        inputs=known.inputs[:1],
        constants={**known.constants, "3/steps": 0},
    )
    await bot.store.presets.write([PresetWrite(None, wrong)])
    ada = await partner(bot)
    await ada.write("/refused a sea")
    failed = await ada.until("It failed")
    job = await bot.ended(ada)
    made = await bot.store.generations.get(job.steps[0].generation)

    assert "The engine says: Sampler: steps: Value 0 smaller than min of 1" in words(failed)
    assert "It was tried" not in words(failed)
    assert made is not None
    assert (made.attempt, await bot.balance(ada)) == (1, 100)
