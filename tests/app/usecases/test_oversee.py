"""app.usecases.oversee: how servers stand, who has their slots, who waits."""

from datetime import timedelta
from typing import Any

import pytest

from app.errors import StoreDownError
from app.usecases.oversee import REMEMBERED, Oversee, Slot, shown
from processors.scheduling import FRESH
from schemas.base import EngineName, GenerationId
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.server import ServerSeen, ServerSettings
from schemas.timing import Timing
from tests.builders import HERE, NOON, a_generation, an_order, later
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations
from tests.fakes.servers import FakeServers

pytestmark = pytest.mark.anyio

COMFYUI = EngineName("comfyui")
TIMING = Timing()


def the(number: int) -> GenerationId:
    """Return the id of that number; ids sort by number."""
    return GenerationId(f"{number:032x}")


def seen(name: str = "a", **fields: Any) -> ServerSeen:  # noqa: ANN401 - any field of the record
    """A server with two slots that was well at noon."""
    known: dict[str, Any] = {
        "id": f"{fields.get('engine', COMFYUI)}/{name}",
        "engine": COMFYUI,
        "name": name,
        "at": NOON,
        "healthy": True,
        "slots": 2,
        "load": 1,
        "version": "0.30.2",
        "device": "cuda:0",
        "memory_total": 24_000_000_000,
        "memory_free": 6_000_000_000,
        "by": HERE,
    }
    return ServerSeen(**(known | fields))


def overseeing(
    *board: ServerSeen, named: tuple[str, ...] = ("a",), runs: tuple[Generation, ...] = ()
) -> Oversee:
    """Return what oversees servers of these names, two slots each."""
    return Oversee(
        FakeGenerations({each.id: each for each in runs}),
        FakeServers(*board),
        COMFYUI,
        [ServerSettings(name=name, url=f"http://{name}.test", slots=2) for name in named],
        clock=FakeClock(later(1)),
        timing=TIMING,
    )


async def test_a_server_is_shown_as_it_was_seen() -> None:
    """With who has its slots; what another engine has is none of it."""
    placed = a_generation(RunStatus.RUNNING, id=the(1), engine=COMFYUI, slot="a#2")
    other = seen("x", engine=EngineName("other"))
    found = await overseeing(seen(), other, runs=(placed,))()

    [station] = found.servers
    assert (station.healthy, station.trouble, station.taken) == (True, None, 1)
    assert station.slots == (Slot("a#1", None), Slot("a#2", the(1)))
    [told] = shown(found).items
    assert (told.version, told.device, told.load, told.by) == ("0.30.2", "cuda:0", 1, HERE)
    assert (told.memory_free, told.seen_at, told.configured) == (6_000_000_000, NOON, True)


@pytest.mark.parametrize(
    ("board", "healthy", "trouble"),
    [
        ((), False, "nobody has seen it yet"),
        ((seen(at=NOON - TIMING.health_every * FRESH),), False, "nobody looks at it any more"),
        ((seen(healthy=False, trouble="cannot be reached"),), False, "cannot be reached"),
        ((seen(trouble="its socket answered no ping"),), True, "its socket answered no ping"),
    ],
)
async def test_what_is_wrong_with_a_server_is_said(
    board: tuple[ServerSeen, ...], trouble: str, *, healthy: bool
) -> None:
    """What was seen long ago says nothing; who never was seen is there all the same."""
    [station] = (await overseeing(*board)()).servers

    assert (station.healthy, station.trouble) == (healthy, trouble)
    assert len(shown(await overseeing(*board)()).items[0].slots) == 2


async def test_a_server_without_slots_keeps_what_it_has() -> None:
    """It is given no more, and is shown with them as long as they run."""
    placed = a_generation(RunStatus.RUNNING, id=the(1), engine=COMFYUI, slot="a#1")
    look = overseeing(seen(slots=0), runs=(placed,))
    look.servers = [ServerSettings(name="a", url="http://a.test", slots=0)]
    [station] = (await look()).servers

    assert (station.healthy, station.trouble) == (False, "is given no more runs: its slots are 0")
    assert station.slots == (Slot("a#1", the(1)),)


async def test_a_server_that_the_settings_do_not_name_is_shown_for_a_while() -> None:
    """As long as it has runs, or was seen within the hour; it takes none."""
    placed = a_generation(RunStatus.RUNNING, id=the(1), engine=COMFYUI, slot="gone#3")
    old = seen("old", at=NOON - REMEMBERED - timedelta(seconds=1))
    found = await overseeing(seen("late"), old, named=(), runs=(placed,))()

    assert [(each.name, each.named, each.healthy) for each in found.servers] == [
        ("gone", False, False),
        ("late", False, False),
    ]
    assert found.servers[0].slots == (Slot("gone#3", the(1)),)
    assert found.servers[1].trouble == "is not among our COMFYUI_SERVERS"


async def test_the_line_says_who_has_waited_longest() -> None:
    """How many wait, and since when the oldest does; nobody, and no time."""
    line = tuple(
        an_order(id=the(number), engine=COMFYUI, request_timestamp=later(-number))
        for number in (1, 2, 3)
    )
    found, none = await overseeing(runs=line)(), await overseeing()()

    assert (found.waiting, found.since) == (3, later(-1))
    assert (none.waiting, none.since) == (0, None)
    assert shown(found).line.model_dump() == {"waiting": 3, "since": later(-1)}


async def test_without_the_database_nothing_is_known() -> None:
    """Who asks is told so."""
    gate = Turnstile()
    look = Oversee(
        FakeGenerations(gate=gate),
        FakeServers(gate=gate),
        COMFYUI,
        (),
        clock=FakeClock(),
        timing=TIMING,
    )
    gate.down = StoreDownError("away")

    with pytest.raises(StoreDownError):
        await look()
