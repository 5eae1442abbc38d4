"""Events that come twice, backwards, too early, as a GET, or not at all."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.faults.witness import Witness, facts
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import Service, a_service, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def second(peers: Peers, mongod: SharedMongod, folder: Path) -> AsyncGenerator[Service]:
    """A second process on the database of the shared service."""
    async with a_service(folder, peers, mongod.uri) as process:
        await process.start()
        yield process


async def test_case_01_one_event_50_times_at_once_at_two_processes(
    service: Service, second: Service, witness: Witness, peers: Peers, chat: int
) -> None:
    """Every sender gets 200, the record changes once, and one message is sent."""
    generation, run = await service.order_running(chat)
    await peers.control(f"comfydeploy/runs/{run}", status="success", silent=True)
    body: Json = {"run_id": run, "status": "success", "progress": 1.0, "outputs": []}
    processes = islice(cycle((service, second)), 50)
    async with asyncio.TaskGroup() as group:
        sent = [group.create_task(each.post(each.webhook(generation), body)) for each in processes]
    assert {each.result().status_code for each in sent} == {200}
    record = await witness.ended_once(generation, chat)
    answers = [await service.post(service.webhook(generation), body) for _ in range(5)]
    assert {each.status_code for each in answers} == {200}
    assert facts(await witness.settled(generation)) == facts(record)


async def test_case_02_one_end_100_times(
    service: Service, witness: Witness, peers: Peers, chat: int
) -> None:
    """Before and after the end is written: one change, one message, 99 counted as stale."""
    generation, run = await service.order_running(chat)
    before = await service.metric("events_applied_total", verdict="stale")
    await peers.control(f"comfydeploy/runs/{run}", status="success", silent=True)
    body: Json = {"run_id": run, "status": "success", "outputs": []}
    for _ in range(50):
        assert (await service.post(service.webhook(generation), body)).status_code == 200
    record = await witness.ended_once(generation, chat)
    for _ in range(50):
        assert (await service.post(service.webhook(generation), body)).status_code == 200
    await until(
        lambda: service.metric("events_applied_total", verdict="stale"),
        lambda count: count >= before + 99,
    )
    assert facts(await witness.ended_once(generation, chat)) == facts(record)


async def test_case_06_events_in_any_order(
    service: Service, witness: Witness, chats: Iterator[int]
) -> None:
    """In reverse, shuffled, doubled, with late progress: the same end, told once."""
    odd = (
        {"sandbox_order": "reverse"},
        {"sandbox_order": "shuffle", "sandbox_duplicate": 5},
        {"sandbox_order": "shuffle", "sandbox_late_progress": True, "seed": 2},
        {"sandbox_duplicate": 20, "sandbox_late_progress": True},
        {"sandbox_unknown_status": True},
    )
    ordered = [(await service.order(chat, **each), chat) for each, chat in zip(odd, chats)]  # noqa: B905 - chats have no end
    for generation, chat in ordered:
        record = await witness.ended_once(generation, chat)
        assert record["progress"] == 1.0
        assert len(record["responsePayload"]["outputs"]) == 1


async def test_case_07_an_event_before_the_run_id_is_stored(
    service: Service, witness: Witness, chat: int
) -> None:
    """A webhook that outruns the answer to its submit is not lost."""
    generation = await service.order(chat, sandbox_early=True)
    record = await witness.ended_once(generation, chat)
    assert len(record["runs"]) == 1


async def test_a_submit_whose_answer_never_comes_is_not_sent_again(
    service: Service, witness: Witness, chats: Iterator[int]
) -> None:
    """Its run is found by its webhooks, or by its webhook URL among the recent runs."""
    broken = ("created-then-hang", "created-then-reset", "created-then-500")
    wishes = [*({"sandbox_submit": each} for each in broken)]
    wishes.append({"sandbox_submit": "created-then-reset", "sandbox_drop": "all"})
    ordered = [(await service.order(chat, **each), chat) for each, chat in zip(wishes, chats)]  # noqa: B905 - as above
    for generation, chat in ordered:
        await witness.ended_once(generation, chat)
        assert len(await witness.runs_of(generation)) == 1


async def test_a_submit_that_made_no_run_fails_with_a_word(
    service: Service, witness: Witness, chat: int
) -> None:
    """A submit of which nothing is ever heard ends after its limit, and the person is told why."""
    generation = await service.order(chat, sandbox_submit="reset")
    record = await witness.settled(generation)
    assert (record["status"], record["statusReason"]) == ("failed", "submit_unknown")
    assert await witness.runs_of(generation) == []
    assert len(await witness.ends(chat)) == 1


async def test_case_09_a_retry_as_get_with_a_body(
    service: Service, witness: Witness, peers: Peers, chat: int
) -> None:
    """ComfyDeploy's second and third try are GETs, and do what a POST does."""
    generation, run = await service.order_running(chat)
    body = {"run_id": run, "status": "running", "progress": 0.99, "live_status": "by GET"}
    answer = await service.client.request("GET", service.webhook(generation), json=body)
    assert answer.status_code == 200
    await until(lambda: service.get(generation), lambda record: record["liveStatus"] == "by GET")
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await witness.ended_once(generation, chat)


async def test_case_10_the_last_webhook_never_arrives(
    service: Service, witness: Witness, chats: Iterator[int]
) -> None:
    """Asking finds the end, counts the rescue, and it is told once."""
    rescued = await service.metric("news_rescued_total")
    first, second = next(chats), next(chats)
    without_end = await service.order(first, sandbox_drop="success")
    without_any = await service.order(second, sandbox_drop="all")
    await witness.ended_once(without_end, first)
    await witness.ended_once(without_any, second)
    assert await service.metric("news_rescued_total") == rescued + 2


async def test_case_08_an_event_for_a_generation_that_is_gone(service: Service) -> None:
    """It is answered 200, counted as an orphan, and nobody is told."""
    before = await service.metric("events_applied_total", verdict="orphan")
    webhook = service.webhook("0198c0ffee0198c0ffee0198c0ffee01")
    answer = await service.post(webhook, {"run_id": "gone", "status": "success"})
    assert answer.status_code == 200
    await until(
        lambda: service.metric("events_applied_total", verdict="orphan"),
        lambda count: count == before + 1,
    )


async def test_each_event_is_counted_once(service: Service) -> None:
    """The figure of accepted events is the number of those answered 200."""
    before = await service.metric("events_accepted_total")
    generation = "0198c0ffee0198c0ffee0198c0ffee02"
    for _ in range(3):
        await service.post(service.webhook(generation), {"run_id": "gone", "status": "running"})
    assert await service.metric("events_accepted_total") == before + 3
