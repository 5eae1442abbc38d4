"""processors.limits: how much somebody may order, and when they may again."""

from datetime import timedelta

import pytest

from processors import limits
from processors.limits import Bounds, Past, Reached
from tests.builders import NOON, later

FREE = Bounds(None, None, None)


def past(*ages: float, running: int = 0) -> list[Past]:
    """Orders of so many seconds ago, the first of them still running."""
    return [Past(later(-age), place < running) for place, age in enumerate(ages)]


def test_without_limits_everything_passes() -> None:
    """However much there was."""
    assert limits.reached(past(*range(99), running=99), FREE, NOON) is None


def test_at_once_counts_what_runs() -> None:
    """However old it is; nobody knows when it ends."""
    bounds = FREE._replace(at_once=2)

    assert limits.reached(past(1, 2, 99_999, running=1), bounds, NOON) is None
    found = limits.reached(past(99_999, 2, 3, running=2), bounds, NOON)
    assert found == Reached("at_once", 2, None)


@pytest.mark.parametrize(
    ("ages", "wait"),
    [
        ((1, 2), None),
        ((1, 2, 60), None),
        ((1, 2, 59.9), 0.1),
        ((30, 10, 20), 30),
        ((50, 40, 30, 20), 20),
    ],
)
def test_a_minute_has_room_again_when_one_is_a_minute_old(
    ages: tuple[float, ...], wait: float | None
) -> None:
    """The one that makes it full, in whatever order they come."""
    found = limits.reached(past(*ages), FREE._replace(per_minute=3), NOON)
    expected = None if wait is None else Reached("per_minute", 3, timedelta(seconds=wait))

    assert found == expected


def test_the_longest_wait_is_told_first() -> None:
    """A day, then what runs, then a minute."""
    many = past(1, 2, 3, running=3)

    for bounds, limit in (
        (Bounds(3, 3, 3), "per_day"),
        (Bounds(3, 3, 4), "at_once"),
        (Bounds(4, 3, 4), "per_minute"),
    ):
        found = limits.reached(many, bounds, NOON)
        assert found is not None
        assert found.limit == limit


def test_a_limit_of_nothing_is_for_good() -> None:
    """Nobody knows when there is room."""
    assert limits.reached((), FREE._replace(per_day=0), NOON) == Reached("per_day", 0, None)
    assert limits.reached((), FREE._replace(at_once=0), NOON) == Reached("at_once", 0, None)
