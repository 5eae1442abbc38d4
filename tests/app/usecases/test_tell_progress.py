"""app.usecases.tell_progress: the newest state is told, now and then, and never owed."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from app.errors import StoreDownError
from app.observability.journal import Journal
from app.ports import Endpoints
from app.usecases.listeners import Listeners
from app.usecases.records import Records
from app.usecases.tell_progress import REMEMBERED, TellProgress
from schemas.generation import Generation
from schemas.hook import Endpoint, HookEvent
from schemas.run import RunStatus
from tests.app.telegram.conditions import until
from tests.builders import ID, NOON, TIMING, a_generation, an_endpoint
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.hooks import FakeCourier, FakeEndpoints

pytestmark = pytest.mark.anyio


def at(progress: float, **fields: object) -> Generation:
    """A generation that has come so far."""
    running = a_generation(status=RunStatus.RUNNING, started_at=NOON, progress=progress)
    return running.change(**fields)


@asynccontextmanager
async def telling(
    endpoints: Endpoints,
    courier: FakeCourier,
    every: float = 0,
    generations: FakeGenerations | None = None,
) -> AsyncGenerator[TellProgress]:
    """Tell progress for the length of the block."""
    listeners = Listeners(endpoints, timedelta(seconds=3))
    await listeners.ready(NOON)
    telling = TellProgress(
        endpoints,
        listeners,
        courier,
        Records(generations or FakeGenerations(), FakeClock(), Journal()),
        Generation.internal,
        clock=FakeClock(),
        timing=TIMING.change(hook_progress=timedelta(seconds=every)),
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(telling.run())
        yield telling
        task.cancel()


def told(courier: FakeCourier) -> list[float]:
    """Return how far runs had come, as was told."""
    return [json.loads(each.body)["data"]["progress"] for each in courier.sent]


async def test_the_newest_is_told_and_the_rest_forgotten() -> None:
    """What came between two messages is never heard of; what brings no progress neither."""
    courier = FakeCourier()
    async with telling(FakeEndpoints(an_endpoint()), courier, every=0.02) as progress:
        progress.note(None, at(0.0))
        for percent in range(1, 50):
            progress.note(at(0.0), at(percent / 100))
        await until(lambda: bool(courier.sent))
        progress.note(at(0.49), at(0.6))
        progress.note(at(0.6), at(0.7))
        await until(lambda: told(courier)[-1] == 0.7)

    assert told(courier) == [0.49, 0.7]
    assert courier.sent[0].headers["webhook-id"] == f"{ID}:1:{an_endpoint().id}"
    assert json.loads(courier.sent[0].body)["type"] == "generation.progress"


async def test_what_was_asked_for_is_told_with_it() -> None:
    """Though who wrote the record remembered it without."""
    courier, stored = FakeCourier(), at(0.5)
    lean = stored.request_payload.change(inputs={})
    kept = FakeGenerations()
    kept.records[ID] = stored
    async with telling(FakeEndpoints(an_endpoint()), courier, generations=kept) as progress:
        progress.note(at(0.0), stored.change(request_payload=lean))
        await until(lambda: bool(courier.sent))

    inputs = json.loads(courier.sent[0].body)["data"]["requestPayload"]["inputs"]
    assert inputs == dict(stored.request_payload.inputs) != {}


async def test_an_end_takes_what_waits_with_it() -> None:
    """It is told as an end is."""
    courier = FakeCourier()
    async with telling(FakeEndpoints(an_endpoint()), courier) as progress:
        progress.note(at(0.0), at(0.5))
        progress.note(at(0.5), at(1.0, status=RunStatus.COMPLETED))
        progress.note(at(0.0), at(0.2, id="f" * 32))
        await until(lambda: bool(courier.sent))

    assert told(courier) == [0.2]


async def test_nobody_is_told_who_does_not_listen() -> None:
    """Nor who is paused; and a thousand runs wait at most."""
    courier = FakeCourier()
    deaf = an_endpoint(1, events=(HookEvent.JOB,))
    async with telling(FakeEndpoints(deaf), courier) as progress:
        progress.note(at(0.0), at(0.5))
    paused = FakeEndpoints(an_endpoint(2, paused_at=NOON), an_endpoint(3))
    async with telling(paused, courier) as progress:
        for number in range(REMEMBERED + 1):
            progress.note(at(0.0), at(0.5, id=f"{number:032x}"))
        await until(lambda: len(courier.sent) == REMEMBERED)

    assert {each.headers["webhook-id"][-32:] for each in courier.sent} == {an_endpoint(3).id}
    assert f"{0:032x}" not in {each.headers["webhook-id"][:32] for each in courier.sent}


class Troubled(FakeEndpoints):
    """Cannot be read the first times."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__(an_endpoint())
        self.errors = list(errors)

    async def listening(self, event: HookEvent, order: str) -> tuple[Endpoint, ...]:
        """See app.ports.Endpoints."""
        if self.errors:
            raise self.errors.pop(0)
        return await super().listening(event, order)


async def test_what_cannot_be_told_is_forgotten() -> None:
    """Neither a database that is away nor a fault of ours ends the telling."""
    courier, endpoints = FakeCourier(), Troubled(StoreDownError("away"), ValueError("x"))
    async with telling(endpoints, courier) as progress:
        for percent in (1, 2, 3):
            left = len(endpoints.errors)
            progress.note(at(0.0), at(percent / 100))
            await until(lambda left=left: len(endpoints.errors) < left or bool(courier.sent))

    assert told(courier) == [0.03]


class Counted(FakeEndpoints):
    """Counts how often it is asked who listens to something."""

    looked = 0

    async def listening(self, event: HookEvent, order: str) -> tuple[Endpoint, ...]:
        """See app.ports.Endpoints."""
        self.looked += 1
        return await super().listening(event, order)


async def test_an_endpoint_is_sent_one_at_a_time() -> None:
    """What comes while it is being told of something is not piled up."""
    courier = FakeCourier()
    courier.may.clear()
    endpoints = Counted(an_endpoint())
    async with telling(endpoints, courier) as progress:

        def further() -> bool:
            progress.note(at(0.1), at(0.9))
            return told(courier)[-1] == 0.9

        progress.note(at(0.0), at(0.1))
        await until(lambda: len(courier.sent) == 1)
        for number in range(20):
            progress.note(at(0.0), at(0.2, id=f"{number:032x}"))
        await until(lambda: endpoints.looked == 21)
        courier.may.set()
        await until(further)

    assert set(told(courier)) == {0.1, 0.9}
