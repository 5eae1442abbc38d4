"""Add hours up: how runs ended, how long they took and waited, what they cost, what took time.

Unknown is not free: a run whose cost nobody knows is counted as such, and adds nothing to the
sum. An hour is added up again for as long as late ends and late costs are usual, each time after
half as long again, and stands from then on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from statistics import median
from typing import Final

from schemas.run import RunStatus
from schemas.totals import (
    Ended,
    HourTotals,
    NodeTime,
    NodeTimes,
    Outcomes,
    Spend,
    Spending,
    Sums,
    Times,
    Usual,
)
from schemas.usage import UseRow

HOUR: Final = timedelta(hours=1)
SETTLED: Final = timedelta(hours=6)
"""So long after an hour its totals do not change any more: a provisional end is replaced within
an hour, and a cost that comes so late is filled in by hand."""
NAMES_MOST: Final = 100
"""How many lines a list may have; programs name presets as they like."""
OTHER: Final = "other"
"""What the smallest lines of a list that would be too long are called together."""


def hours(now: datetime, number: int) -> tuple[datetime, ...]:
    """Return the beginnings of the last hours, the one under way among them, oldest first."""
    last = now.replace(minute=0, second=0, microsecond=0)
    return tuple(last - HOUR * back for back in range(number - 1, -1, -1))


def finished(start: datetime, now: datetime) -> bool:
    """Return whether an hour is over."""
    return now >= start + HOUR


def final(totals: HourTotals) -> bool:
    """Return whether these totals stand, whatever comes in late.

    After an outage an hour may be added up for the first time before what happened in it is heard.
    """
    return totals.again and totals.at >= totals.start + HOUR + SETTLED


def serves(totals: HourTotals, now: datetime) -> bool:
    """Return whether totals that were kept need not be added up again yet."""
    end = totals.start + HOUR
    return final(totals) or now - end < (totals.at - end) * 3 / 2


def of(
    start: datetime,
    at: datetime,
    ended: Sequence[Ended],
    classes: Iterable[UseRow] = (),
    models: Iterable[UseRow] = (),
    *,
    again: bool = False,
) -> HourTotals:
    """Return what an hour came to.

    Args:
        start: Of the hour.
        at: When it was added up.
        ended: The generations that ended in it.
        classes: What the nodes of each class took.
        models: The same by model.
        again: Whether it had been added up before.
    """
    completed = (each for each in ended if each.status is RunStatus.COMPLETED)
    return HourTotals(
        start=start,
        at=at,
        again=again,
        runs=_outcomes({status: _number(ended, status) for status in _OUTCOMES}),
        duration=_times(one for each in completed for one in each.durations),
        waiting=_times(one for each in ended for one in each.waits),
        spend=Spending(
            by_preset=_spent(_spend(each, each.preset) for each in ended),
            by_engine=_spent(_spend(each, each.engine) for each in ended),
        ),
        nodes=NodeTimes(
            by_class=_took(map(_node_time, classes)), by_model=_took(map(_node_time, models))
        ),
    )


def together(many: Sequence[Sums]) -> Sums:
    """Return what hours came to together."""
    counts = {
        status: sum(getattr(each.runs, status.value) for each in many) for status in _OUTCOMES
    }
    return Sums(
        runs=_outcomes(counts),
        spend=Spending(
            by_preset=_spent(one for each in many for one in each.spend.by_preset),
            by_engine=_spent(one for each in many for one in each.spend.by_engine),
        ),
        nodes=NodeTimes(
            by_class=_took(one for each in many for one in each.nodes.by_class),
            by_model=_took(one for each in many for one in each.nodes.by_model),
        ),
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest of the values that so many percent of them do not exceed.

    Args:
        ordered: At least one value, the smallest first.
        percent: 1 to 100.
    """
    return ordered[ceil(len(ordered) * percent / 100) - 1]


def usual(preset: str, durations: Sequence[float]) -> Usual:
    """Return how long a preset's runs take, by what the last ones took."""
    seconds = round(median(durations), _PLACES) if durations else None
    return Usual(preset, seconds, len(durations))


_OUTCOMES: Final = (
    RunStatus.COMPLETED,
    RunStatus.FAILED,
    RunStatus.CANCELLED,
    RunStatus.TIMEOUT,
)
_PLACES: Final = 3
"""Whole milliseconds."""


def _number(ended: Iterable[Ended], status: RunStatus) -> int:
    return sum(each.number for each in ended if each.status is status)


def _outcomes(counts: Mapping[RunStatus, int]) -> Outcomes:
    return Outcomes(
        completed=counts[RunStatus.COMPLETED],
        failed=counts[RunStatus.FAILED],
        cancelled=counts[RunStatus.CANCELLED],
        timeout=counts[RunStatus.TIMEOUT],
    )


def _times(seconds: Iterable[float]) -> Times:
    # The clocks of two machines may differ: nothing takes less than no time.
    ordered = sorted(max(each, 0.0) for each in seconds)
    if not ordered:
        return Times()
    return Times(
        number=len(ordered),
        p50_seconds=round(percentile(ordered, 50), _PLACES),
        p95_seconds=round(percentile(ordered, 95), _PLACES),
    )


def _spend(ended: Ended, name: str | None) -> Spend:
    return Spend(name=name, runs=ended.number, usd=ended.usd, unknown=ended.unknown)


def _spent(lines: Iterable[Spend]) -> tuple[Spend, ...]:
    """Add up what has the same name, the dearest first, and the cheapest of many together."""
    sums = dict[str | None, Spend]()
    for each in lines:
        _add(sums, each)
    ordered = sorted(sums.values(), key=_dearest)
    kept = {each.name: each for each in ordered[:NAMES_MOST]}
    for each in ordered[NAMES_MOST:]:
        _add(kept, each.change(name=OTHER))
    return tuple(sorted(kept.values(), key=_dearest))


def _add(sums: dict[str | None, Spend], line: Spend) -> None:
    known = sums.get(line.name, Spend(name=line.name, runs=0, usd=Decimal(0), unknown=0))
    sums[line.name] = known.change(
        runs=known.runs + line.runs,
        usd=known.usd + line.usd,
        unknown=known.unknown + line.unknown,
    )


def _dearest(line: Spend) -> tuple[Decimal, int, str]:
    return -line.usd, -line.runs, line.name or ""


def _node_time(row: UseRow) -> NodeTime:
    return NodeTime(name=row.name, number=row.number, milliseconds=row.milliseconds)


def _took(lines: Iterable[NodeTime]) -> tuple[NodeTime, ...]:
    """Add up what has the same name, what took most first, and the least of many together."""
    sums = dict[str, NodeTime]()
    for each in lines:
        _lengthen(sums, each)
    ordered = sorted(sums.values(), key=_longest)
    kept = {each.name: each for each in ordered[:NAMES_MOST]}
    for each in ordered[NAMES_MOST:]:
        _lengthen(kept, each.change(name=OTHER))
    return tuple(sorted(kept.values(), key=_longest))


def _lengthen(sums: dict[str, NodeTime], line: NodeTime) -> None:
    known = sums.get(line.name, NodeTime(name=line.name, number=0, milliseconds=0))
    sums[line.name] = known.change(
        number=known.number + line.number, milliseconds=known.milliseconds + line.milliseconds
    )


def _longest(line: NodeTime) -> tuple[int, str]:
    return -line.milliseconds, line.name
