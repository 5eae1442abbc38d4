"""What becomes of a call says how its engine fares, whatever the use case makes of it."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.usecases.circuits import IN_A_ROW, Circuits
from app.usecases.watched import Watched
from schemas.base import GenerationId, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport
from tests.app.usecases.scenes import METRICS, TIMING, Scene
from tests.builders import COMFYDEPLOY, NOON, RUN, a_generation
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.engines import FakeEngine
from tests.fakes.gates import Turnstile

pytestmark = pytest.mark.anyio

BUSY = PeerBusyError(COMFYDEPLOY, "answered 429")
UNKNOWN = PeerUnknownError(COMFYDEPLOY, "answered 502")
DOWN = PeerDownError(COMFYDEPLOY, "cannot be reached")
REFUSED = PeerRefusedError(COMFYDEPLOY, "no")
MISSING = PeerMissingError(COMFYDEPLOY, "no")

Call = Callable[[Watched, int], Awaitable[object]]


async def listed(engine: Watched, number: int) -> list[RunReport]:
    """List the recent runs of one of several generations."""
    found: AsyncIterator[RunReport] = engine.recent(one(number), NOON)
    return [each async for each in found]


async def some_bytes() -> AsyncIterator[bytes]:
    """A file."""
    yield bytes(9)


def one(number: int) -> Generation:
    """One of several generations."""
    return a_generation(id=GenerationId(f"0198c0ffee{number:022x}"))


CALLS: dict[str, Call] = {
    "submit": lambda engine, number: engine.submit(one(number), "https://us.example.com"),
    "read": lambda engine, number: engine.read(RunAt(RunId(f"run-{number}"))),
    "recent": listed,
    "upload": lambda engine, number: engine.upload(f"{number}.png", some_bytes(), 9, "image/png"),
}


def watched(gate: Turnstile) -> tuple[Watched, Circuits]:
    """An engine behind a gate, and its circuit."""
    circuits = Circuits(FakeClock(), TIMING, FakeAlerts(), METRICS)
    return Watched(FakeEngine(gate), circuits), circuits


async def failing(engine: Watched, call: Call, *numbers: int) -> None:
    """Make calls about several runs, all of which fail."""
    for number in numbers:
        with pytest.raises(PeerError):
            await call(engine, number)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_one_that_cannot_be_reached_is_down_at_once(call: Call) -> None:
    """Whatever it was asked."""
    gate = Turnstile()
    engine, circuits = watched(gate)
    gate.down = DOWN
    await failing(engine, call, 1)

    assert circuits.closed_until(COMFYDEPLOY) is not None


@pytest.mark.parametrize("fault", [BUSY, UNKNOWN])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_one_that_fails_several_in_a_row_is_down(call: Call, fault: PeerError) -> None:
    """Several runs, that is: one may fail as often as it likes."""
    gate = Turnstile()
    engine, circuits = watched(gate)
    gate.down = fault
    await failing(engine, call, *[1] * 9, *range(2, IN_A_ROW))
    assert circuits.closed_until(COMFYDEPLOY) is None
    await failing(engine, call, IN_A_ROW)

    assert circuits.closed_until(COMFYDEPLOY) is not None


@pytest.mark.parametrize("answer", [None, REFUSED, MISSING])
async def test_an_answer_ends_the_row(answer: PeerError | None) -> None:
    """A no is one too."""
    gate = Turnstile()
    engine, circuits = watched(gate)
    gate.down = UNKNOWN
    await failing(engine, CALLS["read"], *range(1, IN_A_ROW))
    gate.down = answer
    with suppress(PeerRefusedError, PeerMissingError):
        await engine.cancel(RunAt(RUN))
    gate.down = UNKNOWN
    await failing(engine, CALLS["read"], IN_A_ROW)

    assert circuits.closed_until(COMFYDEPLOY) is None


async def test_runs_that_cannot_be_cancelled_and_named_waits_say_nothing() -> None:
    """The engine is well."""
    gate = Turnstile()
    engine, circuits = watched(gate)
    gate.down = UNKNOWN
    await failing(
        engine, lambda each, number: each.cancel(RunAt(RunId(f"run-{number}"))), *range(9)
    )
    gate.down = PeerBusyError(COMFYDEPLOY, "answered 429", timedelta(seconds=9))
    await failing(engine, CALLS["read"], *range(9))

    assert circuits.closed_until(COMFYDEPLOY) is None


@pytest.mark.parametrize("fault", [PeerDownError("storage", "away"), MISSING])
async def test_faults_of_the_storage_say_nothing_of_the_engine(fault: PeerError) -> None:
    """What is uploaded comes from there; whatever befalls it, the engine is neither down nor up."""
    engine, circuits = watched(Turnstile())
    peer = type(fault)("storage", "away")

    async def broken() -> AsyncIterator[bytes]:
        raise peer
        yield b""

    with pytest.raises(type(fault), match="storage"):
        await engine.upload("a.png", broken(), 9, "image/png")
    assert circuits.closed_until(COMFYDEPLOY) is None


async def test_submits_that_get_no_answer_spare_those_behind_them() -> None:
    """After several in a row none is sent until the engine answers again."""
    async with Scene().running() as scene:
        for number in range(IN_A_ROW):
            scene.engine.next_run = RunId(f"run-{number}")
            scene.engine_gate.script(None, UNKNOWN)
            await scene.order()
            await asyncio.sleep(0.5)
        await scene.order()
        await asyncio.sleep(5)

    assert len(scene.engine.submitted) == IN_A_ROW
    assert scene.alerts.raised == ["comfydeploy_down"]


class Inlining(FakeEngine):
    """An engine that is given files within its inputs."""

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """See app.ports.Engine."""
        return f"data:{content_type};base64,{await super().upload(name, content, size, '')}"


async def test_a_file_that_nobody_was_given_says_nothing() -> None:
    """An engine that is down is not up because a file was put into words."""
    circuits = Circuits(FakeClock(), TIMING, FakeAlerts(), METRICS)
    circuits.failed(COMFYDEPLOY, "no credit")
    await Watched(Inlining(), circuits).upload("a.png", some_bytes(), 9, "image/png")
    assert circuits.closed_until(COMFYDEPLOY) is not None
    await Watched(FakeEngine(), circuits).upload("a.png", some_bytes(), 9, "image/png")
    assert circuits.closed_until(COMFYDEPLOY) is None
