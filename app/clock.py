"""The time, and ids made of it. Nothing else in the service reads a clock.

Time is the database's clock plus our monotonic one: sampled now and then, so that all
processes agree on it, and carried on by a counter that no change of the wall clock moves.
A sample that is far off (somebody set the database's clock) is followed slowly, by at most
half a second a sample: no claim runs out at once, and no timeout fires.

The database reads its clock somewhere between question and answer, most likely in the middle. Of a
few questions the one that was answered soonest says it most exactly (Cristian's algorithm): an
answer that a busy process takes up late would set it back, and it would find nothing due yet.
"""

import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.base import GenerationId

SLEW: Final = timedelta(milliseconds=500)
"""How far one sample may move the clock."""


class Answer(NamedTuple):
    """What the database said when it was asked for its time."""

    theirs: datetime
    asked: float
    """When, in seconds of `monotonic`."""
    heard: float
    """Likewise."""


def closest(answers: Iterable[Answer], at: float) -> datetime:
    """Return the database's time at a moment, by the answer that took the least time.

    Args:
        answers: At least one.
        at: The moment, in seconds of `monotonic`.
    """
    best = min(answers, key=lambda each: each.heard - each.asked)
    return best.theirs + timedelta(seconds=at - (best.asked + best.heard) / 2)


class Clock:
    """A clock that agrees with the database's and never jumps."""

    def __init__(self) -> None:
        self._base = datetime.now(UTC)
        self._mark = time.monotonic()
        self._sampled = False

    def now(self) -> datetime:
        """Return the time in UTC, whole milliseconds, as MongoDB keeps it."""
        at = self._base + timedelta(seconds=time.monotonic() - self._mark)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def sample(self, database_time: datetime) -> timedelta:
        """Follow the database's clock: wholly at first, then in small steps.

        Returns:
            How far we were off before.
        """
        ours = self._base + timedelta(seconds=time.monotonic() - self._mark)
        off = database_time - ours
        step = max(-SLEW, min(SLEW, off)) if self._sampled else off
        self._base, self._mark, self._sampled = ours + step, time.monotonic(), True
        return off

    def new_id(self) -> GenerationId:
        """Make an id: a uuid7 (RFC 9562) as 32 hexadecimal digits, so ids sort by time."""
        milliseconds = int(self.now().timestamp() * 1000)
        noise = secrets.randbits(74)
        value = milliseconds << 80 | 0x7 << 76 | (noise >> 62) << 64 | 0b10 << 62
        return GenerationId(f"{value | noise & (1 << 62) - 1:032x}")

    def jitter(self) -> float:
        """Draw from 0.0 to 1.0."""
        return secrets.randbits(32) / 0xFFFFFFFF


def monotonic() -> float:
    """Return seconds of a counter that only goes up: for measuring how long a thing took."""
    return time.monotonic()
