"""A 200 means that the event is on disk; until then the sender waits, but not for ever."""

import asyncio
import re
from datetime import timedelta

import pytest

from app.errors import OverloadedError, StoreDownError, UnavailableError
from app.usecases import accept_events, apply_events
from app.usecases.accept_events import Acceptor
from schemas.base import GenerationId
from schemas.run import RunStatus
from tests.app.usecases.scenes import METRICS, TIMING, Scene
from tests.app.usecases.works import REPLICATE
from tests.builders import COMFYDEPLOY, ID, RUN

pytestmark = pytest.mark.anyio

GONE = StoreDownError("gone")


async def many(scene: Scene, count: int, generation: GenerationId = ID) -> list[object]:
    """Have so many events accepted at once; return None or the fault of each."""
    return await asyncio.gather(
        *(scene.hear(generation, "running") for _ in range(count)), return_exceptions=True
    )


def counted() -> int:
    """Return how many events were counted as accepted."""
    found = re.search(rb'events_accepted_total{engine="comfydeploy"} (\d+)', METRICS.render())
    return int(found[1]) if found else 0


async def test_the_requests_of_a_moment_share_one_insert() -> None:
    """While one insert is under way the others gather for the next; each is counted."""
    before = counted()
    async with Scene().running() as scene:
        assert await many(scene, 100) == [None] * 100

    assert len(scene.inbox.batches) <= 2
    assert counted() == before + 100
    assert sum(len(each.events) for each in scene.inbox.batches.values()) == 100


async def test_a_batch_has_a_limit() -> None:
    """In events, so that a document stays small."""
    async with Scene().running() as scene:
        await many(scene, 600)

    sizes = [len(each.events) for each in scene.inbox.batches.values()]
    assert max(sizes) == accept_events.BATCH_EVENTS


async def test_a_database_that_is_back_in_time_refuses_nobody() -> None:
    """Every sender gets its 200, late."""
    async with Scene().running() as scene:
        scene.store.down = GONE
        accepting = asyncio.ensure_future(many(scene, 20))
        await asyncio.sleep(10)
        assert not accepting.done()
        scene.store.down = None
        assert await accepting == [None] * 20

    assert sum(len(each.events) for each in scene.inbox.batches.values()) == 20
    assert scene.asked_all == 0


async def test_one_that_is_not_has_every_open_run_asked() -> None:
    """Senders are refused after their limit; what they had to say is asked for."""
    async with Scene().running() as scene:
        generation = await scene.order()
        await asyncio.sleep(1)
        scene.store.down = GONE
        began = scene.clock.now()
        (fault,) = await many(scene, 1, generation)
        waited = (scene.clock.now() - began).total_seconds()
        assert isinstance(fault, UnavailableError)
        assert 15 <= waited < 16
        await asyncio.sleep(5)
        scene.store.down = None
        await scene.hear(generation, "running")
        await asyncio.sleep(3)

    assert scene.asked_all >= 1


async def test_a_lost_answer_of_the_insert_stores_once() -> None:
    """The same batch is tried again under its id."""
    async with Scene().running() as scene:
        await asyncio.sleep(0.5)
        scene.store.script(None, GONE)
        await scene.hear(ID, "running")

    assert len(scene.inbox.batches) == 1


async def test_what_waits_has_bounds() -> None:
    """Beyond them a sender is refused at once."""
    scene = Scene()
    waiting = [
        asyncio.ensure_future(scene.hear(ID, "running")) for _ in range(accept_events.ROOM_EVENTS)
    ]
    await asyncio.sleep(0)

    with pytest.raises(OverloadedError):
        await scene.hear(ID, "running")
    for each in waiting:
        each.cancel()


async def test_closing_writes_what_still_waits() -> None:
    """Nobody who was let in is left without an answer."""
    scene = Scene()
    waiting = asyncio.ensure_future(many(scene, 5))
    await asyncio.sleep(0.01)
    scene.acceptor.close()
    await scene.acceptor.run()

    assert await waiting == [None] * 5


