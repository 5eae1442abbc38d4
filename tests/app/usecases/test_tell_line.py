"""app.usecases.tell_line: everybody who waits for a server learns their place in the line."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.errors import StoreDownError, UnreadableError
from app.usecases.duty import LINE, Duty
from app.usecases.taking import Taking
from app.usecases.tell_line import KNOWN_FOR, TOLD, TellLine
from processors.scheduling import FRESH, Waiting
from schemas.base import EngineName, GenerationId, InstanceName
from schemas.generation import Generation
from schemas.run import RunStatus
from tests.app.usecases.yards import TIMING, Yard
from tests.builders import (
    CHAT,
    COMFYUI,
    HERE,
    a_placed,
    a_server_seen,
    a_waiting,
    later,
    owes,
    some_metadata,
)
from tests.fakes.generations import FakeGenerations
from tests.fakes.leases import FakeLeases
from tests.fakes.servers import FakeServers

pytestmark = pytest.mark.anyio

DOWN = StoreDownError("no answer")


class Counting(FakeGenerations):
    """Generations some of which cannot be read.

    Attributes:
        asked: How often it was looked what a preset takes.
        odd: Which cannot be read.
        before: What waited a moment ago, in place of what does now.
    """

    asked = 0
    odd = ""
    before: tuple[Waiting, ...] = ()

    async def waiting(self, engine: EngineName) -> tuple[Waiting, ...]:
        """See app.ports.Generations."""
        return self.before or await super().waiting(engine)

    async def last_durations(self, preset: str, limit: int) -> tuple[float, ...]:
        """See app.ports.Generations."""
        self.asked += 1
        return await super().last_durations(preset, limit)

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """See app.ports.Generations."""
        if self.odd in ids:
            raise UnreadableError(self.odd)
        return await super().many(ids)


class Setting(Yard):
    """A process that tells the line, and the servers as they were seen last."""

    def __init__(self, *servers: str) -> None:
        super().__init__(generations=Counting)
        self.board = FakeServers(*(a_server_seen(each) for each in servers))
        self.leases = FakeLeases()
        self.duty = self.a_duty()
        self.line = TellLine(
            self.records,
            self.turns,
            self.board,
            COMFYUI,
            duty=self.duty,
            taking=Taking(HERE, TIMING, background=True, messenger=None),
            timing=TIMING,
        )

    def a_duty(self, name: InstanceName = HERE) -> Duty:
        """The duty of telling the line."""
        return Duty(self.leases, name, self.clock, TIMING, LINE)

    def waits(self, number: int, **fields: Any) -> GenerationId:  # noqa: ANN401 - any field of the record
        """Have a run wait."""
        made = GenerationId(f"{number:032x}")
        metadata = some_metadata(user_id="ada", preset=fields.pop("preset", None))
        self.generations.records[made] = a_waiting(**({"id": made, "metadata": metadata} | fields))
        return made

    def told(self, *ids: GenerationId) -> list[tuple[int | None, float | None]]:
        """What these know of the line: their place, and in how many seconds they begin."""
        return [
            (
                (record := self.record(each)).queue_position,
                record.expected_start_at and (record.expected_start_at - later(0)).total_seconds(),
            )
            for each in ids
        ]


async def test_everybody_learns_their_place_and_when_it_is_reached() -> None:
    """By what runs of their preset usually take, half of them less; a minute, if nobody knows."""
    setting = Setting("one")
    for number, seconds in enumerate((10.0, 30.0, 20.0)):
        metadata = some_metadata(preset="quick")
        made = GenerationId(f"{number:032x}")
        setting.generations.records[made] = a_placed(
            RunStatus.COMPLETED, id=made, metadata=metadata, duration_seconds=seconds, slot=None
        )
    setting.generations.records["f" * 32] = a_placed(
        RunStatus.RUNNING,
        id=GenerationId("f" * 32),
        metadata=some_metadata(run_id="r", preset="quick"),
        started_at=later(-5),
    )
    ids = [setting.waits(10, preset="quick"), setting.waits(11), setting.waits(12)]
    await setting.line.once()

    assert setting.told(*ids) == [(1, 15), (2, 35), (3, 95)]
    assert setting.record(ids[0]).metadata.telegram_chat_id == CHAT
    assert owes(setting.record(ids[0])) == ["show", "submit"]


async def test_what_is_no_news_is_not_written() -> None:
    """A line in which nothing moves costs nothing but the look at it."""
    setting = Setting("one")
    (waits,) = [setting.waits(1)]
    await setting.line.once()
    record = setting.record(waits)
    await setting.line.once()

    assert setting.record(waits) is record


async def test_nothing_is_expected_where_no_server_is_well() -> None:
    """Nor where nobody has seen one for a while, nor for another engine's."""
    setting = Setting()
    (waits,) = [setting.waits(1)]
    old = later(0) - TIMING.health_every * FRESH
    for seen in (
        a_server_seen("one", healthy=False),
        a_server_seen("two", at=old),
        a_server_seen("three", engine="another"),
    ):
        await setting.board.put(seen)
    await setting.line.once()

    assert setting.told(waits) == [(1, None)]


