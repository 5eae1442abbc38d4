"""Clocks that a test moves: by hand, or with the time of its event loop."""

import asyncio
from datetime import datetime, timedelta
from random import Random

from app.clock import Clock
from schemas.base import GenerationId
from tests.builders import NOON


class FakeClock(Clock):
    """Time and ids without a clock: `at` moves only by `move`, ids count up.

    Attributes:
        at: What time it is.
        drawn: What `jitter` draws.
    """

    def __init__(self, at: datetime = NOON) -> None:
        super().__init__()
        self.at = at
        self.drawn = 0.5
        self._ids = 0

    def now(self) -> datetime:
        """Return the time that was set."""
        return self.at

    def move(self, step: timedelta) -> None:
        """Let time pass."""
        self.at += step

    def new_id(self) -> GenerationId:
        """Return the next id."""
        self._ids += 1
        return GenerationId(f"0198c0ffee{self._ids:022x}")

    def jitter(self) -> float:
        """Return what was set."""
        return self.drawn


class LoopClock(FakeClock):
    """The time of the running event loop, counted from noon; jitter that is always the same."""

    def __init__(self) -> None:
        super().__init__()
        self._random = Random(4711)  # noqa: S311 - to be the same every time

    def jitter(self) -> float:
        """Draw from 0.0 to 1.0."""
        return self._random.random()

    def now(self) -> datetime:
        """Return noon and the loop's seconds since, whole milliseconds."""
        milliseconds = int(asyncio.get_running_loop().time() * 1000)
        return NOON + timedelta(milliseconds=milliseconds)
