"""tests.sandbox.telegram.person: the test client misses nothing, and says what it waited for."""

import asyncio

import pytest
from aiogram import Bot

from tests.peers import Peers
from tests.sandbox.telegram import person
from tests.sandbox.telegram.person import Person

pytestmark = pytest.mark.anyio


async def test_reads_in_order_and_waits(peers: Peers, bot: Bot) -> None:
    """What came before is read first; what is still to come is waited for."""
    ada = Person(peers, 7)
    sent = await bot.send_message(7, "0 %")
    await sent.edit_text("50 %")
    await ada.write("hello")
    assert (await ada.next())["text"] == "0 %"
    assert (await ada.edited())["text"] == "50 %"
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(ada.until(lambda message: "100" in person.words(message)))
        await sent.edit_text("99 %")
        await sent.edit_text("100 %")

    assert waiting.result()["edits"] == 3


async def test_says_what_it_heard_instead(peers: Peers, bot: Bot) -> None:
    """Whoever waits in vain is told what the bot did."""
    await bot.send_message(7, "hm")
    await bot.delete_message(7, 1)

    with pytest.raises(AssertionError, match=r"quiet after .*message: 'hm'"):
        await Person(peers, 7, patience=0).until("hello")
