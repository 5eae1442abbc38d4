"""The service is told to stop, is started twice, or should not start at all."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.embedded.address import Address
from tests.faults.witness import Witness
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import Service, a_service, until

pytestmark = pytest.mark.anyio

SENDS = 12


async def test_case_39_stopped_during_sends_in_flight(
    service: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """They are finished or given back, the exit code is 0, and the next life tells the rest.

    What was ordered a moment before the stop is carried out by then, too.
    """
    last, *many = (next(chats) for _ in range(SENDS + 1))
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(service.order_running(chat)) for chat in many]
    ordered = [(each.result(), chat) for each, chat in zip(running, many, strict=True)]
    await peers.control("telegram", send_delay=0.7)
    for (_, run), _ in ordered:
        await peers.control(f"comfydeploy/runs/{run}", status="success")
    await until(lambda: _in_flight(peers), lambda sends: len(sends) >= SENDS // 2)
    late = await service.order(last)
    assert await service.stop() == 0
    claimed = [
        debt
        for generation in (late, *(each for (each, _), _ in ordered))
        for debt in (await witness.stored(generation)).get("owed", ())
        if "by" in debt
    ]
    assert claimed == []
    await peers.control("telegram", send_delay=0.0)
    await service.start()
    for (generation, _), chat in ordered:
        await witness.ended_once(generation, chat)
    await witness.ended_once(late, last)


async def test_a_second_service_on_one_data_folder_is_refused(
    service: Service, peers: Peers, mongod: SharedMongod
) -> None:
    """It says which process has the folder, and changes nothing for that one."""
    async with a_service(service.data_dir, peers, mongod.uri) as second:
        process = second.begin()
        assert await process.wait() == 2
    assert f"pid {service.pid}" in service.printed
    assert service.runs


async def test_a_live_service_refuses_the_database_of_a_sandbox(
    service: Service, peers: Peers, mongod: SharedMongod, folder: Path
) -> None:
    """Invented ends and messages must never mix with real ones."""
    assert service.runs
    async with a_service(folder, peers, mongod.uri) as live:
        live.environ |= {"MODE": "live", "WEBHOOK_URL": "https://relay.example.com"}
        process = live.begin()
        assert await process.wait() == 2
        assert "made in sandbox mode" in live.printed


async def test_a_database_that_refuses_us_is_told_without_its_password(
    peers: Peers, mongod: SharedMongod, folder: Path
) -> None:
    """The service does not start, says which setting is at fault, and prints no password."""
    password = "a-password-that-nobody-may-read"
    uri = mongod.uri.replace("//", f"//someone:{password}@") + "&authSource=admin"
    async with a_service(folder, peers, uri) as service:
        process = service.begin()
        assert await process.wait() == 2
        assert "MONGODB_URI" in service.printed
        assert "Traceback" not in service.printed
        assert password not in service.printed


async def test_the_embedded_database_outlives_our_last_write(
    sandbox: Peers, chats: Iterator[int], folder: Path
) -> None:
    """Ctrl-C reaches the whole process group and not the database, which is stopped after us.

    Killed while we serve, it is started again, and nothing is lost.
    """
    first, second = next(chats), next(chats)
    async with a_service(folder, sandbox, None) as service:
        service.environ["TELEGRAM_UPDATES"] = "polling"
        await service.start()
        early, run = await service.order_running(first)
        _kill_mongod(folder)
        await sandbox.control(f"comfydeploy/runs/{run}", status="success")
        await service.until(early, "completed")
        attempts = (await sandbox.run(run))["attempts"]
        assert {each["answered"] for each in attempts} == {200}
        late, _ = await service.order_running(second)
        assert await service.stop(signal.SIGINT) == 0
        assert "claims could not be released" not in service.printed
        assert "the embedded mongod died" in service.printed
        assert service.printed.count("mongod died") == 1
        await service.start()
        assert (await service.get(early))["status"] == "completed"
        assert (await service.get(late))["status"] == "running"
        assert await service.stop() == 0


async def _in_flight(peers: Peers) -> list[Json]:
    """Return the sends that Telegram has not answered yet."""
    calls: list[Json] = await peers.look("telegram/requests")
    return [each for each in calls if each["method"] == "sendPhoto" and each["ok"] is None]


def _kill_mongod(data_dir: Path) -> None:
    kept = Address.model_validate_json((data_dir / "mongo.json").read_bytes())
    assert kept.pid is not None
    os.kill(kept.pid, signal.SIGKILL)
