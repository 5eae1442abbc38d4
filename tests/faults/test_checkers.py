"""Chains on hosts where nothing runs between requests: monitors' calls do everything, once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final, NamedTuple

import httpx
import pytest

from schemas.job import Job, JobStatus
from tests.faults.chains import ALL_LOST, Tailor, a_line, a_step, a_tailor
from tests.faults.fleet import SELDOM
from tests.faults.proxy import Proxy, a_proxy
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import Service, a_service, until

pytestmark = pytest.mark.anyio

DATABASE: Final = "checkers"
KEY: Final = "the-key-of-the-monitor-that-checks-in-tests"
SELDOM_ASKED: Final[Json] = {"ask_waiting": 60, "ask_running": 60, "ask_most": 60}
"""With these limits an engine is asked by who checks, and by nobody else."""
CALLS: Final[Json] = {"RUN_BACKGROUND": "off", "CRON_KEY": KEY}


class Hosts(NamedTuple):
    """Two processes that do nothing by themselves; the first one is killed and held up."""

    first: Service
    second: Service
    wire: Proxy
    tailor: Tailor


@pytest.fixture(scope="module")
async def two(
    sandbox: Peers, mongod: SharedMongod, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Hosts]:
    """Them, on one database."""
    folder = tmp_path_factory.mktemp("checkers")
    async with (
        a_proxy(mongod.uri) as wire,
        a_service(folder / "first", sandbox, wire.uri, DATABASE, call_over=1) as first,
        a_service(folder / "second", sandbox, mongod.uri, DATABASE, call_over=1) as second,
    ):
        for each in (first, second):
            each.environ |= CALLS
            each.timing |= SELDOM | SELDOM_ASKED | {"lease": 6, "unknown_submit": 3}
            await each.start()
        async with a_tailor(first, sandbox, mongod.uri, DATABASE) as tailor:
            yield Hosts(first, second, wire, tailor)


@pytest.fixture
async def hosts(two: Hosts, peers: Peers) -> AsyncGenerator[Hosts]:
    """Them, running; in the end nothing is held up."""
    del peers  # It is put right after each test.
    if not two.first.runs:
        await two.first.start()
    yield two
    two.wire.resume()


async def a_call(host: Service, what: str, budget: int = 20) -> httpx.Response:
    """Make one call, as a monitor does."""
    return await host.client.get(f"{host.url}/api/cron/{what}?budget={budget}&key={KEY}")


async def all_at_once(services: list[Service], what: str) -> list[Json]:
    """Have all of them called at once; return what they say."""
    answers = await asyncio.gather(*(a_call(each, what) for each in services))
    return [each.raise_for_status().json() for each in answers]


async def worked_off(hosts: Hosts, job: Job, services: list[Service]) -> None:
    """Call all of these at once, again and again, until a job is settled."""

    async def called() -> tuple[bool, list[str]]:
        for what in ("worker", "checker"):
            await all_at_once(services, what)
        now = await hosts.tailor.job(job.id)
        return now.ended, [each.key for each in now.owed]

    await until(called, lambda it: it == (True, []))


async def made_once(tailor: Tailor, job: Job, chat: int) -> None:
    """See that each step of a job was made and paid for once, and its one end told."""
    count = len(job.steps)
    assert (await tailor.paid(job, count)).status is JobStatus.COMPLETED
    assert [len(each) for each in await tailor.sent(job)] == [1] * count
    assert (await tailor.told(chat)).count("✅ Done") == 1


@pytest.mark.parametrize("processes", [1, 2])
async def test_three_checkers_at_once(
    hosts: Hosts, peers: Peers, chat: int, processes: int
) -> None:
    """No webhook comes: each step is submitted once, and told once, whoever checks."""
    await peers.control("replicate", webhooks_lost=ALL_LOST)
    job = await hosts.tailor.order(chat, a_line(2))
    services = [hosts.first, [hosts.first, hosts.second][processes - 1], hosts.first]
    assert {each["busy"] for each in await all_at_once(services, "worker")} == {True, False}
    assert {each["busy"] for each in await all_at_once(services, "checker")} == {True, False}

    await worked_off(hosts, job, services)

    await made_once(hosts.tailor, job, chat)


async def test_a_webhook_and_a_checker_find_one_end(hosts: Hosts, chat: int) -> None:
    """Both have seen it before either has written it: it is captured, told, and led on once."""
    first, second, wire, tailor = hosts
    job = await tailor.order(chat, [a_step(sandbox_end="none"), a_step(1)])
    await a_call(first, "worker")
    await first.until(job.steps[0].generation, "running")
    ending = wire.stop_at("update", job.steps[0].generation, "endedBy", side="before")
    await tailor.end(job, 1)
    await ending.reached()

    said = (await a_call(second, "checker")).raise_for_status().json()
    assert (await second.get(job.steps[0].generation))["status"] == "completed"
    assert said["checked"] >= 1
    wire.resume()

    await worked_off(hosts, job, [second])
    await made_once(tailor, job, chat)


@pytest.mark.parametrize("what", ["worker", "checker"])
async def test_killed_in_a_call(hosts: Hosts, peers: Peers, chat: int, what: str) -> None:
    """The host's limit is hit before a run is noted, or a step begun: the next call goes on."""
    first, _, wire, tailor = hosts
    await peers.control("replicate", webhooks_lost=ALL_LOST)
    job = await tailor.order(chat, a_line(2))
    first_step, second_step = (each.generation for each in job.steps)
    if what == "worker":
        stop = wire.stop_at("update", first_step, "run_id", side="before")
    else:
        # Whoever was killed in such a call keeps others from making one for a while.
        await until(lambda: a_call(first, "worker"), lambda it: not it.json()["busy"])
        stop = wire.stop_at("update", second_step, "media:outputs/", side="before")
    async with asyncio.TaskGroup() as group:
        calls = group.create_task(_called_until_cut_off(first, what))
        await stop.reached()
        await first.kill()
        await calls
    wire.resume()
    await first.start()

    await worked_off(hosts, job, [first])

    await made_once(tailor, job, chat)


async def test_a_monitor_that_hangs_up(hosts: Hosts, peers: Peers, chat: int) -> None:
    """What its call was at is finished, by it or by the next one."""
    await peers.control("replicate", create="taken-hang", create_left=1)
    job = await hosts.tailor.order(chat, a_line(2))
    async with asyncio.TaskGroup() as group:
        call = group.create_task(a_call(hosts.first, "worker"))
        await hosts.tailor.predictions(job, 1)
        call.cancel()

    await worked_off(hosts, job, [hosts.first])

    await made_once(hosts.tailor, job, chat)


async def _called_until_cut_off(host: Service, what: str) -> None:
    """Make calls, as one alone may find the run still going, until no answer comes to one."""
    with suppress(httpx.TransportError):
        await until(lambda: a_call(host, what, 7), lambda _: False)
