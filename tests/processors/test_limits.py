"""processors.limits: how much somebody may order, and when they may again."""

from datetime import timedelta

import pytest

from processors import limits
from processors.limits import Bounds, Past, Reached
from tests.builders import NOON, later

FREE = Bounds(None, None, None)


def ago(seconds: float) -> Past:
    """Orders of which the one that fills the minute, and the day, is so old."""
    return Past(minute=later(-seconds), day=later(-seconds))


def test_without_limits_everything_passes() -> None:
    """However much there was."""
    assert limits.reached(ago(1)._replace(open=99), FREE, NOON) is None


def test_at_once_counts_what_runs() -> None:
    """Nobody knows when it ends."""
    bounds = FREE._replace(at_once=2)

    assert limits.reached(Past(open=1), bounds, NOON) is None
    assert limits.reached(Past(open=2), bounds, NOON) == Reached("at_once", 2, None)


@pytest.mark.parametrize(("age", "wait"), [(60, None), (59.9, 0.1), (30, 30), (0, 60)])
def test_a_minute_has_room_again_when_one_is_a_minute_old(age: float, wait: float | None) -> None:
    """The one that makes it full."""
    found = limits.reached(ago(age), FREE._replace(per_minute=3), NOON)
    expected = None if wait is None else Reached("per_minute", 3, timedelta(seconds=wait))

    assert found == expected


def test_a_limit_that_is_not_full_has_room() -> None:
    """Of a minute as of a day."""
    assert limits.reached(Past(), Bounds(1, 1, 1), NOON) is None


def test_the_longest_wait_is_told_first() -> None:
    """A day, then what runs, then a minute."""
    for past, limit in (
        (ago(1)._replace(open=3), "per_day"),
        (Past(open=3, minute=NOON), "at_once"),
        (Past(open=2, minute=NOON), "per_minute"),
    ):
        found = limits.reached(past, Bounds(3, 3, 3), NOON)
        assert found is not None
        assert found.limit == limit


def test_a_limit_of_nothing_is_for_good() -> None:
    """Nobody knows when there is room."""
    for limit in ("per_day", "at_once", "per_minute"):
        bounds = FREE._replace(**{limit: 0})
        assert limits.reached(Past(), bounds, NOON) == Reached(limit, 0, None)
