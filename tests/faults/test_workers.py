"""Workers do what is owed, whichever of them, Redis or orders come and go."""

import re
import signal
from collections.abc import AsyncGenerator, Iterator
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

from schemas.job import JobId
from tests.faults.fleet import SELDOM, Fleet, a_fleet
from tests.faults.jobs import Order, a_shop, ordered, paid_once, somebody
from tests.faults.proxy import Proxy, a_proxy
from tests.faults.test_updates import SECRET, a_message
from tests.faults.witness import Witness, a_witness
from tests.mongo import SharedMongod
from tests.peers import Json, Peers, a_sandbox
from tests.redis import SharedRedis, a_redis
from tests.service import Program, a_service, until

pytestmark = pytest.mark.anyio

DATABASE = "workers"
KILLS = 2
NOWHERE = "redis://:a-password-that-nobody-may-read@127.0.0.1:9/0"


@pytest.fixture(scope="module")
def redis() -> Iterator[SharedRedis]:
    """A redis-server that tests may kill, if they start it again."""
    with a_redis() as own:
        yield own


@pytest.fixture(scope="module")
async def shared_fleet(
    redis: SharedRedis,
    mongod: SharedMongod,
    sandbox: Peers,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Fleet]:
    """The service and the two workers that most tests share."""
    folder = tmp_path_factory.mktemp("workers") / "data"
    async with a_fleet(folder, sandbox, mongod, DATABASE, redis_url=redis.url) as fleet:
        yield fleet


@pytest.fixture
async def fleet(shared_fleet: Fleet, peers: Peers) -> Fleet:
    """The service and both workers, which run; tests may kill and stop the workers."""
    del peers  # It is put right after each test.
    if not shared_fleet.service.runs:
        await shared_fleet.start()
    for worker in shared_fleet.workers:
        if not worker.runs:
            await worker.start()
    return shared_fleet


@pytest.fixture
async def witness(fleet: Fleet, peers: Peers, mongod: SharedMongod) -> AsyncGenerator[Witness]:
    """Who sees what became of what was ordered of the fleet."""
    async with a_witness(fleet.service, peers, mongod.uri, DATABASE) as seeing:
        yield seeing


async def test_the_service_answers_and_workers_do_the_rest(
    fleet: Fleet, witness: Witness, peers: Peers, chat: int
) -> None:
    """The run is submitted, ended, kept and told by them, and the service has claimed nothing."""
    generation = await fleet.service.order(chat)
    record = await witness.ended_once(generation, chat)

    assert len(await witness.runs_of(generation)) == 1
    assert [each["answered"] for each in await witness.attempts(record["metadata"]["run_id"])]
    assert await fleet.service.metric("engine_call_seconds_count") == 0
    assert await fleet.service.metric("debts_tried_total") == 0
    assert await fleet.service.metric("wakeups_total", way="published") > 0
    assert await peers.chat(chat)


async def test_killed_again_and_again_each_run_ends_once(
    fleet: Fleet, witness: Witness, peers: Peers, chats: Iterator[int], dice: Random
) -> None:
    """No order is posted twice; one message more only where a kill hit the middle of a send."""
    ordered_in, torn = dict[str, int](), list[int]()
    for worker, _ in zip(cycle(fleet.workers), range(KILLS)):
        for ending in ("success", "failed", "success"):
            chat, seconds = next(chats), dice.uniform(0.1, 1.0)
            inputs = {"sandbox_end": ending, "sandbox_seconds": seconds}
            ordered_in[await fleet.service.order(chat, **inputs)] = chat
        enough = await _calls(peers) + dice.randrange(12)
        await until(lambda: _calls(peers), lambda made: made >= enough)  # noqa: B023 - awaited here
        await worker.kill()
        for generation, chat in ordered_in.items():
            torn += [chat] * await witness.torn(generation, chat)
        await worker.start()
    for generation, chat in ordered_in.items():
        record = await witness.settled(generation)
        runs = await witness.runs_of(generation)
        assert len(runs) <= 1
        assert record["endedBy"] == ("engine" if runs else "us")
        assert [each["status"] for each in record["history"]].count(record["status"]) == 1
        assert 1 <= len(await witness.ends(chat)) <= 1 + torn.count(chat)


async def test_what_a_killed_worker_had_begun_is_gone_on_with_by_another(
    peers: Peers, mongod: SharedMongod, folder: Path, chats: Iterator[int]
) -> None:
    """Killed between a submit and its note, between an end and its write, each with its claim.

    The one that takes over has another name, waits until the claims have run out, and finds them
    by looking: there never was a Redis, which is said once.
    """
    begun, ending = next(chats), next(chats)
    wires = a_proxy(mongod.uri)
    async with (
        wires as wire,
        a_fleet(
            folder, peers, mongod, "alone", redis_url=NOWHERE, wires=(wire.uri, ""), lease=4
        ) as fleet,
        a_witness(fleet.service, peers, mongod.uri, "alone") as witness,
    ):
        await fleet.service.start()
        await fleet.workers[0].start()
        ended, run = await fleet.service.order_running(ending)
        submitted = await _killed_in_the_middle(fleet, wire, peers, run, begun)
        wire.resume()
        await fleet.workers[1].start()
        await witness.ended_once(ended, ending)
        await witness.ended_once(submitted, begun)

        assert len(await witness.runs_of(submitted)) == 1
        for each in (fleet.service, *fleet.workers):
            assert each.printed.count("Redis does not answer") == 1
            assert "a-password" not in each.printed


