"""Updates from end to end: the sandbox's Bot API, the real mongod, the real dispatcher."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from app.clock import Clock
from app.observability.metrics import Metrics
from app.store.chats import MongoChats
from app.store.connection import Connection
from app.store.conversations import MongoConversations
from app.store.leases import MongoLeases
from app.store.updates import MongoUpdates
from app.store.users import MongoUsers
from app.telegram.around import Around
from app.telegram.handling import Handling
from app.telegram.receiving import Way
from app.telegram.reception import Reception
from app.telegram.sender import Sender
from app.usecases.take_updates import TakeUpdates
from schemas.base import InstanceName
from schemas.timing import Timing
from tests.app.telegram.conditions import until_async
from tests.app.telegram.conftest import TOKEN
from tests.app.telegram.fakes import FakeAlerts, FakeFetch
from tests.app.telegram.setting import FREE
from tests.databases import a_database
from tests.peers import Json, Peers

pytestmark = pytest.mark.anyio

QUICK = Timing(
    sweep_every=timedelta(milliseconds=50),
    sender_lease=timedelta(seconds=2),
    poll_wait=timedelta(seconds=1),
    webhook_every=timedelta(milliseconds=100),
    retry=(timedelta(milliseconds=20),),
)
POLLING = Way("polling", "", "")


@dataclass
class Process:
    """One process that receives and handles updates."""

    reception: Reception
    sender: Sender
    take: TakeUpdates
    alerts: FakeAlerts
    metrics: Metrics

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.run())
            group.create_task(self.reception.run())

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run for the length of the block, and then be cut off."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.run())
            yield
            task.cancel()


def a_process(
    connection: Connection,
    peers: Peers,
    name: str = "one",
    way: Way = POLLING,
    token: str = TOKEN,
    *,
    given: Mapping[str, object] | None = None,
) -> Process:
    """Return a process on this database and this Bot API."""
    leases, chats, updates = (
        MongoLeases(connection),
        MongoChats(connection),
        MongoUpdates(connection),
    )
    clock, alerts, metrics, me = Clock(), FakeAlerts(), Metrics(), InstanceName(name)
    sender = Sender(
        token=token,
        api_url=peers.telegram,
        me=me,
        leases=leases,
        chats=chats,
        clock=clock,
        alerts=alerts,
        fetch=FakeFetch(),
        timing=QUICK,
        metrics=metrics,
        pace=FREE,
    )
    handling = Handling(updates, me=me, clock=clock, timing=QUICK, metrics=metrics, alerts=alerts)
    take = TakeUpdates(
        updates,
        wake=handling.wake,
        at_once=handling.at_once,
        clock=clock,
        timing=QUICK,
        metrics=metrics,
    )
    reception = Reception(
        token=token,
        api_url=peers.telegram,
        me=me,
        way=way,
        take=take.take,
        handling=handling,
        sender=sender,
        leases=leases,
        around=Around(
            conversations=MongoConversations(connection),
            chats=chats,
            users=MongoUsers(connection),
            clock=clock,
            given=given or {},
        ),
        clock=clock,
        alerts=alerts,
        timing=QUICK,
        metrics=metrics,
    )
    return Process(reception, sender, take, alerts, metrics)


@pytest.fixture
async def connection(mongo_uri: str) -> AsyncGenerator[Connection]:
    """An empty database."""
    async with a_database(mongo_uri) as connection:
        yield connection


def said(peers: Peers, chat_id: int, n: int) -> Callable[[], Awaitable[bool]]:
    """Return whether so many messages of ours stand in a chat."""

    async def look() -> bool:
        return len(await peers.chat(chat_id)) >= n

    return look


def over(connection: Connection, n: int) -> Callable[[], Awaitable[bool]]:
    """Return whether so many updates have been handled, and no more are open."""

    async def look() -> bool:
        updates = connection.collection("updates")
        ended = await updates.count_documents({"open": False})
        return ended >= n and await updates.count_documents({"open": True}) == 0

    return look


async def test_whoever_writes_is_answered(peers: Peers, connection: Connection) -> None:
    """What nobody understands gets a friendly answer; a press too; a group is left in peace."""
    # As BotFather lets a bot hear everything that is said in a group.
    await peers.control("telegram", privacy=False)
    process = a_process(connection, peers)
    async with process.running():
        await peers.control("telegram/updates", chat_id=5, text="what is this")
        await peers.control("telegram/updates", chat_id=-5, user_id=5, text="talk among us")
        await peers.control("telegram/updates", chat_id=5, data="x:1")
        await until_async(over(connection, 3))

    [answer] = await peers.chat(5)
    assert "/help" in answer["text"]
    assert await peers.chat(-5) == []
    methods = [each["method"] for each in await peers.look("telegram/requests")]
    assert methods[0] == "deleteWebhook"
    assert "answerCallbackQuery" in methods
    assert process.alerts.slugs == []


async def test_a_repeated_update_acts_once(peers: Peers, connection: Connection) -> None:
    """However often it comes, and in whatever order ids do."""
    process = a_process(connection, peers)
    async with process.running():
        for number in (12, 11, 12, 11, 12):
            await peers.control("telegram/updates", update=a_message(number))
        await until_async(said(peers, 5, 2))
        await until_async(over(connection, 2))

    assert len(await peers.chat(5)) == 2


async def test_what_was_fetched_before_a_crash_is_handled_after_it(
    peers: Peers, connection: Connection
) -> None:
    """Stored, and its process gone: another handles it, in order."""
    dead = a_process(connection, peers, "dead")
    for number in (3, 1, 2):
        await dead.take.take(json.dumps(a_message(number)).encode())
    async with a_process(connection, peers, "heir").running():
        await until_async(over(connection, 3))

    handled = connection.collection("updates").find().sort("endedAt", 1)
    assert [each["_id"] for each in await handled.to_list(None)] == [1, 2, 3]
    assert len(await peers.chat(5)) == 3


async def test_a_stop_finishes_what_was_begun(peers: Peers, connection: Connection) -> None:
    """And leaves the rest to the next life."""
    process = a_process(connection, peers)
    await peers.control("telegram", send_delay=0.3)

    async def begun() -> bool:
        asked = await peers.look("telegram/requests")
        return "sendMessage" in [each["method"] for each in asked]

    async with process.running():
        await peers.control("telegram/updates", chat_id=5, text="hello")
        await until_async(begun)
        await process.reception.drain()
        await process.take.take(json.dumps(a_message(9)).encode())

    kept = connection.collection("updates")
    assert await kept.count_documents({"open": False}) == 1
    assert await kept.count_documents({"open": True, "tries": 0}) == 1


async def test_of_two_processes_one_fetches(peers: Peers, connection: Connection) -> None:
    """Telegram is never asked by both at once; both may handle."""
    one, two = a_process(connection, peers, "one"), a_process(connection, peers, "two")
    async with one.running(), two.running():
        for number in range(1, 21):
            await peers.control("telegram/updates", chat_id=number, text="hello")
        await until_async(over(connection, 20))

    for number in range(1, 21):
        assert len(await peers.chat(number)) == 1
    assert [*one.alerts.slugs, *two.alerts.slugs] == []


async def test_a_chat_that_blocks_and_lets_in_again_is_booked(
    peers: Peers, connection: Connection
) -> None:
    """And so is a group with a new id, told by either of its ids."""
    chats = connection.collection("chats")

    async def refuses() -> bool:
        known: Json | None = await chats.find_one({"_id": 5})
        return known is not None and "blockedAt" in known

    async def lets_in() -> bool:
        return not await refuses()

    process = a_process(connection, peers)
    async with process.running():
        await peers.control("telegram/updates", update=a_membership(21, "kicked"))
        await until_async(refuses)
        await peers.control("telegram/updates", update=a_membership(22, "member"))
        await until_async(lets_in)
        moved = a_message(23, chat=-7, migrate_to_chat_id=-1007)
        came = a_message(24, chat=-1008, migrate_from_chat_id=-8)
        await peers.control("telegram/updates", update=moved)
        await peers.control("telegram/updates", update=came)
        await until_async(over(connection, 4))

    assert await MongoChats(connection).current(-7) == -1007
    assert await MongoChats(connection).current(-8) == -1008


async def test_what_is_no_message_is_kept_and_passed_over(
    peers: Peers, connection: Connection
) -> None:
    """A message without its parts, and a kind that nobody knows yet."""
    process = a_process(connection, peers)
    async with process.running():
        await peers.control("telegram/updates", update={"update_id": 31, "message": {"chat": 1}})
        await peers.control("telegram/updates", update={"update_id": 32, "news_of_2030": {}})
        await until_async(over(connection, 2))

    kept = await connection.collection("updates").find_one({"_id": 31})
    assert kept is not None
    assert b'"chat": 1' in kept["raw"]
    assert 'result="malformed"' in process.metrics.render().decode()


async def test_a_webhook_is_set_with_all_it_needs(peers: Peers, connection: Connection) -> None:
    """By one process, and nothing is fetched."""
    way = Way("webhook", "https://relay.test/webhook", "the-secret")

    async def is_set() -> bool:
        answer = await peers.client.get(f"{peers.telegram}/bot{TOKEN}/getWebhookInfo")
        return answer.json()["result"]["url"] == way.url

    async with a_process(connection, peers, way=way).running():
        await until_async(is_set)

    methods = [each["method"] for each in await peers.look("telegram/requests")]
    assert "getUpdates" not in methods


async def test_a_token_that_is_none_holds_nothing_else_up(
    peers: Peers, connection: Connection
) -> None:
    """Nothing is received; the sender says why."""
    process = a_process(connection, peers, token="no token")

    async def told() -> bool:
        return "telegram_token" in process.alerts.slugs

    async with process.running():
        await until_async(told)


def a_message(number: int, chat: int = 5, **fields: object) -> Json:
    """A message as Telegram tells of it."""
    kind = "private" if chat > 0 else "supergroup"
    body: dict[str, Any] = {
        "message_id": number,
        "date": 1_767_268_800,
        "chat": {"id": chat, "type": kind, "title": "A chat"},
        "from": {"id": 5, "is_bot": False, "first_name": "A"},
    }
    return {"update_id": number, "message": body | (fields or {"text": "hello"})}


def a_membership(number: int, status: str) -> Json:
    """What Telegram tells when somebody blocks the bot, or lets it in again."""
    bot: Json = {"id": 4711, "is_bot": True, "first_name": "Bot"}
    rights = {"until_date": 0} if status == "kicked" else {}
    return {
        "update_id": number,
        "my_chat_member": {
            "chat": {"id": 5, "type": "private", "first_name": "A"},
            "from": {"id": 5, "is_bot": False, "first_name": "A"},
            "date": 1_767_268_800,
            "old_chat_member": {"user": bot, "status": "left"},
            "new_chat_member": {"user": bot, "status": status} | rights,
        },
    }
