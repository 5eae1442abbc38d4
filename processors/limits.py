"""Whether somebody has ordered as much as one may for now."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.quota import LimitName

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


class Bounds(NamedTuple):
    """How much somebody may order; None is no limit."""

    at_once: int | None
    per_minute: int | None
    per_day: int | None


class Past(NamedTuple):
    """What somebody has ordered, as far as bounds ask for it.

    Attributes:
        open: How many of their orders have not ended; no more are counted than are allowed.
        minute: When that order of the last minute was made that makes it full; None where it
            has room, or no bound.
        day: The same of the last 24 hours.
    """

    open: int = 0
    minute: datetime | None = None
    day: datetime | None = None


class Reached(NamedTuple):
    """A limit that one more order would pass."""

    limit: LimitName
    most: int
    retry_after: timedelta | None
    """When there is room again; None where nobody knows."""


def reached(past: Past, bounds: Bounds, now: datetime) -> Reached | None:
    """Return the limit that one more order would pass, the longest to wait for first.

    Args:
        past: What somebody has ordered.
        bounds: How much they may.
        now: When they order once more.
    """
    return (
        _within(past.day, "per_day", bounds.per_day, DAY, now)
        or _running(past, bounds.at_once)
        or _within(past.minute, "per_minute", bounds.per_minute, MINUTE, now)
    )


def _running(past: Past, most: int | None) -> Reached | None:
    if most is None or past.open < most:
        return None
    return Reached("at_once", most, None)


def _within(
    full: datetime | None, limit: LimitName, most: int | None, window: timedelta, now: datetime
) -> Reached | None:
    if most == 0:
        return Reached(limit, most, None)
    if most is None or full is None or now - full >= window:
        return None
    # There is room once the order that makes the limit full is as old as the window is long.
    return Reached(limit, most, full + window - now)
