"""A host where nothing runs between requests: a monitor's calls and webhooks do everything."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

import httpx
import pytest

from tests.faults.fleet import SELDOM
from tests.faults.jobs import a_shop, ordered, somebody
from tests.faults.test_updates import SECRET, a_message, receives
from tests.faults.witness import Witness, a_witness
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import OVER, Service, a_service, until

pytestmark = pytest.mark.anyio

DATABASE = "cron"
KEY = "the-key-of-the-monitor-that-calls-in-tests"


@pytest.fixture(scope="module")
async def shared_host(
    sandbox: Peers, mongod: SharedMongod, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Service]:
    """A service that does nothing by itself."""
    folder = tmp_path_factory.mktemp("cron") / "data"
    async with a_service(folder, sandbox, mongod.uri, DATABASE, call_over=1) as service:
        service.timing |= SELDOM | {"unknown_submit": 3}
        service.environ |= {
            "RUN_BACKGROUND": "off",
            "CRON_KEY": f"another-key-of-sixteen,{KEY}",
            "TELEGRAM_UPDATES": "webhook",
            "TELEGRAM_WEBHOOK_SECRET": SECRET,
        }
        await service.start()
        yield service
    assert KEY not in service.printed


@pytest.fixture
async def host(shared_host: Service, peers: Peers) -> Service:
    """That service, which runs."""
    del peers  # It is put right after each test.
    if not shared_host.runs:
        await shared_host.start()
    return shared_host


@pytest.fixture
async def witness(host: Service, peers: Peers, mongod: SharedMongod) -> AsyncGenerator[Witness]:
    """Who sees what became of what was ordered."""
    async with a_witness(host, peers, mongod.uri, DATABASE) as seeing:
        yield seeing


async def called(host: Service, what: str, budget: int = 20) -> Json:
    """Make a monitor's call, until no other is at it; return what it did."""

    async def call() -> Json:
        return (await a_call(host, what, budget)).raise_for_status().json()

    return await until(call, lambda did: not did["busy"])


async def a_call(host: Service, what: str, budget: int = 20) -> httpx.Response:
    """Make one call, as a monitor does that can send nothing but a URL."""
    return await host.client.get(f"{host.url}/api/cron/{what}?budget={budget}&key={KEY}")


