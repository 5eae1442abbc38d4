"""The database goes away under the running service, for a while or for too long."""

import asyncio

import httpx
import pytest
from pymongo import AsyncMongoClient

from tests.faults.proxy import Proxy
from tests.faults.witness import Witness
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import Service, until

pytestmark = pytest.mark.anyio


async def test_case_35_killed_and_back_within_10_s(
    service: Service, mongod: SharedMongod, witness: Witness, peers: Peers, chat: int
) -> None:
    """Every sender gets its 200, late, on its first try; nothing is lost."""
    generation, run = await service.order_running(chat)
    body = {"run_id": run, "status": "running", "progress": 0.5, "live_status": "halfway"}
    mongod.kill()
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    async with asyncio.TaskGroup() as group:
        sent = [
            group.create_task(service.post(service.webhook(generation), body)) for _ in range(20)
        ]
        await mongod.start_again()
    assert {each.result().status_code for each in sent} == {200}
    await witness.ended_once(generation, chat)
    ends = [each for each in await witness.attempts(run) if each["status"] == "success"]
    assert [each["answered"] for each in ends] == [200]


async def test_case_36_its_primary_steps_down(
    service: Service, mongod: SharedMongod, witness: Witness, peers: Peers, chat: int
) -> None:
    """While nobody may write, senders wait; what was answered is kept, and the end told once."""
    generation, run = await service.order_running(chat)
    body = {"run_id": run, "status": "running", "progress": 0.5, "live_status": "halfway"}
    async with AsyncMongoClient[Json](mongod.uri) as client, asyncio.TaskGroup() as group:
        await client.admin.command("replSetStepDown", 1, secondaryCatchUpPeriodSecs=0, force=True)
        sent = [
            group.create_task(service.post(service.webhook(generation), body)) for _ in range(20)
        ]
    assert {each.result().status_code for each in sent} == {200}
    kept = await witness.inbox.count_documents({"events.generation": generation})
    assert kept >= 1
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await witness.ended_once(generation, chat)


async def test_case_37_killed_right_after_the_answer(
    service: Service, mongod: SharedMongod, witness: Witness, peers: Peers, chat: int
) -> None:
    """What was answered 200 is still there when the database comes back."""
    generation, run = await service.order_running(chat)
    await peers.control(f"comfydeploy/runs/{run}", status="success", silent=True)
    answer = await service.post(
        service.webhook(generation), {"run_id": run, "status": "success", "outputs": []}
    )
    mongod.kill()
    assert answer.status_code == 200
    await service.kill()
    await mongod.start_again()
    kept = await witness.inbox.count_documents({"events.generation": generation})
    assert kept >= 1
    await service.start()
    await witness.ended_once(generation, chat)


async def test_case_35_gone_for_longer_than_senders_wait(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """Senders get 503 with Retry-After; on return every open run is asked, by itself."""
    service.timing |= {"accept_limit": 1, "ask_running": 600, "ask_waiting": 600, "ask_most": 600}
    await service.restart()
    generation, run = await service.order_running(chat)
    accepted = await service.post(
        service.webhook(generation),
        {"run_id": run, "status": "running", "progress": 0.75, "live_status": "nearly"},
    )
    await peers.control("comfydeploy", retry_scale=0.01)
    wire.cut()
    refused = await service.post(service.webhook(generation), {"run_id": run, "status": "queued"})
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    ends = await until(lambda: _refusals(witness, run), lambda found: len(found) == 3)
    wire.resume()
    assert accepted.status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert ends == [("POST", 503), ("GET", 503), ("GET", 503)]
    record = await witness.ended_once(generation, chat)
    assert [each["source"] for each in record["history"]][-1] == "engine"
    kept = await witness.inbox.count_documents({"events.raw": {"$exists": True}, "applied": False})
    assert kept == 0


async def test_a_service_without_its_database_lives_and_is_not_ready(
    service: Service, wire: Proxy
) -> None:
    """While the database is away the API answers 503, never 500, and the process stays."""
    wire.cut()
    answers = {path: await _get(service, path) for path in ("/livez", "/readyz")}
    wire.resume()
    assert answers["/livez"].status_code == 200
    assert answers["/readyz"].status_code == 503
    await until(lambda: _get(service, "/readyz"), lambda answer: answer.status_code == 200)


async def _get(service: Service, path: str) -> httpx.Response:
    return await service.client.get(service.url + path)


async def _refusals(witness: Witness, run: str) -> list[tuple[str, int]]:
    attempts = [each for each in await witness.attempts(run) if each["status"] == "success"]
    return [(each["method"], each["answered"]) for each in attempts]
