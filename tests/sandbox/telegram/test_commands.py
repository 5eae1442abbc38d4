"""sandbox.telegram.commands: what a bot offers, by scope and language."""

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats

pytestmark = pytest.mark.anyio

START = BotCommand(command="start", description="Start")


async def test_lists_are_kept_apart(bot: Bot) -> None:
    """Each scope and language has its own; one that was not set is empty."""
    groups = BotCommandScopeAllGroupChats()
    await bot.set_my_commands([START])
    await bot.set_my_commands([START, START], language_code="ru", scope=groups)

    assert [each.command for each in await bot.get_my_commands()] == ["start"]
    assert len(await bot.get_my_commands(language_code="ru", scope=groups)) == 2
    assert await bot.get_my_commands(language_code="ru") == []
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == []


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ([BotCommand(command="Start", description="x")], "BOT_COMMAND_INVALID"),
        ([BotCommand(command="start", description="")], "BOT_COMMAND_DESCRIPTION_INVALID"),
        (101 * [START], "can't parse"),
    ],
)
async def test_odd_ones_are_refused(bot: Bot, commands: list[BotCommand], reason: str) -> None:
    """Names are of small letters, digits and _, and there are 100 at most."""
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.set_my_commands(commands)