async def test_a_call_submits_and_webhooks_do_the_rest(
    host: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """An order waits for the call; two webhooks at once end two runs, and people are told."""
    await receives(host, peers)
    before = await host.metric("engine_call_seconds_count")
    ordered_in = dict[str, int]()
    for chat in (next(chats), next(chats)):
        # A chat that is told of every change is told the end some seconds later.
        ordered_in[await host.order(chat, sandbox_drop="queued,started,running,progress")] = chat
    assert {(await host.get(each))["status"] for each in ordered_in} == {"pending"}
    assert await host.metric("engine_call_seconds_count") == before

    did = await called(host, "worker")
    assert did["discharged"]["submit"] == len(ordered_in)
    assert did["failed"] == 0

    for generation, chat in ordered_in.items():
        await witness.ended_once(generation, chat)
    assert (await called(host, "worker"))["left"] == 0
    assert await witness.holder("telegram-sender") == ""


async def test_the_checker_finds_an_end_that_nobody_told(
    host: Service, witness: Witness, chats: Iterator[int]
) -> None:
    """One completed, one failed; what follows from an end is done in the same call."""
    good, bad = next(chats), next(chats)
    done = await host.order(good, sandbox_drop="all")
    failed = await host.order(bad, sandbox_drop="all", sandbox_end="failed")
    await called(host, "worker")

    async def checked() -> Json:
        return await called(host, "checker")

    first = await until(checked, lambda did: did["failed"] == 1)
    assert first["checked"] >= 1
    assert (first["advanced"], first["reset"]) == (0, 0)
    await until(checked, lambda did: did["checked"] == 0)

    await witness.ended_once(done, good)
    await witness.ended_once(failed, bad, "failed")


async def test_of_calls_at_once_one_works(
    host: Service, witness: Witness, peers: Peers, mongod: SharedMongod, chats: Iterator[int]
) -> None:
    """The others say so at once, and do no harm; nor does a budget that runs out in between.

    A job is taken down without a word to its engine, and paid for once when it ends.
    """
    chat = next(chats)
    generation = await host.order(chat, sandbox_drop="all")
    await called(host, "worker")
    await peers.control("comfydeploy", hang=True)
    before = await host.metric("engine_call_seconds_count")
    async with a_shop(mongod.uri, DATABASE) as shop:
        person = await somebody(shop, next(chats), "quick")
        job = await ordered(host, person)
    assert await host.metric("engine_call_seconds_count") == before

    for what in ("checker", "worker"):
        answers = await asyncio.gather(*(a_call(host, what, 1) for _ in range(3)))
        said = [each.raise_for_status().json() for each in answers]
        assert sorted(each["busy"] for each in said) == [False, True, True]
        assert {"busy": True} in said

    await peers.control("comfydeploy", hang=False)

    async def ended() -> set[str]:
        await called(host, "worker")
        await called(host, "checker")
        found = (await host.call("GET", f"/api/jobs/{job}")).json()
        return {found["status"], (await host.get(generation))["status"]}

    assert await until(ended, lambda statuses: statuses <= OVER) <= {"completed", "failed"}
    await witness.ended_once(generation, chat)


async def test_killed_in_a_call_the_next_one_goes_on(
    host: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """One was sent, one was taken without an answer: each runs once, and is told once."""
    first, second = next(chats), next(chats)
    sent = await host.order(first, sandbox_seconds=0)
    lost = await host.order(second, sandbox_submit="created-then-hang")
    async with asyncio.TaskGroup() as group:
        call = group.create_task(_cut_off(host))
        await host.run_id(sent)
        await until(lambda: _runs(peers, lost), bool)
        await host.kill()
        await call
    await host.start()

    async def ended() -> set[str]:
        await called(host, "worker", 2)
        await called(host, "checker", 2)
        return {(await host.get(each))["status"] for each in (sent, lost)}

    assert await until(ended, lambda statuses: statuses <= OVER) == {"completed"}
    for generation in (sent, lost):
        assert len(await witness.runs_of(generation)) == 1
    for generation, chat in ((sent, first), (lost, second)):
        await witness.settled(generation)
        assert await witness.told(chat)


async def test_an_update_is_answered_within_its_request(
    host: Service, witness: Witness, peers: Peers, chat: int
) -> None:
    """Beside a worker's call that waits for an engine."""
    await receives(host, peers)
    await peers.control("comfydeploy", hang=True)
    await host.order(sandbox_end="none")
    async with asyncio.TaskGroup() as group:
        call = group.create_task(a_call(host, "worker", 2))
        await until(lambda: witness.holder("cron-worker"), bool)
        await peers.control("telegram/updates", update=a_message(5, chat))
        assert await until(lambda: peers.chat(chat), bool)
        assert not (await call).json()["busy"]


async def test_only_its_own_key_opens_it(host: Service, peers: Peers) -> None:
    """By any of three ways; and it opens nothing else, and is never said again."""
    del peers
    url = f"{host.url}/api/cron/worker"
    for headers, query in (
        ({}, ""),
        ({}, "?key="),
        ({}, f"?key={KEY}x"),
        ({}, f"?key={KEY}&key=x"),
        ({"X-Cron-Key": "wrong"}, f"?key={KEY}"),
        (host.auth, ""),
        ({"Authorization": f"Basic {KEY}"}, ""),
    ):
        answer = await host.client.post(f"{url}{query}", headers=headers)
        assert (answer.status_code, KEY in answer.text) == (401, False)

    bearer = {"Authorization": f"Bearer {KEY}"}
    for method, headers, query in (
        ("POST", bearer, ""),
        ("GET", {"X-Cron-Key": KEY}, ""),
        ("HEAD", {}, f"?key={KEY}"),
    ):
        answer = await host.client.request(method, f"{url}{query}", headers=headers)
        assert answer.status_code == 200
    assert (await host.client.put(url, headers=bearer)).status_code == 405
    assert (await host.client.get(f"{host.url}/api/jobs", headers=bearer)).status_code == 401

    for wrong in ("budget=0", "budget=30", "budget=x", "hours=1"):
        refused = await host.client.get(f"{url}?{wrong}&key={KEY}")
        assert refused.status_code == 400
        assert wrong.partition("=")[0] in refused.text
        assert KEY not in refused.text


async def _cut_off(host: Service) -> None:
    """Make a call that no answer comes to."""
    with pytest.raises(httpx.TransportError):
        await a_call(host, "worker", 4)


async def _runs(peers: Peers, generation: str) -> list[Json]:
    runs: list[Json] = await peers.look("comfydeploy/runs")
    return [each for each in runs if generation in str(each)]
