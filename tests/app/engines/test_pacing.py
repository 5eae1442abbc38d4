"""app.engines.pacing: some turns at once, the others evenly, and never too many in a minute."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.pacing import Pacing

pytestmark = pytest.mark.anyio


class Passing:
    """Seconds that pass when it is said."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        """Return what time it is."""
        return self.at


def test_a_thousand_questions_are_asked_within_20_s() -> None:
    """Of three thousand that there may be in a minute."""
    pacing = Pacing(3000, now=Passing())
    waits = [pacing.take() for _ in range(1000)]

    assert waits == sorted(waits)
    assert waits[299] == pytest.approx(0, abs=1e-6)
    assert waits[300] > 0.01
    assert waits[-1] < 20


@given(
    st.integers(1, 100),
    st.sampled_from([0.01, 0.1, 0.5]),
    st.lists(st.floats(0, 40, allow_nan=False), max_size=300),
)
def test_no_minute_has_more_than_it_allows(allowed: int, share: float, rests: list[float]) -> None:
    """Whenever they are asked for; one that allows only one has one, and one at once."""
    passing = Passing()
    pacing, taken = Pacing(allowed, share, now=passing), list[float]()
    for rest in rests:
        passing.at += rest
        taken.append(passing.at + pacing.take())

    most = max(allowed, 2)
    for first, after in zip(taken, taken[most:], strict=False):
        assert after - first >= 60 - 1e-6


def test_what_is_held_back_comes_evenly_afterwards() -> None:
    """However much was saved up before; a shorter hold does not end a longer one."""
    passing = Passing()
    pacing = Pacing(60, now=passing)
    pacing.hold(30)
    pacing.hold(5)
    passing.at += 10

    assert (pacing.held, pacing.ahead) == (20, 20)
    assert [pacing.take() for _ in range(3)] == pytest.approx([20, 21, 22], abs=0.3)
    passing.at += 20
    assert pacing.held == 0


async def test_whoever_is_early_waits() -> None:
    """The turns come in the order in which they were taken."""
    pacing, order = Pacing(6000, 0.001), list[int]()

    async def one(number: int) -> None:
        await pacing.turn()
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(one(number))
    assert order == list(range(10))