async def test_an_update_of_all_workers_drops_nothing(
    fleet: Fleet, witness: Witness, mongod: SharedMongod, chats: Iterator[int]
) -> None:
    """Stopped and started one after the other while jobs run: each is told and charged once."""
    async with a_shop(mongod.uri, DATABASE) as shop:
        jobs = list[tuple[JobId, Order]]()
        for worker in (*fleet.workers, None):
            for _ in range(3):
                order = await somebody(shop, next(chats), "quick")
                jobs.append((await ordered(fleet.service, order), order))
            if worker is not None:
                assert await worker.stop(signal.SIGTERM) == 0
                await worker.start()
        for job, order in jobs:
            await paid_once(shop, job, order)
            assert len(await witness.ends(order.chat)) == 1
            record = await shop.jobs.get(job)
            assert record is not None
            assert len(await witness.runs_of(record.steps[0].generation)) == 1


async def test_a_stopped_worker_gives_back_what_it_holds(
    fleet: Fleet, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """The sender's duty and every claim, so that the other one tells what was left untold."""
    left, chosen = next(chats), next(chats)
    await witness.ended_once(await fleet.service.order(chosen), chosen)
    names = [_names(each)[-1] for each in fleet.workers]
    holder = await witness.holder("telegram-sender")
    sender, other = sorted(fleet.workers, key=lambda each: _names(each)[-1] != holder)
    assert holder in names
    await peers.control("telegram", send_delay=0.3)
    generation = await fleet.service.order(left)
    await until(lambda: fleet.service.get(generation), lambda it: it["status"] == "completed")
    assert await sender.stop(signal.SIGTERM) == 0
    assert await witness.holder("telegram-sender") != holder
    claims = [debt.get("by") for debt in (await witness.stored(generation)).get("owed", ())]
    assert _names(sender)[-1] not in claims
    await peers.control("telegram", send_delay=0.0)
    await witness.ended_once(generation, left)
    await sender.start()

    assert _names(sender)[-1] == holder
    assert other.runs


async def test_a_redis_that_is_killed_emptied_or_hangs_loses_nothing(
    fleet: Fleet, witness: Witness, redis: SharedRedis, chats: Iterator[int]
) -> None:
    """Orders are served meanwhile, by looking each second, and afterwards."""
    first, second, third, fourth = (next(chats) for _ in range(4))
    assert redis.say("FLUSHALL") == "+OK"
    await witness.ended_once(await fleet.service.order(first), first)
    redis.hang()
    try:
        await witness.ended_once(await fleet.service.order(second), second)
    finally:
        redis.go_on()
    redis.kill()
    await witness.ended_once(await fleet.service.order(third), third)
    redis.start()
    await fleet.hear(redis)
    await witness.ended_once(await fleet.service.order(fourth), fourth)


async def test_a_wake_up_does_what_no_look_would(
    redis: SharedRedis, mongod: SharedMongod, folder: Path, chat: int
) -> None:
    """With looks an hour apart an order runs to its end, and what somebody writes is answered."""
    async with (
        a_sandbox(seconds=0.3) as peers,
        a_fleet(folder, peers, mongod, "woken", redis_url=redis.url, **SELDOM) as fleet,
    ):
        for each in (fleet.service, *fleet.workers):
            each.environ |= {
                "TELEGRAM_UPDATES": "webhook",
                "TELEGRAM_WEBHOOK_SECRET": SECRET,
                "PORT": "0",
            }
        await fleet.start()
        await fleet.hear(redis)
        generation = await fleet.service.order()
        await fleet.service.until(generation, "completed")
        assert await fleet.service.metric("debts_tried_total") == 0
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        address = f"{fleet.service.url}/webhook"

        async def answered() -> list[Json]:
            body = a_message(11, chat)
            await fleet.service.client.post(address, json=body, headers=headers)
            return await peers.chat(chat)

        assert await until(answered, bool)


async def test_workers_share_the_embedded_database_of_their_service(
    peers: Peers, folder: Path, chat: int
) -> None:
    """And its stand-ins; one that comes before the service says what to do."""
    async with a_service(folder, peers, None) as service:
        worker = Program(
            data_dir=folder,
            environ=service.environ,
            timing=service.timing,
            command="worker",
            name="w",
        )
        assert await worker.begin().wait() == 1
        assert "start `runrelay serve` there first" in worker.printed
        service.environ["RUN_BACKGROUND"] = "off"
        await service.start()
        await worker.start()
        generation = await service.order(chat)
        await service.until(generation, "completed")
        assert await worker.stop() == 0


async def _killed_in_the_middle(
    fleet: Fleet, wire: Proxy, peers: Peers, run: str, chat: int
) -> str:
    """Kill the first worker after a submit, and before the write of a run's end."""
    ending = wire.stop_at("update", "endedBy", side="before")
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await ending.reached()
    noting = wire.stop_at("update", "submittedAt", side="before")
    submitted = await fleet.service.order(chat)
    await noting.reached()
    await fleet.workers[0].kill()
    return submitted


def _names(worker: Program) -> list[str]:
    """Return the names that a worker has said it has, in all its lives."""
    return re.findall(r"working as (\S+)", worker.printed)


async def _calls(peers: Peers) -> int:
    """Count what was asked of Telegram, and delivered by the engine, so far."""
    runs: list[Json] = await peers.look("comfydeploy/runs")
    asked: list[Json] = await peers.look("telegram/requests")
    sent = [each for each in asked if each["method"].startswith(("send", "edit"))]
    return len(sent) + sum(len(run["attempts"]) for run in runs)
