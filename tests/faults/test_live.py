"""Whatever happens to the server or its database, live streams miss nothing."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from pymongo import AsyncMongoClient

from tests.faults.proxy import Proxy
from tests.faults.streams import Viewer, a_client, viewing
from tests.faults.witness import Witness
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import API_KEY, Service, a_service

pytestmark = pytest.mark.anyio

VIEWERS = 100


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    """A client for as many streams as are wanted."""
    async with a_client() as own:
        yield own


async def test_a_hundred_streams_survive_two_restarts_and_miss_nothing(
    service: Service, witness: Witness, peers: Peers, client: httpx.AsyncClient
) -> None:
    """Killed and stopped mid-run: each resumes where it was, and is told every end once more."""
    viewers = [Viewer(service, client) for _ in range(VIEWERS)]
    async with viewing(*viewers):
        generation, run = await service.order_running()
        for each in viewers:
            await each.until(lambda each=each: each.states.get(generation))
        await service.kill()
        await service.start()
        await peers.control(f"comfydeploy/runs/{run}", status="success")
        ended = await witness.settled(generation)
        for each in viewers:
            await each.until(lambda each=each: ended["version"] in each.versions(generation))
        second = await service.order()
        assert await service.stop() == 0
        await service.start()
        after = await witness.settled(second)
        for each in viewers:
            await each.until(lambda each=each: after["version"] in each.versions(second))

    for each in viewers:
        for told in (each.versions(generation), each.versions(second)):
            assert told == sorted(told)
        assert each.states[generation][-1]["status"] == "completed"
        assert each.times >= 3
        assert [data["reason"] for word, data in each.words if word == "reset"] == ["new"]
        assert each.said("bye", reason="stopping", again=True)


@pytest.fixture
async def other(
    service: Service, peers: Peers, mongod: SharedMongod, tmp_path: Path
) -> AsyncGenerator[Service]:
    """Another service on the same database, which only answers."""
    del service  # It makes the database.
    async with a_service(tmp_path / "data", peers, mongod.uri) as answering:
        answering.environ["RUN_BACKGROUND"] = "off"
        await answering.start()
        yield answering


async def test_two_processes_tell_the_same_ids(
    service: Service, other: Service, witness: Witness, client: httpx.AsyncClient
) -> None:
    """So a reader goes on at the other where they were at the first."""
    here, there = Viewer(service, client), Viewer(other, client)
    async with viewing(here, there):
        generation = await service.order()
        ended = await witness.settled(generation)
        for each in (here, there):
            await each.until(lambda each=each: ended["version"] in each.versions(generation))
    common = here.ids.keys() & there.ids.keys()
    assert (generation, ended["version"]) in common
    assert [here.ids[each] for each in common] == [there.ids[each] for each in common]

    after = Viewer(other, client, last=here.last)
    later = await service.order()
    async with viewing(after):
        await after.until(lambda: "completed" in _statuses(after, later))
    assert not after.said("reset")


async def test_a_change_stream_that_is_invalidated_shows_everything_anew(
    service: Service, mongod: SharedMongod, client: httpx.AsyncClient
) -> None:
    """A collection dropped under it: no reader is cut off, each is told all there is."""
    generation, _ = await service.order_running()
    viewer = Viewer(service, client)
    async with viewing(viewer), AsyncMongoClient[Json](mongod.uri) as driver:
        previews = driver["faults"]["previews"]
        await previews.insert_one({"_id": "of-nothing"})
        await previews.drop()
        await viewer.until(lambda: viewer.said("reset", reason="lost"))
        told = len(viewer.states[generation])
        await viewer.until(lambda: viewer.words[-1][0] == "ready")
        assert viewer.times == 1
        await service.call("POST", f"/api/generations/{generation}/cancel")
        await viewer.until(lambda: "cancelled" in _statuses(viewer, generation))
        assert len(viewer.states[generation]) > told


async def test_a_database_that_is_away_for_a_while_delays_and_loses_nothing(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, client: httpx.AsyncClient
) -> None:
    """The change stream goes on from where it was cut: nobody is shown everything anew."""
    viewer = Viewer(service, client)
    async with viewing(viewer):
        generation, run = await service.order_running()
        wire.cut()
        await peers.control(f"comfydeploy/runs/{run}", status="success")
        wire.resume()
        ended = await witness.settled(generation)
        await viewer.until(lambda: ended["version"] in viewer.versions(generation))
    assert [data["reason"] for word, data in viewer.words if word == "reset"] == ["new"]
    assert viewer.times == 1


async def test_a_token_that_runs_out_ends_its_stream_with_a_word(
    service: Service, client: httpx.AsyncClient
) -> None:
    """It sees the public part of one generation till then, and is refused afterwards."""
    generation, _ = await service.order_running()
    asked = {"generation": generation, "seconds": 2}
    token = (await service.call("POST", "/api/tokens", asked)).raise_for_status().json()["token"]
    auth = {"Authorization": f"Bearer {token}"}
    path = f"/api/generations/{generation}/events"
    viewer = Viewer(service, client, path, auth)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(viewer.read())
        await viewer.until(lambda: viewer.said("bye", reason="expired", again=False))
        await reading
    refused = await client.get(service.url + path, headers=auth)

    assert refused.status_code == 401
    assert refused.json()["reason"] == "token_expired"
    assert {"running"} == set(_statuses(viewer, generation))
    assert viewer.states[generation][0].get("metadata", {}).get("costRate") is None
    assert API_KEY not in service.printed


def _statuses(viewer: Viewer, generation: str) -> list[str]:
    return [each["status"] for each in viewer.states.get(generation, ())]
