"""What ComfyUI makes, as a person sees it: no other way than what ComfyDeploy makes."""

import pytest

from processors.presets import writing
from schemas.preset import Preset
from tests.conversation.presets import PARTNERS
from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import Person, words
from tests.sandbox.telegram.pictures import a_picture

pytestmark = pytest.mark.anyio


async def partner(bot: Bot) -> Person:
    """Return somebody who may use workflows, and whom the bot has greeted."""
    ada = bot.somebody()
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
