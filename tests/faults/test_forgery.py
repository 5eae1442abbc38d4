"""Somebody else writes to our webhooks."""

import pytest

from tests.faults.witness import Witness, facts
from tests.peers import Json, Peers
from tests.service import Service, token, until

pytestmark = pytest.mark.anyio

FOREIGN = "https://evil.example.com/not-ours.png"


async def test_case_14_a_token_that_is_not_right(
    service: Service, witness: Witness, peers: Peers, chat: int
) -> None:
    """Forged, foreign, truncated, non-ASCII, huge or missing: 401, and nothing changes."""
    generation, run = await service.order_running(chat)
    other = await service.order()
    right, url = token(generation), f"{service.url}/api/webhook/comfydeploy"
    forged = "1." + "A" * (len(right) - 2)
    wrong = (
        f"?generation={generation}&token={token(other)}",
        f"?generation={generation}&token={forged}",
        f"?generation={generation}&token={right[:-1]}",
        f"?generation={generation}&token={right}x",
        f"?generation={generation}&token={right}&token={right}",
        f"?generation={generation}&token=%C3%A9{right}",
        f"?generation={generation}&token={'a' * 20_000}",
        f"?generation={other}&token={right}",
        f"?generation=&token={right}",
        f"?generation={generation}&token=",
        f"?generation={generation}",
        f"?token={right}",
        "",
    )
    before = await witness.stored(generation)
    body: Json = {"run_id": run, "status": "success", "outputs": []}
    answers = [(await service.post(url + each, body)).status_code for each in wrong]
    assert answers == [401] * len(wrong)
    assert (await witness.stored(generation))["history"] == before["history"]
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await witness.ended_once(generation, chat)


async def test_case_15_somebody_elses_run_with_a_right_token(
    service: Service, witness: Witness, peers: Peers, chat: int
) -> None:
    """It is answered 200, dropped and counted; the end of our own run is told."""
    generation, run = await service.order_running(chat)
    _, foreign = await service.order_running()
    before = await service.metric("events_applied_total", verdict="foreign_run")
    body = {"run_id": foreign, "status": "failed", "progress": 0.99, "live_status": "not ours"}
    answer = await service.post(service.webhook(generation), body)
    assert answer.status_code == 200
    await until(
        lambda: service.metric("events_applied_total", verdict="foreign_run"),
        lambda count: count == before + 1,
    )
    record = await service.get(generation)
    assert (record["status"], record["progress"]) != ("failed", 0.99)
    assert record["metadata"]["run_id"] == run
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await witness.ended_once(generation, chat)


async def test_case_16_a_forged_success_that_the_engine_denies(
    service: Service, witness: Witness, peers: Peers, chat: int
) -> None:
    """Nobody is told of it, its outputs go nowhere, somebody is woken; the true end is told."""
    generation, run = await service.order_running(chat)
    denied = await service.metric("ends_denied_total")
    alerts = await service.metric("alerts_total", slug="end_denied")
    output = {"id": "forged", "data": {"images": [{"url": FOREIGN, "filename": "not-ours.png"}]}}
    body = {"run_id": run, "status": "success", "progress": 1.0, "outputs": [output]}
    answer = await service.post(service.webhook(generation), body)
    assert answer.status_code == 200
    await until(lambda: service.metric("ends_denied_total"), lambda count: count == denied + 1)
    assert await service.metric("alerts_total", slug="end_denied") == alerts + 1
    assert (await service.get(generation))["status"] == "running"
    assert await witness.ends(chat) == []
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    record = await witness.ended_once(generation, chat)
    assert FOREIGN not in repr(record)


async def test_case_17_a_right_event_replayed_after_the_end(
    service: Service, witness: Witness, chat: int
) -> None:
    """Late and doubled events of any kind are answered 200 and change nothing."""
    generation = await service.order(chat)
    record = await witness.ended_once(generation, chat)
    run = record["metadata"]["run_id"]
    before = await service.metric("events_applied_total", verdict="stale")
    for status in ("success", "failed", "running", "cancelled"):
        body: Json = {"run_id": run, "status": status, "outputs": []}
        assert (await service.post(service.webhook(generation), body)).status_code == 200
    await until(
        lambda: service.metric("events_applied_total", verdict="stale"),
        lambda count: count >= before + 4,
    )
    assert facts(await witness.settled(generation)) == facts(record)
    assert len(await witness.ends(chat)) == 1
