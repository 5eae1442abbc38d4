"""processors.scheduling: who goes next, and where."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import scheduling
from processors.scheduling import Place, ServerState, Waiting
from schemas.base import GenerationId
from schemas.generation import Metadata
from tests.builders import NOON, TIMING, a_server_seen, a_waiting, later, some_metadata

SERVERS = (ServerState("one", 1), ServerState("two", 2))


def waits(number: int, user: str = "ada", priority: int = 0, preset: str | None = None) -> Waiting:
    """A run that was ordered as the `number`-th."""
    return Waiting(GenerationId(f"{number:032x}"), user, priority, preset, "workflow")


def numbers(ordered: tuple[Waiting, ...]) -> list[int]:
    """Which runs these are."""
    return [int(each.generation, 16) for each in ordered]


def test_fifty_runs_of_one_do_not_hold_up_another_ones() -> None:
    """Users take turns, each with their oldest first."""
    mine = [waits(number) for number in range(1, 51)]

    ordered = scheduling.line([*mine, waits(51, "grace"), waits(52, "grace")], {})

    assert numbers(ordered)[:6] == [1, 51, 2, 52, 3, 4]


def test_whoever_was_served_the_longest_ago_goes_next() -> None:
    """And before them who never was."""
    waiting = [waits(1, "ada"), waits(2, "grace"), waits(3, "alan")]

    ordered = scheduling.line(waiting, {"ada": later(20), "grace": later(10)})

    assert numbers(ordered) == [3, 2, 1]


def test_a_higher_priority_goes_first_and_counts_as_a_turn() -> None:
    """Whoever goes first for their priority waits their turn with the rest of their runs."""
    waiting = [waits(1, "ada"), waits(2, "grace"), waits(3, "ada", priority=5)]

    assert numbers(scheduling.line(waiting, {})) == [3, 2, 1]


@given(
    st.lists(
        st.tuples(st.sampled_from(["ada", "grace", "alan", ""]), st.integers(-1, 1)), max_size=40
    ),
    st.dictionaries(st.sampled_from(["ada", "grace"]), st.datetimes().map(lambda _: NOON)),
)
def test_everybody_is_in_the_line_once(
    given_runs: list[tuple[str, int]], served: dict[str, object]
) -> None:
    """Nobody is lost, and within a priority nobody goes twice while another waits."""
    waiting = [waits(i, user, priority) for i, (user, priority) in enumerate(given_runs)]

    ordered = scheduling.line(waiting, dict.fromkeys(served, NOON))

    assert sorted(ordered) == sorted(waiting)
    assert [each.priority for each in ordered] == sorted(
        (each.priority for each in waiting), reverse=True
    )
    for at, (first, second) in enumerate(pairwise(ordered), 1):
        rest = {each.user for each in ordered[at:] if each.priority == first.priority}
        again = first.user == second.user and first.priority == second.priority
        assert not again or rest == {first.user}


@pytest.mark.parametrize(
    ("servers", "taken", "avoided", "place"),
    [
        (SERVERS, [], (), Place("one", 1)),
        (SERVERS, ["one#1"], (), Place("two", 1)),
        (SERVERS, ["one#1", "two#1"], (), Place("two", 2)),
        (SERVERS, ["one#1", "two#1", "two#2"], (), None),
        (SERVERS, [], ("one",), Place("two", 1)),
        (SERVERS[:1], [], ("one",), Place("one", 1)),
        ((SERVERS[0]._replace(healthy=False),), [], (), None),
        ((SERVERS[0]._replace(load=3), SERVERS[1]), ["two#1"], (), Place("two", 2)),
        ((SERVERS[0], SERVERS[1]._replace(warm="workflow")), [], (), Place("two", 1)),
        ((SERVERS[0]._replace(warm="other"), SERVERS[1]), [], (), Place("one", 1)),
    ],
)
def test_a_run_is_given_the_best_slot(
    servers: tuple[ServerState, ...],
    taken: list[str],
    avoided: tuple[str, ...],
    place: Place | None,
) -> None:
    """Healthy and free; not where it failed; the least busy; where its models are loaded."""
    assert scheduling.choice(servers, taken, workflow="workflow", avoided=avoided) == place


def test_a_run_is_given_no_slot_where_it_is_barred() -> None:
    """Not even the only free one."""
    given = scheduling.choice(SERVERS, [], workflow=None, barred=("one",))
    assert given == Place("two", 1)
    assert scheduling.choice(SERVERS, ["two#1", "two#2"], workflow=None, barred=("one",)) is None


@pytest.mark.parametrize(
    ("fields", "well"),
    [({}, True), ({"healthy": False}, False), ({"slots": 0}, False), ({"at": later(-20)}, False)],
)
def test_a_server_is_well_where_it_takes_runs(fields: dict[str, Any], *, well: bool) -> None:
    """And where somebody has looked at it lately."""
    seen = a_server_seen("one", **fields)

    assert scheduling.well(seen, NOON, TIMING) is well


@pytest.mark.parametrize(
    ("metadata", "user"),
    [
        (some_metadata(user_id="ada"), "ada"),
        (some_metadata(), "chat:4711"),
        (some_metadata(user_id="ada", telegram_chat_id=None), "ada"),
        (some_metadata(telegram_chat_id=None), ""),
    ],
)
def test_turns_are_taken_by_whoever_ordered(metadata: Metadata, user: str) -> None:
    """A person, else their chat; programs that name neither take turns as one."""
    assert scheduling.user_of(a_waiting(metadata=metadata)) == user


def test_a_slot_names_its_server() -> None:
    """Also one whose name has colons and the like."""
    place = Place("10.0.0.5:8188", 2)

    assert place.slot == "10.0.0.5:8188#2"
    assert scheduling.server_of(place.slot) == "10.0.0.5:8188"


def test_a_start_is_expected_when_those_before_are_over() -> None:
    """Two slots, one of them busy for a minute; each preset takes what it usually takes."""
    ordered = [waits(1, preset="slow"), waits(2), waits(3, preset="slow"), waits(4)]

    starts = scheduling.expected_starts(
        ordered,
        [later(60)],
        {"slow": timedelta(seconds=100)},
        usual=timedelta(seconds=30),
        slots=2,
        now=NOON,
    )

    assert list(starts.values()) == [NOON, later(60), later(90), later(100)]


def test_a_run_that_takes_longer_than_usual_is_expected_to_end_now() -> None:
    """What is overdue is no reason to expect a start in the past."""
    starts = scheduling.expected_starts(
        [waits(1)], [later(-60)], {}, usual=timedelta(seconds=30), slots=1, now=NOON
    )

    assert list(starts.values()) == [NOON]


def test_nothing_is_expected_where_no_server_is_healthy() -> None:
    """Nobody knows."""
    assert (
        scheduling.expected_starts(
            [waits(1)], [], {}, usual=timedelta(seconds=30), slots=0, now=NOON
        )
        == {}
    )
