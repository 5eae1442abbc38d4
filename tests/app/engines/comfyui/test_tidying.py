"""app.engines.comfyui.tidying: what a server goes on with is stopped, whoever ended it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from app.engines.comfyui import ComfyServer
from app.engines.comfyui.tidying import Tidying
from app.errors import StoreDownError
from schemas.base import RunId
from schemas.generation import EngineRun
from schemas.run import RunStatus
from schemas.timing import Timing
from tests.app.engines.comfyui.scene import a_run, an_odd_server
from tests.app.engines.comfyui.test_tenure_counts import following
from tests.builders import COMFYUI, NOON, TIMING, a_generation, some_metadata
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations

pytestmark = pytest.mark.anyio

SUCCESS: Final[dict[str, Any]] = {"status_str": "success", "completed": True, "messages": []}


class Box:
    """A server that says what it is told to, and cancels nothing.

    Attributes:
        running: The run that it works on.
        pending: The runs that wait.
        done: The runs that it has completed.
        dead: Runs whatever is asked about is answered 500 to.
        cancelled: What it was told to cancel, in order.
        asked: How often it was asked for its queue.
        looked: Set once it was asked what it has to do.
        told: Set once it was told to cancel a run.
    """

    def __init__(self, *pending: RunId, running: RunId | None = None) -> None:
        self.running = running
        self.pending = pending
        self.done = frozenset[RunId]()
        self.dead = frozenset[RunId]()
        self.cancelled = list[RunId]()
        self.asked = 0
        self.looked, self.told = asyncio.Event(), asyncio.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        parts = request.url.path.split("/")
        if not self.dead.isdisjoint(parts):
            return httpx.Response(500)
        return httpx.Response(200, json=self._answer(parts))

    def _answer(self, parts: list[str]) -> Any:  # noqa: ANN401 - any JSON
        running = [] if self.running is None else [self.running]
        match parts[2:]:
            case ["system_stats"]:
                return {"system": {"comfyui_version": "0.30.2"}, "devices": []}
            case ["prompt"]:
                self.looked.set()
                return {"exec_info": {"queue_remaining": len(running) + len(self.pending)}}
            case ["queue"]:
                self.asked += 1
                return {"queue_running": _line(running), "queue_pending": _line(self.pending)}
            case ["history", run]:
                return {run: {"status": SUCCESS, "outputs": {}}} if run in self.done else {}
            case [*_, run, "cancel"]:
                self.cancelled.append(RunId(run))
                self.told.set()
                return {}
            case _:
                raise NotImplementedError(parts)


def _line(runs: Sequence[RunId]) -> list[Any]:
    return [[number, run] for number, run in enumerate(runs)]


class Scene:
    """A server that is tidied, and what is known of its runs.

    Attributes:
        tidying: What tidies it.
        follow: What hears of its runs.
        followed: The runs that are followed there.
    """

    def __init__(self, server: ComfyServer, timing: Timing) -> None:
        self.store = Turnstile()
        self.generations = FakeGenerations(gate=self.store)
        self.clock = FakeClock()
        self.follow = following(server, self.generations, self.clock)
        self.followed = set[RunId]()
        self.tidying = Tidying(
            server, self.follow, lambda: self.followed, clock=self.clock, timing=timing
        )

    def knows(self, status: RunStatus, *runs: RunId, serves: bool = True) -> None:
        """Keep a generation that had these runs, of which the last serves it, or none."""
        tried = tuple(
            EngineRun(attempt=attempt, run_id=run, server="box", submitted_at=NOON)
            for attempt, run in enumerate(runs, 1)
        )
        record = a_generation(
            status,
            id=self.clock.new_id(),
            engine=COMFYUI,
            attempt=len(runs) + (not serves),
            runs=tried,
            metadata=some_metadata(run_id=runs[-1] if serves else None),
        )
        self.generations.records[record.id] = record


@asynccontextmanager
async def a_scene(box: Box, timing: Timing = TIMING) -> AsyncGenerator[Scene]:
    """Return a server that is not tidied yet."""
    async with an_odd_server(box) as server:
        yield Scene(server, timing)


async def test_what_nobody_waits_for_is_stopped() -> None:
    """Ended, or served by another run by now; what serves and what is a stranger's goes on."""
    ended, former, current, waits, strangers = map(a_run, range(5))
    box = Box(former, current, waits, strangers, running=ended)
    async with a_scene(box) as scene:
        scene.knows(RunStatus.TIMEOUT, ended)
        scene.knows(RunStatus.RUNNING, former, current)
        scene.knows(RunStatus.QUEUED, waits)
        await scene.tidying.once()

    assert box.cancelled == [ended, former]
    assert scene.tidying.stuck is None


async def test_a_former_run_is_stopped_while_the_next_one_waits_or_has_been_cancelled() -> None:
    """Its server was away when it was given up, and is back."""
    waits, cancelled = a_run(1), a_run(2)
    box = Box(waits, cancelled)
    async with a_scene(box) as scene:
        scene.knows(RunStatus.PENDING, waits, serves=False)
        scene.knows(RunStatus.CANCELLED, cancelled, serves=False)
        await scene.tidying.once()

    assert box.cancelled == [waits, cancelled]


