"""processors.backoff: waits grow, repeat their last, and spread."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import backoff
from tests.builders import TIMING


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    list(enumerate([1, 5, 30, 120, 600, 3600, 21600, 21600, 21600], start=1)),
)
def test_waits_grow_and_repeat_their_last(attempts: int, seconds: int) -> None:
    """1 s, 5 s, 30 s, 2 min, 10 min, 1 h, 6 h, and 6 h again."""
    assert backoff.nominal(attempts, TIMING.retry) == timedelta(seconds=seconds)


@given(st.integers(1, 50), st.floats(0, 1))
def test_a_wait_is_near_its_nominal_length(attempts: int, jitter: float) -> None:
    """From 80 % to 120 %, so that what failed together does not come back together."""
    nominal = backoff.nominal(attempts, TIMING.retry)

    assert 0.8 <= backoff.wait(attempts, TIMING.retry, jitter) / nominal <= 1.2


def test_the_draw_decides_the_wait() -> None:
    """0.0 is the shortest, 0.5 the nominal, 1.0 the longest."""
    waits = [backoff.wait(5, TIMING.retry, jitter) for jitter in (0.0, 0.5, 1.0)]

    assert [wait.total_seconds() for wait in waits] == [480, 600, 720]


def test_waits_add_up() -> None:
    """No failure, no wait; each failure adds its own."""
    assert backoff.waited(0, TIMING.retry) == timedelta()
    assert backoff.waited(3, TIMING.retry) == timedelta(seconds=36)
    assert backoff.waited(9, TIMING.retry) < timedelta(hours=24) <= backoff.waited(10, TIMING.retry)
