"""Messages that nobody can send wait where no sweep stumbles over them."""

import asyncio
from collections.abc import Iterator

import pytest

from app.usecases.unattended import FAR, NEAR, OVERDUE, PAGE, WHY, Unattended
from processors import debts, runs
from schemas.base import GenerationId
from schemas.debt import CHAT
from schemas.generation import Generation
from schemas.run import RunStatus
from tests.app.usecases.scenes import Scene
from tests.builders import NOON, a_debt, a_generation, some_metadata

pytestmark = pytest.mark.anyio


def untold(number: int) -> Iterator[Generation]:
    """Ends that are due to be told since noon."""
    for each in range(number):
        yield a_generation(
            RunStatus.FAILED,
            id=GenerationId(f"0198c0ffee{each:022x}"),
            metadata=some_metadata(run_id=None),
            owed=(a_debt(runs.NOTIFY, target="4711"),),
        )


def scene_with(number: int) -> Scene:
    """A process that is not the sender, and so many ends that wait to be told."""
    scene = Scene()
    scene.messenger.duty = False
    scene.generations.records.update({each.id: each for each in untold(number)})
    return scene


async def waiting(scene: Scene) -> int:
    """How many messages a sweep would step over."""
    return len(await scene.generations.due(scene.clock.now(), CHAT, 99_999))


async def test_what_nobody_takes_up_is_put_off_again_and_again() -> None:
    """Page by page, and ever further; no try is counted and nothing is lost."""
    scene = scene_with(2 * PAGE)
    async with scene.running():
        await asyncio.sleep(OVERDUE.total_seconds() + 5)
        assert await waiting(scene) == 0
        await asyncio.sleep(60)
        assert await waiting(scene) <= PAGE

    (debt,) = scene.record(GenerationId(f"0198c0ffee{0:022x}")).owed
    assert (debt.attempts, debt.last_error, debt.by, debt.dead_at) == (0, WHY, None, None)
    assert debt.next_at <= scene.clock.now() + FAR


async def test_what_is_due_for_a_moment_is_left_to_whoever_is_on_duty() -> None:
    """That another process takes it up takes a sweep."""
    scene = scene_with(1)
    async with scene.running():
        await asyncio.sleep(OVERDUE.total_seconds() - 1)

    (debt,) = scene.record(GenerationId(f"0198c0ffee{0:022x}")).owed
    assert debt.next_at == NOON


async def test_it_is_told_as_soon_as_somebody_is_on_duty() -> None:
    """It does not wait until it would have come back by itself."""
    scene = scene_with(9)
    async with scene.running():
        await asyncio.sleep(OVERDUE.total_seconds() + 2)
        scene.messenger.duty = True
        await asyncio.sleep(2)

    assert NEAR.total_seconds() > 9
    assert len(scene.messenger.told) == 9
    assert all(not each.owed for each in scene.generations.records.values())


async def test_many_are_told_before_long() -> None:
    """One page at once, the others as they come back."""
    scene = scene_with(2 * PAGE)
    async with scene.running():
        await asyncio.sleep(60)
        scene.messenger.duty = True
        await asyncio.sleep(2)
        assert len(scene.messenger.told) >= PAGE / 2
        await asyncio.sleep(FAR.total_seconds() + 5)

    assert len(scene.messenger.told) == 2 * PAGE


async def test_a_claim_that_ran_out_is_lost() -> None:
    """Whoever slept through it can no longer send."""
    scene = scene_with(0)
    record = a_generation(RunStatus.FAILED, owed=(a_debt(runs.NOTIFY, by="there", n=4),))
    scene.generations.records[record.id] = record
    await asyncio.sleep(OVERDUE.total_seconds() + 1)
    await Unattended(scene.records, scene.taking).tend()

    assert not debts.held(scene.record(record.id).owed, runs.NOTIFY, 4)