async def test_it_is_not_looked_all_the_time_what_a_preset_takes() -> None:
    """A minute long it is gone by what was found."""
    setting = Setting("one")
    setting.waits(1, preset="quick")
    assert isinstance(setting.generations, Counting)
    for _ in range(3):
        await setting.line.once()
    assert setting.generations.asked == 1
    await asyncio.sleep(KNOWN_FOR.total_seconds() + 1)
    await setting.line.once()

    assert setting.generations.asked == 2


async def test_an_empty_line_is_told_nothing() -> None:
    """Nobody looks at servers for it."""
    setting = Setting("one")
    setting.generations.records["a"] = a_placed()
    await setting.line.once()

    assert setting.record(GenerationId("a")) == a_placed()


async def test_who_was_served_while_it_was_told_is_told_nothing() -> None:
    """A record that is under way has no place in the line, and one that is gone none at all."""
    setting = Setting("one")
    first, second, third = (setting.waits(each) for each in (1, 2, 3))
    assert isinstance(setting.generations, Counting)
    setting.generations.before = await setting.generations.waiting(COMFYUI)
    setting.generations.records[first] = a_placed(id=first)
    setting.generations.records.pop(second)

    await setting.line.once()

    assert setting.record(first).queue_position is None
    assert setting.told(third)[0][0] == 3


async def test_one_record_that_cannot_be_read_keeps_nobody_from_being_told() -> None:
    """Those before and behind it learn their place."""
    setting = Setting("one")
    first, second, third = (setting.waits(each) for each in (1, 2, 3))
    assert isinstance(setting.generations, Counting)
    setting.generations.odd = second
    await setting.line.once()

    assert [place for place, _ in setting.told(first, second, third)] == [1, None, 3]


async def test_one_process_tells_the_line() -> None:
    """Another does when that one gives up, or has gone."""
    setting = Setting("one")
    other = setting.a_duty(InstanceName("there"))
    await other.renew()
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(setting.line.run())
        waits = setting.waits(1)
        await asyncio.sleep(TIMING.line_every.total_seconds() * 2)
        assert setting.told(waits) == [(None, None)]
        await other.give_up()
        await asyncio.sleep(TIMING.line_every.total_seconds() * 2)
        telling.cancel()
    assert setting.told(waits)[0][0] == 1
    await setting.line.give_up()
    await other.renew()

    assert other.held()


@pytest.mark.parametrize("fault", [DOWN, RuntimeError("a fault of ours")])
async def test_what_goes_wrong_is_told_the_next_time(fault: Exception) -> None:
    """The database does not answer, or something of ours is broken."""
    setting = Setting("one")
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(setting.line.run())
        waits = setting.waits(1)
        setting.store.down = fault
        await asyncio.sleep(TIMING.line_every.total_seconds() * 2)
        setting.store.down = None
        await asyncio.sleep(TIMING.line_every.total_seconds() * 2)
        telling.cancel()

    assert setting.told(waits)[0][0] == 1


async def test_the_head_of_the_line_is_told() -> None:
    """Who comes after it reads the last news."""
    setting = Setting("one")
    ids = [setting.waits(each) for each in range(TOLD + 1)]
    await setting.line.once()

    assert [place for place, _ in setting.told(*ids)] == [*range(1, TOLD + 1), None]