async def test_without_room_senders_are_refused_in_their_time() -> None:
    """The database went while many events waited to be applied: nobody waits for ever."""
    async with Scene().running() as scene:
        scene.generations.gate = scene.engine_gate
        scene.engine_gate.down = GONE
        assert await many(scene, apply_events.ROOM + 1) == [None] * (apply_events.ROOM + 1)
        began = scene.clock.now()
        (fault,) = await many(scene, 1)
        waited = (scene.clock.now() - began).total_seconds()
        scene.engine_gate.down = None

    assert isinstance(fault, UnavailableError)
    assert 15 <= waited < 16
    assert scene.asked_all >= 1


async def test_who_tries_again_for_a_minute_is_refused_soon() -> None:
    """Each try spent waiting would be one fewer; who does not waits on."""
    scene = Scene()
    acceptor = Acceptor(
        scene.inbox,
        scene.applier,
        clock=scene.clock,
        timing=TIMING,
        metrics=METRICS,
        on_return=scene.sweep.ask_all,
        patient={COMFYDEPLOY},
    )
    scene.acceptor = acceptor
    async with scene.running():
        scene.store.down = GONE
        began = scene.clock.now()
        delivery, event = scene.a_webhook(ID, b'{"run_id": "r", "status": "running"}')
        others = delivery.change(engine=REPLICATE)
        waiting = asyncio.ensure_future(acceptor.accept(others, event))
        with pytest.raises(UnavailableError):
            await acceptor.accept(delivery, event)
        assert 3 <= (scene.clock.now() - began).total_seconds() < 4
        with pytest.raises(UnavailableError):
            await waiting
        assert 15 <= (scene.clock.now() - began).total_seconds() < 16
        scene.store.down = None


async def test_each_sender_of_a_batch_is_refused_in_its_own_time() -> None:
    """Who has waited for long does not wait for who has just come."""
    async with Scene().running() as scene:
        scene.store.down = GONE
        first = asyncio.ensure_future(many(scene, 1))
        await asyncio.sleep(14)
        second = asyncio.ensure_future(many(scene, 1))
        await asyncio.sleep(2)
        assert first.done()
        assert not second.done()
        scene.store.down = None
        assert await second == [None]


async def test_everybody_is_answered_once() -> None:
    """Who was refused while the others could wait is not told afterwards that it is on disk."""
    told: dict[str, list[UnavailableError | None]] = {"early": [], "late": []}
    async with Scene().running() as scene:
        generation = await scene.order()
        await asyncio.sleep(1)
        scene.store.down = GONE
        raw = b'{"run_id": "r", "status": "running"}'
        scene.acceptor.put(*scene.a_webhook(generation, raw), told["early"].append)
        early, event = scene.a_webhook(generation, raw)
        aged = early.change(at=early.at - TIMING.accept_limit + timedelta(seconds=1))
        scene.acceptor.put(aged, event, told["late"].append)
        await asyncio.sleep(5)
        assert [isinstance(each, UnavailableError) for each in told["late"]] == [True]
        scene.store.down = None
        await asyncio.sleep(5)

    assert told["early"] == [None]
    assert len(told["late"]) == 1


async def test_a_sender_who_cannot_be_answered_keeps_it_from_nobody() -> None:
    """The event is applied, and the next one is answered."""
    told = list[UnavailableError | None]()

    def broken(_: UnavailableError | None) -> None:
        raise RuntimeError("the handler is closed")

    async with Scene().running() as scene:
        generation = await scene.order()
        await asyncio.sleep(1)
        raw = f'{{"run_id": "{RUN}", "status": "running"}}'.encode()
        scene.acceptor.put(*scene.a_webhook(generation, raw), broken)
        scene.acceptor.put(*scene.a_webhook(generation, raw), told.append)
        await asyncio.sleep(3)

    assert told == [None]
    assert scene.record(generation).status is RunStatus.RUNNING
