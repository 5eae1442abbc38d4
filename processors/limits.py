"""Whether somebody has ordered as much as one may for now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.quota import LimitName

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


class Past(NamedTuple):
    """An order of somebody's."""

    at: datetime
    open: bool
    """Whether it has not ended."""


class Bounds(NamedTuple):
    """How much somebody may order; None is no limit."""

    at_once: int | None
    per_minute: int | None
    per_day: int | None


class Reached(NamedTuple):
    """A limit that one more order would pass."""

    limit: LimitName
    most: int
    retry_after: timedelta | None
    """When there is room again; None where nobody knows."""


def reached(past: Sequence[Past], bounds: Bounds, now: datetime) -> Reached | None:
    """Return the limit that one more order would pass, the longest to wait for first.

    Args:
        past: What somebody has ordered, in any order.
        bounds: How much they may.
        now: When they order once more.
    """
    return (
        _within(past, "per_day", bounds.per_day, DAY, now)
        or _running(past, bounds.at_once)
        or _within(past, "per_minute", bounds.per_minute, MINUTE, now)
    )


def _running(past: Sequence[Past], most: int | None) -> Reached | None:
    if most is None or sum(each.open for each in past) < most:
        return None
    return Reached("at_once", most, None)


def _within(
    past: Sequence[Past], limit: LimitName, most: int | None, window: timedelta, now: datetime
) -> Reached | None:
    if most is None:
        return None
    recent = sorted((each.at for each in past if now - each.at < window), reverse=True)
    if len(recent) < most:
        return None
    # There is room once the order that makes the limit full is as old as the window is long.
    return Reached(limit, most, recent[most - 1] + window - now if most else None)
