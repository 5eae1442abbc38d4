"""What people write to the bot, by webhook and by polling, while the service is killed."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import BOT_TOKEN, Service, a_service, until

pytestmark = pytest.mark.anyio

SECRET = "the-secret-token-that-telegram-has"


@pytest.fixture(params=["webhook", "polling"])
async def bot(
    request: pytest.FixtureRequest, peers: Peers, mongod: SharedMongod, folder: Path
) -> AsyncGenerator[Service]:
    """A service of the test's own, its updates coming in either way."""
    await peers.control("reset")
    name = f"updates_{request.param}"
    async with a_service(
        folder, peers, mongod.uri, f"{name}_{folder.parent.name[-20:]}"
    ) as service:
        service.environ |= {"TELEGRAM_UPDATES": request.param, "TELEGRAM_WEBHOOK_SECRET": SECRET}
        await service.start()
        yield service
        # Shown where the test has failed.
        sys.stdout.write(service.printed[-8000:])
        assert "telegram_conflict" not in service.printed, "another service took updates as well"
    await peers.control("reset")


async def test_case_50_an_update_acts_once_whatever_crashes(
    bot: Service, peers: Peers, chat: int
) -> None:
    """Repeated, out of order, written while nobody listens, cut off half way: each is answered."""
    await receives(bot, peers)
    # Telegram gives out no id again that is smaller than one that was confirmed.
    for number in (12, 11, 12) if bot.environ["TELEGRAM_UPDATES"] == "webhook" else (11, 12, 12):
        await peers.control("telegram/updates", update=a_message(number, chat))
    await until(lambda: peers.chat(chat), lambda said: len(said) == 2)

    hang = {"method": "sendMessage", "chat_id": chat, "kind": "hang"}
    await peers.control("telegram/faults", **hang)
    await peers.control("telegram/updates", update=a_message(13, chat))
    await until(lambda: calls(peers, chat), lambda made: len(made) == 3)
    await bot.kill()
    await peers.control("telegram/updates", update=a_message(14, chat))
    await bot.start()

    said = await until(lambda: peers.chat(chat), lambda said: len(said) == 4)
    assert len({each["message_id"] for each in said}) == 4
    assert await bot.metric("telegram_updates_total", result="dead") == 0
    assert "what a person wrote" not in bot.printed


async def test_case_19_a_wrong_secret_is_401(bot: Service, peers: Peers) -> None:
    """None, a wrong one, one that is no ASCII; where nothing is brought there is no door."""
    await receives(bot, peers)
    way = bot.environ["TELEGRAM_UPDATES"]
    refused = 401 if way == "webhook" else 404
    async with httpx.AsyncClient(trust_env=False) as client:
        for secret in (None, b"wrong", b"\xfc\xff"):
            headers = {} if secret is None else {b"X-Telegram-Bot-Api-Secret-Token": secret}
            answer = await client.post(f"{bot.url}/webhook", content=b"[]", headers=headers)
            assert answer.status_code == refused
        right = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        answer = await client.post(f"{bot.url}/webhook", content=b"[]", headers=right)
    assert answer.status_code == (200 if way == "webhook" else 404)
    assert SECRET not in bot.printed


async def receives(bot: Service, peers: Peers) -> None:
    """Wait until updates come in."""
    way = bot.environ["TELEGRAM_UPDATES"]
    if way == "polling":
        await until(lambda: calls(peers, None, "getUpdates"), bool)
        return

    async def hook() -> str:
        answer = await bot.client.get(f"{peers.telegram}/bot{BOT_TOKEN}/getWebhookInfo")
        return answer.json()["result"]["url"]

    await until(hook, lambda url: url == f"{bot.url}/webhook")


async def calls(peers: Peers, chat: int | None, method: str = "sendMessage") -> list[Json]:
    """Return the calls of a method made so far."""
    made: list[Json] = await peers.look("telegram/requests")
    return [each for each in made if (each["method"], each["chat_id"]) == (method, chat)]


def a_message(number: int, chat: int) -> Json:
    """A message as Telegram tells of it."""
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_767_268_800,
            "chat": {"id": chat, "type": "private", "first_name": "A"},
            "from": {"id": chat, "is_bot": False, "first_name": "A"},
            "text": "what a person wrote",
        },
    }
