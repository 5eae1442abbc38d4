"""The clock follows the database's, never jumps, and makes ids that sort."""

from datetime import UTC, timedelta

import pytest

from app.clock import SLEW, Answer, Clock, closest, monotonic
from tests.builders import NOON, later

HOUR = timedelta(hours=1)
NEAR = timedelta(milliseconds=400)
"""More than a test takes between two looks at the clock, and less than one step of it."""


def test_the_answer_that_came_soonest_tells_the_time() -> None:
    """One that was taken up late, or whose question was, would be wrong by half of what it took."""
    answers = [
        Answer(NOON, asked=100.0, heard=100.9),
        Answer(later(1), asked=101.0, heard=101.002),
        Answer(later(2.4), asked=102.0, heard=102.5),
    ]
    assert closest(answers, at=103.001) == later(3)
    assert closest(answers[:1], at=100.45) == NOON


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_the_first_sample_is_followed_wholly(off: timedelta) -> None:
    """At the start it is the database's time that counts, however wrong our own is."""
    clock = Clock()
    theirs = clock.now() + off
    found = clock.sample(theirs)
    assert abs(found - off) < NEAR
    assert timedelta() <= clock.now() - theirs < NEAR


@pytest.mark.parametrize("sign", [1, -1])
def test_case_13_a_jump_of_an_hour_is_followed_by_half_a_second_a_sample(sign: int) -> None:
    """Nobody's claim runs out at once because somebody set a clock."""
    clock = Clock()
    clock.sample(clock.now())
    for step in range(1, 4):
        before = clock.now()
        found = clock.sample(before + sign * HOUR)
        moved = clock.now() - before
        assert abs(found - sign * HOUR) < NEAR
        assert abs(moved - sign * SLEW) < NEAR, f"step {step}"


def test_a_small_difference_is_followed_wholly() -> None:
    """What is less than a step off is right after one sample."""
    clock = Clock()
    clock.sample(clock.now())
    theirs = clock.now() + timedelta(milliseconds=300)
    clock.sample(theirs)
    assert timedelta() <= clock.now() - theirs < NEAR


def test_the_time_is_utc_in_whole_milliseconds() -> None:
    """What MongoDB gives back is what was written."""
    now = Clock().now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    """A later id is a greater one; two of one moment differ."""
    clock = Clock()
    clock.sample(clock.now())
    early = [clock.new_id() for _ in range(100)]
    clock.sample(clock.now() + NEAR)
    late = [clock.new_id() for _ in range(100)]
    assert max(early) < min(late)
    assert len({*early, *late}) == 200
    for each in early:
        assert len(each) == 32
        assert each[12] == "7"
        assert each[16] in "89ab"
        assert int(each[:12], 16) <= int(clock.now().timestamp() * 1000)


def test_jitter_is_drawn_from_0_to_1() -> None:
    """Draws stay in range and differ."""
    clock = Clock()
    draws = [clock.jitter() for _ in range(1000)]
    assert all(0.0 <= draw <= 1.0 for draw in draws)
    assert min(draws) < 0.5 < max(draws)
    assert len(set(draws)) > 900


def test_the_counter_never_goes_back() -> None:
    """What is measured with it is never negative."""
    first = monotonic()
    assert monotonic() >= first
