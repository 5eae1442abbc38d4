"""sandbox.telegram.faults: every way a Bot API fails, as aiogram represents it."""

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    RestartingTelegram,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from tests.peers import Peers

pytestmark = pytest.mark.anyio

CHAT = 4711


@pytest.mark.parametrize(
    ("kind", "error", "sent"),
    [
        ("429", TelegramRetryAfter, False),
        ("429-bare", TelegramAPIError, False),
        ("429-zero", TelegramAPIError, False),
        ("403-blocked", TelegramForbiddenError, False),
        ("403-kicked", TelegramForbiddenError, False),
        ("403-deactivated", TelegramForbiddenError, False),
        ("400-migrate", TelegramMigrateToChat, False),
        ("400", TelegramBadRequest, False),
        ("401", TelegramUnauthorizedError, False),
        ("404", TelegramNotFound, False),
        ("409", TelegramConflictError, False),
        ("413-json", TelegramEntityTooLarge, False),
        ("413-html", ClientDecodeError, False),
        ("500", TelegramServerError, False),
        ("500-restart", RestartingTelegram, False),
        ("500-no-description", TypeError, False),
        ("502-html", ClientDecodeError, False),
        ("504-empty", ClientDecodeError, False),
        ("200-empty", ClientDecodeError, False),
        ("200-unparsable", ClientDecodeError, True),
        ("200-invalid-utf8", UnicodeDecodeError, True),
        ("sent-then-hang", TelegramNetworkError, True),
        ("sent-then-reset", TelegramNetworkError, True),
        ("hang", TelegramNetworkError, False),
        ("reset", TelegramNetworkError, False),
        ("cut", TelegramNetworkError, True),
    ],
)
async def test_fails_as_ordered(
    peers: Peers, bot: Bot, kind: str, error: type[Exception], *, sent: bool
) -> None:
    """Each failure is what aiogram makes of the real one, and some have sent the message."""
    await peers.control("telegram/faults", method="sendMessage", kind=kind)

    with pytest.raises(error) as caught:
        await bot.send_message(CHAT, "hello", request_timeout=1 if "hang" in kind else 10)

    assert type(caught.value) is error
    assert len(await peers.chat(CHAT)) == sent
    await bot.send_message(CHAT, "again")


async def test_tells_what_it_is_told_to(peers: Peers, bot: Bot) -> None:
    """Waits, new chats and sentences can be chosen."""
    await peers.control("telegram/faults", kind="429", retry_after=7)
    await peers.control("telegram/faults", kind="400-migrate", migrate_to_chat_id=-1007)
    await peers.control("telegram/faults", kind="400", description="Bad Request: so there")

    with pytest.raises(TelegramRetryAfter) as waiting:
        await bot.send_message(CHAT, "x")
    with pytest.raises(TelegramMigrateToChat) as moved:
        await bot.send_message(CHAT, "x")
    with pytest.raises(TelegramBadRequest, match="so there"):
        await bot.send_message(CHAT, "x")

    assert waiting.value.retry_after == 7
    assert moved.value.migrate_to_chat_id == -1007


async def test_fails_only_what_was_ordered(peers: Peers, bot: Bot) -> None:
    """A failure fits a method and a chat, so many times."""
    await peers.control("telegram/faults", method="sendMessage", chat_id=1, times=2, kind="500")

    await bot.send_message(2, "another chat")
    await bot.send_chat_action(1, "typing")
    await bot.send_message("@name", "no number")
    for _ in range(2):
        with pytest.raises(TelegramServerError):
            await bot.send_message(1, "x")
    await bot.send_message(1, "x")


async def test_is_down_when_told(peers: Peers, bot: Bot) -> None:
    """Down, everything gets the HTML of a proxy."""
    await peers.control("telegram", down=True)

    with pytest.raises(ClientDecodeError):
        await bot.get_me()


async def test_answers_late_when_told(peers: Peers, bot: Bot) -> None:
    """A delayed call has taken effect before it is answered."""
    sent = await bot.send_message(CHAT, "on time")
    await peers.control("telegram", send_delay=30, edit_delay=30)
    url, there = f"{peers.telegram}/bot42:secret", {"chat_id": CHAT, "text": "late"}

    for method in ("sendMessage", "editMessageText"):
        call = {**there, "message_id": sent.message_id}
        with pytest.raises(httpx.ReadTimeout):
            await peers.client.post(f"{url}/{method}", json=call, timeout=0.3)
    assert await bot.get_me()

    assert [one["text"] for one in await peers.chat(CHAT)] == ["late", "late"]
