"""How long to wait before the next try."""

from collections.abc import Sequence
from datetime import timedelta

SPREAD = 0.4
"""A wait is drawn from 80 % to 120 % of its nominal length, so that what failed together
does not come back together."""


def wait(attempts: int, waits: Sequence[timedelta], jitter: float) -> timedelta:
    """Return the wait after the `attempts`-th failure.

    Args:
        attempts: Failures so far, 1 or more.
        waits: Nominal waits; the last one repeats.
        jitter: A draw from 0.0 to 1.0.
    """
    return nominal(attempts, waits) * (1 - SPREAD / 2 + SPREAD * jitter)


def nominal(attempts: int, waits: Sequence[timedelta]) -> timedelta:
    """Return the undisturbed wait after the `attempts`-th failure, 1 or more."""
    return waits[min(attempts, len(waits)) - 1]


def waited(attempts: int, waits: Sequence[timedelta]) -> timedelta:
    """Return the sum of nominal waits after `attempts` failures."""
    return sum((nominal(n, waits) for n in range(1, attempts + 1)), timedelta())
