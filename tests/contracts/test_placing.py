"""What every keeper of generations tells of those that wait for a server or have one."""

import pytest

from app.ports import Generations, Write
from processors.scheduling import Waiting
from schemas.base import EngineName, GenerationId, RunId
from schemas.generation import EngineRun, Generation, Request
from schemas.run import RunStatus
from tests.builders import NOON, a_generation, an_order, some_metadata
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

COMFYUI = EngineName("comfyui")


@pytest.fixture
def generations(ports: Ports) -> Generations:
    """The port under test."""
    return ports.generations


def the(number: int) -> GenerationId:
    """Return the id of that number; ids sort by number."""
    return GenerationId(f"{number:032x}")


def placed(number: int, slot: str | None, status: RunStatus = RunStatus.QUEUED) -> Generation:
    """Return a generation that has a slot."""
    metadata = some_metadata(run_id=RunId(f"run-{number}"))
    return a_generation(status, id=the(number), engine=COMFYUI, slot=slot, metadata=metadata)


def ran(number: int, *servers: str, status: RunStatus, attempt: int) -> Generation:
    """Return a generation that was tried at these servers, one after another."""
    runs = tuple(
        EngineRun(attempt=tried, run_id=RunId(f"{number}-{tried}"), server=each, submitted_at=NOON)
        for tried, each in enumerate(servers, 1)
    )
    return an_order(id=the(number), engine=COMFYUI, status=status, attempt=attempt, runs=runs)


async def test_a_slot_is_taken_once(generations: Generations) -> None:
    """Whoever comes second has lost the write, alone or in a bulk, and has no slot."""
    first, second, third = (an_order(id=the(number)) for number in (1, 2, 3))
    for each in (first, second, third):
        assert await generations.insert(each)
    taken, late, other = (
        Write(each, each.change(version=2, slot=slot))
        for each, slot in ((first, "a#1"), (second, "a#1"), (third, "a#2"))
    )

    assert await generations.write([taken]) == frozenset()
    assert await generations.write([late]) == {the(2)}
    assert await generations.write([late, other]) == {the(2)}
    assert not await generations.insert(an_order(id=the(4), slot="a#2"))
    assert await generations.slots() == {"a#1": the(1), "a#2": the(3)}
    assert await generations.get(the(2)) == second


async def test_a_slot_that_is_given_up_is_free(generations: Generations) -> None:
    """For the next one."""
    before, waits = placed(1, "a#1"), an_order(id=the(2))
    for each in (before, waits):
        await generations.insert(each)

    assert await generations.write([Write(before, before.change(version=2, slot=None))]) == set()
    assert await generations.slots() == {}
    assert await generations.write([Write(waits, waits.change(version=2, slot="a#1"))]) == set()


async def test_what_has_a_slot_at_a_server_is_found(generations: Generations) -> None:
    """At that one only, however like it others are called; oldest first; nothing that ended."""
    slots = ["a#2", "a#10", "ab#1", "a#b#1", "A#1", None, "a.#1", "10.0.0.5:8188#1"]
    for number, slot in enumerate(slots):
        await generations.insert(placed(number, slot))
    await generations.insert(placed(20, "a#3", RunStatus.FAILED))

    assert [each.id for each in await generations.at_server("a")] == [the(0), the(1)]
    assert await generations.at_server("a.") == (placed(6, "a.#1"),)
    assert await generations.at_server("10.0.0.5:8188") == (placed(7, "10.0.0.5:8188#1"),)
    assert await generations.at_server("b") == ()


async def test_what_ran_at_a_server_before_is_found(generations: Generations) -> None:
    """By a former attempt, not the current one; oldest first; nothing that ended."""
    for each in (
        ran(3, "a", "b", status=RunStatus.QUEUED, attempt=2),
        ran(1, "a", status=RunStatus.PENDING, attempt=2),
        ran(2, "a", status=RunStatus.RUNNING, attempt=1),
        ran(4, "a", "b", status=RunStatus.COMPLETED, attempt=2),
        ran(5, status=RunStatus.PENDING, attempt=1),
    ):
        await generations.insert(each)

    assert [each.id for each in await generations.formerly_at("a")] == [the(1), the(3)]
    assert await generations.formerly_at("b") == ()


async def test_whose_a_run_is_is_known(generations: Generations) -> None:
    """However it stands, and of former runs too; others' and those at no server are not in it."""
    ended = ran(1, "a", status=RunStatus.COMPLETED, attempt=1)
    twice = ran(2, "a", "b", status=RunStatus.RUNNING, attempt=2)
    nowhere = EngineRun(attempt=1, run_id=RunId("3-1"), submitted_at=NOON)
    for each in (
        ended,
        twice,
        an_order(id=the(3), status=RunStatus.RUNNING, runs=(nowhere,)),
        ran(4, "a", status=RunStatus.RUNNING, attempt=1),
    ):
        await generations.insert(each)

    asked = tuple(map(RunId, ("1-1", "2-1", "2-2", "3-1", "a stranger's")))
    found = await generations.of_runs(asked)
    assert {run_id: each.id for run_id, each in found.items()} == {
        "1-1": the(1),
        "2-1": the(2),
        "2-2": the(2),
    }
    bare = twice.request_payload.change(inputs={})
    assert found[RunId("2-2")] == twice.change(request_payload=bare)
    assert await generations.of_runs(()) == {}


async def test_what_waits_is_told_with_whose_it_is(generations: Generations) -> None:
    """Of that engine, the oldest first: a person's, else a chat's, else nobody's."""
    whose = {
        4: some_metadata(user_id="ada", preset="portrait"),
        1: some_metadata(),
        2: some_metadata(telegram_chat_id=None),
        3: some_metadata(user_id="ada", telegram_chat_id=None),
    }
    for number, metadata in whose.items():
        request = Request(workflow=f"digest{number}" if number > 2 else None)
        await generations.insert(
            an_order(
                id=the(number),
                engine=COMFYUI,
                metadata=metadata,
                priority=number - 2,
                request_payload=request,
            )
        )
    await generations.insert(an_order(id=the(5)))
    await generations.insert(placed(6, "a#1"))

    assert await generations.waiting(COMFYUI) == (
        Waiting(the(1), "chat:4711", -1, None, None),
        Waiting(the(2), "", 0, None, None),
        Waiting(the(3), "ada", 1, None, "digest3"),
        Waiting(the(4), "ada", 2, "portrait", "digest4"),
    )
    assert await generations.waiting(EngineName("another")) == ()


async def test_how_long_the_last_runs_of_a_preset_took_is_known(generations: Generations) -> None:
    """Of those that completed, the newest first."""
    for number, (preset, status, seconds) in enumerate(
        (
            ("a", RunStatus.COMPLETED, 12.5),
            ("a", RunStatus.FAILED, 1.0),
            ("b", RunStatus.COMPLETED, 3.0),
            ("a", RunStatus.COMPLETED, None),
            ("a", RunStatus.COMPLETED, 0.0),
            ("a", RunStatus.RUNNING, None),
        )
    ):
        metadata = some_metadata(preset=preset, run_id=RunId(f"run-{number}"))
        await generations.insert(
            a_generation(status, id=the(number), metadata=metadata, duration_seconds=seconds)
        )

    assert await generations.last_durations("a", 9) == (0.0, 12.5)
    assert await generations.last_durations("a", 1) == (0.0,)
    assert await generations.last_durations("c", 9) == ()
