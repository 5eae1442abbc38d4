"""What everything that tells of changes does, and everything that reads what is shown."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from app.ports import Changes, MissedError, Write
from schemas.base import GenerationId
from schemas.job import JobId, JobStatus
from schemas.live import Change, Kind, Position, Wanted
from schemas.run import RunStatus
from tests.builders import (
    ID,
    JOB,
    NOON,
    USER,
    a_generation,
    a_job,
    an_order,
    its_id,
    later,
    some_metadata,
)
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


class Listener:
    """Hears what is told."""

    def __init__(self) -> None:
        self.heard_of = list[Change]()
        self.losses = 0
        self.is_open = asyncio.Event()
        self._more = asyncio.Event()

    def opened(self) -> None:
        """See app.ports.Ear."""
        self.is_open.set()

    def heard(self, change: Change) -> None:
        """See app.ports.Ear."""
        self.heard_of.append(change)
        self._more.set()

    def lost(self) -> None:
        """See app.ports.Ear."""
        self.losses += 1
        self._more.set()

    async def until(self, good: Callable[["Listener"], object]) -> None:
        """Wait until what was heard is good."""
        try:
            async with asyncio.timeout(20):
                while not good(self):
                    await self._more.wait()
                    self._more.clear()
        except TimeoutError:
            raise AssertionError(f"only heard {self.heard_of}") from None


@asynccontextmanager
async def listening(changes: Changes) -> AsyncGenerator[Listener]:
    """Follow changes inside this block."""
    ear = Listener()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(changes.follow(ear))
        async with asyncio.timeout(20):
            await ear.is_open.wait()
        yield ear
        following.cancel()


async def test_every_change_is_told_in_its_order(ports: Ports) -> None:
    """Of what is new, of what is changed, and of previews: each with a later position."""
    before = await ports.changes.now()
    async with listening(ports.changes) as ear:
        made = a_generation()
        await ports.generations.insert(made)
        await ports.generations.write([Write(made, made.change(progress=0.5))])
        again = await ports.generations.get(ID)
        assert again is not None
        await ports.generations.write([Write(again, again.change(status=RunStatus.RUNNING))])
        await ports.jobs.insert(a_job())
        await ports.previews.put(ID, b"picture", "image/jpeg", later(1))
        await ear.until(lambda told: len(told.heard_of) >= 5)

    told = ear.heard_of
    assert [(each.kind, each.id, each.moved) for each in told[:3]] == [
        (Kind.GENERATION, ID, True),
        (Kind.GENERATION, ID, False),
        (Kind.GENERATION, ID, True),
    ]
    assert [(each.kind, each.id) for each in told[3:]] == [(Kind.JOB, JOB), (Kind.PREVIEW, ID)]
    assert told[4].drawn == later(1)
    positions = [each.at for each in told]
    assert positions == sorted(set(positions))
    assert before < positions[0]
    assert positions[-1] <= await ports.changes.now()


async def test_what_has_changed_since_a_position_is_told(ports: Ports) -> None:
    """The change at it and all later ones, each record once; the status's change is kept."""
    async with listening(ports.changes) as ear:
        for n in range(3):
            await ports.generations.insert(an_order(id=its_id(n)))
        first = an_order(id=its_id(0))
        await ports.generations.write([Write(first, first.change(progress=0.5))])
        await ear.until(lambda told: len(told.heard_of) >= 4)
    made = ear.heard_of

    found = await ports.changes.since(made[0].at, 10)
    assert [its_id(1), its_id(2), its_id(0)] == [each.id for each in found]
    assert [each.moved for each in found] == [True, True, True]
    assert [made[3]] == list(await ports.changes.since(made[3].at, 10))
    assert [made[2].id, made[3].id] == [
        each.id for each in await ports.changes.since(made[2].at, 2)
    ]


@pytest.mark.parametrize("reason", ["unknown", "too_much"])
async def test_what_cannot_be_told_is_said_to_be_missed(ports: Ports, reason: str) -> None:
    """A position that is not of this database, and more records than are wanted."""
    start = await ports.changes.now()
    for n in range(3):
        await ports.generations.insert(an_order(id=its_id(n)))
    position = start if reason == "too_much" else Position(start.seconds + 9_999, 1)

    with pytest.raises(MissedError, match=reason):
        await ports.changes.since(position, 2)


async def test_records_are_seen_whole(ports: Ports) -> None:
    """With what was asked for; those that are not there are left out."""
    made, job = a_generation(), a_job()
    await ports.generations.insert(made)
    await ports.jobs.insert(job)

    seen = await ports.views.generations([ID, its_id(9)])
    assert list(seen) == [ID]
    assert made.request_payload == seen[ID].request_payload
    assert list(await ports.views.jobs([JOB, JobId(its_id(9))])) == [JOB]
    assert await ports.views.generations([]) == {}


async def test_it_is_known_when_the_newest_previews_came(ports: Ports) -> None:
    """Of those that have one."""
    await ports.previews.put(ID, b"picture", "image/jpeg", NOON)
    await ports.previews.put(ID, b"another", "image/jpeg", later(1))
    await ports.previews.put(its_id(1), b"somebody else's", "image/jpeg", later(2))

    assert await ports.views.drawn([ID, its_id(9)]) == {ID: later(1)}
    assert await ports.views.drawn([]) == {}


async def test_a_scene_is_what_is_open_and_what_has_ended_last(ports: Ports) -> None:
    """The newest of each, oldest first; of one status, of one person, of one job all of it."""
    ended = RunStatus.COMPLETED
    mine = some_metadata(user_id=USER)
    for n, status in enumerate([ended, ended, RunStatus.RUNNING, ended, RunStatus.QUEUED]):
        fields = {"metadata": mine, "job_id": JOB, "step": n, "item": 1} if n == 0 else {}
        made = a_generation(status, id=its_id(n), response_timestamp=NOON, **fields)
        await ports.generations.insert(made.change(metadata=made.metadata.change(run_id=f"r{n}")))
    await ports.jobs.insert(a_job(status=JobStatus.COMPLETED))

    async def seen(wanted: Wanted, ended: int = 2) -> list[int]:
        scene = await ports.views.scene(wanted, most_open=5, most_ended=ended)
        names = [its_id(n) for n in range(5)]
        return [names.index(GenerationId(each.id)) for each in scene.generations]

    assert await seen(Wanted()) == [1, 2, 3, 4]
    assert await seen(Wanted(status="open")) == [2, 4]
    assert await seen(Wanted(status="completed"), 1) == [3]
    assert await seen(Wanted(status="running")) == [2]
    assert await seen(Wanted(user=USER)) == [0]
    assert await seen(Wanted(job=JOB), 0) == [0]
    jobs = [
        (await ports.views.scene(wanted, most_open=5, most_ended=5)).jobs
        for wanted in (Wanted(), Wanted(status="open"), Wanted(generation=its_id(1)))
    ]
    assert list(map(len, jobs)) == [1, 0, 0]
