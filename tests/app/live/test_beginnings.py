"""What readers are told first, read for all who ask at a time."""

import asyncio
from collections.abc import Mapping

import pytest

from app.live.beginnings import Beginning
from app.live.rounds import Rounds
from app.live.states import State
from schemas.live import Kind, Position, Wanted
from schemas.run import RunStatus
from tests.app.live.readers import PATIENCE
from tests.builders import ID, a_generation, an_order, its_id
from tests.fakes.hubs import PROMPT, Scenery

pytestmark = pytest.mark.anyio


async def test_of_many_who_come_again_only_those_who_missed_too_much_begin_anew() -> None:
    """The oldest are given up first, and the others are told what they missed, by one look."""
    scenery = Scenery()
    for n in range(1_200):
        scenery.generations[its_id(n)] = an_order(id=its_id(n))
    told = scenery.changes.told
    beginnings = scenery.beginnings(PROMPT.live_resume)
    asked = [told[0].at, told[100].at, told[900].at, told[1_199].at]
    found = await beginnings.missed(asked)

    assert [found[each] for each in asked[:2]] == ["too_much", "too_much"]
    told_of = [found[each] for each in asked[2:]]
    assert [len(each.states) for each in told_of if isinstance(each, Beginning)] == [300, 1]


async def test_records_that_are_gone_by_now_are_passed_over() -> None:
    """They cannot be shown; a generation that is somebody else's is not shown either."""
    scenery = Scenery()
    scenery.generations[ID] = a_generation(RunStatus.RUNNING)
    beginnings = scenery.beginnings(PROMPT.live_resume)
    scenery.changes.tell(Kind.GENERATION, its_id(9))
    scenery.changes.tell(Kind.JOB, its_id(8))

    states = await beginnings.states(scenery.changes.told)
    assert [each.record.id for each in states] == [ID]
    wanted = [Wanted(generation=ID, user="another"), Wanted(generation=its_id(9))]
    scenes = await beginnings.scenes(wanted)
    assert [scenes[each].states for each in wanted] == [[], []]


async def test_who_asks_during_a_round_is_answered_by_the_next_and_who_has_gone_by_none() -> None:
    """Nobody's answer was read before they asked."""
    rounds_made = list[frozenset[int]]()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def answer(asked: frozenset[int]) -> Mapping[int, int]:
        rounds_made.append(asked)
        begun.set()
        await go_on.wait()
        return {each: each * 10 for each in asked}

    rounds = Rounds[int, int](answer)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        running = group.create_task(rounds.run())
        first = group.create_task(rounds.ask(1))
        await begun.wait()
        others = [group.create_task(rounds.ask(each)) for each in (2, 3, 4)]
        await asyncio.sleep(0)
        others[2].cancel()
        go_on.set()
        assert [await each for each in (first, *others[:2])] == [10, 20, 30]
        running.cancel()
    assert rounds_made == [{1}, {2, 3}]


def test_a_state_knows_when_it_changed() -> None:
    """A snapshot's comes before every change."""
    state = State(Kind.GENERATION, a_generation(version=5))

    assert state.since < Position(0, 1)
    placed = state.placed(Position(3, 4))
    assert (placed.since, placed.version, placed.name) == (Position(3, 4), 5, state.name)