async def test_a_run_that_is_not_stopped_makes_its_server_stuck() -> None:
    """Once it has had its time for that; when the run is gone, the server is well."""
    box = Box(running=a_run())
    async with a_scene(box) as scene:
        scene.knows(RunStatus.TIMEOUT, a_run())
        await scene.tidying.once()
        scene.clock.move(TIMING.cancel_grace)
        await scene.tidying.once()
        assert scene.tidying.stuck is None
        scene.clock.move(timedelta(seconds=1))
        await scene.tidying.once()
        assert scene.tidying.stuck == a_run()
        # It is looked at however little there is to do.
        scene.followed.add(a_run())
        box.running = None
        await scene.tidying.once()
        assert scene.tidying.stuck is None


async def test_a_run_that_waits_makes_no_server_stuck() -> None:
    """A stranger's works there for longer than the time it has to stop."""
    box = Box(a_run(), running=a_run(2))
    async with a_scene(box) as scene:
        scene.knows(RunStatus.TIMEOUT, a_run())
        await scene.tidying.once()
        scene.clock.move(2 * TIMING.cancel_grace)
        await scene.tidying.once()

    assert scene.tidying.stuck is None
    assert box.cancelled == [a_run(), a_run()]


async def test_a_stop_that_did_not_arrive_does_not_count() -> None:
    """The others are told to stop all the same."""
    box = Box(a_run(2), running=a_run())
    async with a_scene(box) as scene:
        scene.knows(RunStatus.TIMEOUT, a_run())
        scene.knows(RunStatus.TIMEOUT, a_run(2))
        box.dead = frozenset({a_run()})
        await scene.tidying.once()
        scene.clock.move(2 * TIMING.cancel_grace)
        await scene.tidying.once()

    assert box.cancelled == [a_run(2), a_run(2)]
    assert scene.tidying.stuck is None


async def test_a_server_with_nothing_but_what_is_followed_is_not_asked_for_its_queue() -> None:
    """A queue is large where others' workflows are in it."""
    box = Box(running=a_run())
    async with a_scene(box) as scene:
        scene.knows(RunStatus.RUNNING, a_run())
        scene.followed.add(a_run())
        await scene.tidying.once()
        assert box.asked == 0
        scene.tidying.returned()
        await scene.tidying.once()
        assert box.asked > 0


async def test_former_runs_that_are_lost_do_not_hide_those_that_are_done() -> None:
    """Each is looked at for itself; one whose server does not say is asked about again."""
    lost, odd, done, going = map(a_run, range(4))
    box = Box(running=going)
    box.done, box.dead = frozenset({done, odd}), frozenset({odd})
    async with a_scene(box) as scene:
        for run in (lost, odd, done, going):
            scene.knows(RunStatus.PENDING, run, serves=False)
        scene.tidying.returned()
        await scene.tidying.once()
        assert [(each.run_id, each.status) for each in scene.follow.heard] == [
            (done, RunStatus.COMPLETED)
        ]
        assert box.cancelled == [going]
        box.dead = frozenset()
        scene.follow.heard.clear()
        await scene.tidying.once()
        assert {each.run_id for each in scene.follow.heard} == {odd, done}
        scene.follow.heard.clear()
        await scene.tidying.once()
        assert scene.follow.heard == []


async def test_a_current_run_and_one_of_another_server_are_no_former_ones() -> None:
    """They are not asked about here."""
    former, current = a_run(1), a_run(2)
    box = Box()
    box.done = frozenset({former, current})
    async with a_scene(box) as scene:
        scene.knows(RunStatus.RUNNING, former, current)
        scene.tidying.returned()
        await scene.tidying.once()

    assert [each.run_id for each in scene.follow.heard] == [former]


@pytest.mark.parametrize("fault", [StoreDownError("away"), RuntimeError("a fault of ours")])
async def test_what_goes_wrong_is_looked_at_the_next_time(fault: Exception) -> None:
    """Nothing ends the looking; a server that has returned is looked at again at once."""
    box, quick = Box(running=a_run()), TIMING.change(tidy_every=timedelta(milliseconds=1))
    async with a_scene(box, quick) as scene:
        scene.knows(RunStatus.TIMEOUT, a_run())
        scene.store.script(fault)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(scene.tidying.run())
            await box.told.wait()
            task.cancel()

    assert box.cancelled[0] == a_run()


async def test_a_server_that_returns_is_looked_at_at_once() -> None:
    """However long it would be until the next look."""
    box = Box()
    async with a_scene(box) as scene, asyncio.timeout(20), asyncio.TaskGroup() as group:
        scene.knows(RunStatus.TIMEOUT, a_run())
        task = group.create_task(scene.tidying.run())
        await box.looked.wait()
        box.running = a_run()
        scene.tidying.returned()
        await box.told.wait()
        task.cancel()
