"""app.web.servers: how the servers stand, over the API."""

import pytest

from app.errors import StoreDownError
from schemas.base import EngineName, GenerationId
from schemas.run import RunStatus
from schemas.server import ServerSeen
from schemas.wire.servers import Servers
from tests.app.web.fakes import COMFYUI, ID, World
from tests.app.web.serving import serving
from tests.builders import HERE, NOON, a_generation, an_order
from tests.fakes.gates import Turnstile
from tests.fakes.servers import FakeServers

pytestmark = pytest.mark.anyio

PATH = "/api/servers"
WAITS = GenerationId("0198c0ffee0000000000000000000002")


def a_world() -> World:
    """Server a with one slot, which a run has; another run waits."""
    world = World()
    seen = ServerSeen(
        id="comfyui/a",
        engine=EngineName("comfyui"),
        name="a",
        at=NOON,
        healthy=True,
        slots=1,
        load=2,
        version="0.30.2",
        device="cuda:0 NVIDIA",
        memory_total=24_000_000_000,
        memory_free=6_000_000_000,
        by=HERE,
    )
    world.servers = FakeServers(seen)
    for each in (
        a_generation(RunStatus.RUNNING, id=ID, engine=COMFYUI, slot="a#1"),
        an_order(id=WAITS, engine=COMFYUI),
    ):
        world.spots.records[each.id] = each
    return world


async def test_servers_are_shown() -> None:
    """What each is, who has its slots, and who waits."""
    async with serving(a_world()) as site:
        answer = await site.client.get(PATH)

    assert answer.status_code == 200
    Servers.model_validate_json(answer.content)
    assert answer.json() == {
        "items": [
            {
                "name": "a",
                "engine": "comfyui",
                "configured": True,
                "healthy": True,
                "trouble": None,
                "version": "0.30.2",
                "device": "cuda:0 NVIDIA",
                "memoryTotal": 24_000_000_000,
                "memoryFree": 6_000_000_000,
                "slots": [{"name": "a#1", "generation": ID}],
                "taken": 1,
                "load": 2,
                "seenAt": "2026-01-01T12:00:00.000Z",
                "by": HERE,
            }
        ],
        "line": {"waiting": 1, "since": "2026-01-01T12:00:00.000Z"},
    }


async def test_a_server_that_nobody_has_seen_is_shown() -> None:
    """With all that is not known of it."""
    async with serving(World()) as site:
        [told] = (await site.client.get(PATH)).json()["items"]

    assert (told["healthy"], told["trouble"]) == (False, "nobody has seen it yet")
    assert told["slots"] == [{"name": "a#1", "generation": None}]
    assert {told[each] for each in ("version", "device", "memoryFree", "seenAt", "by")} == {None}


async def test_without_the_database_it_is_not_known() -> None:
    """And is asked again later; without a key nobody is told anything."""
    gate = Turnstile()
    gate.down = StoreDownError("away")
    world = World(servers=FakeServers(gate=gate))
    async with serving(world) as site:
        answer = await site.client.get(PATH)
        stranger = await site.client.get(PATH, headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, stranger.status_code) == (503, 401)
