"""sandbox.telegram.membership: bots are kept out and let in, and groups are upgraded."""

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError, TelegramMigrateToChat

from tests.peers import Peers
from tests.sandbox.telegram.person import Person

pytestmark = pytest.mark.anyio


@pytest.fixture
def ada(peers: Peers) -> Person:
    """Return somebody."""
    return Person(peers, 7, name="Ada")


@pytest.mark.parametrize(
    ("chat", "reason"),
    [
        (7, "bot was blocked by the user"),
        (-500, "bot was kicked from the group chat"),
        (-1_001_234_567_890, "bot was kicked from the supergroup chat"),
    ],
)
async def test_a_bot_is_kept_out(bot: Bot, ada: Person, chat: int, reason: str) -> None:
    """It is told so, can do nothing there, and is told when it is let in again."""
    there = ada.at(chat)
    sent = await bot.send_message(chat, "hello")
    await there.block()
    for call in (bot.send_message(chat, "x"), sent.edit_text("x"), sent.delete()):
        with pytest.raises(TelegramForbiddenError, match=reason):
            await call
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await there.write("/start")
    await there.unblock()
    await bot.send_message(chat, "hello again")

    out, back = [each.my_chat_member for each in await bot.get_updates()]
    assert out is not None
    assert back is not None
    assert (out.chat.id, out.from_user.id) == (chat, 7)
    assert (out.old_chat_member.status, out.new_chat_member.status) == ("member", "kicked")
    assert (back.old_chat_member.status, back.new_chat_member.status) == ("kicked", "member")
    assert out.new_chat_member.user.id == bot.id


async def test_a_group_is_upgraded(bot: Bot, ada: Person) -> None:
    """The bot is told in both chats; the old one refuses, and names the new one."""
    group = ada.at(-500)
    await group.write("/start")
    new = await group.upgrade()
    _, here, there = await bot.get_updates()

    assert str(new).startswith("-100")
    assert here.message is not None
    assert there.message is not None
    assert (here.message.chat.id, here.message.migrate_to_chat_id) == (-500, new)
    assert (there.message.chat.id, there.message.migrate_from_chat_id) == (new, -500)
    with pytest.raises(TelegramMigrateToChat) as refused:
        await bot.send_message(-500, "x")
    assert refused.value.migrate_to_chat_id == new
    assert (await bot.send_message(new, "x")).chat.type == "supergroup"


@pytest.mark.parametrize("chat", [7, -1_001_234_567_890])
async def test_only_groups_are_upgraded(ada: Person, chat: int) -> None:
    """A private chat stays one, and a supergroup is one already."""
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await ada.at(chat).upgrade()


async def test_a_bot_cannot_change_what_others_wrote(bot: Bot, ada: Person) -> None:
    """Nor delete it in a group; in a private chat it can."""
    await ada.write("mine")
    await ada.at(-500).write("/mine")

    with pytest.raises(Exception, match="message can't be edited"):
        await bot.edit_message_text("yours", chat_id=7, message_id=1)
    with pytest.raises(Exception, match="message can't be deleted"):
        await bot.delete_message(-500, 1)
    assert await bot.delete_message(7, 1)
