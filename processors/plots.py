"""What the plots of the last hours show: which lines or bars, what they are called, and in what.

Names are other people's words: they are shown as one short printable line.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from math import ceil, floor, log10
from typing import Final, NamedTuple

from processors import totals
from schemas.totals import HourTotals, NodeTime, Spend, Times

LINES_MOST: Final = 7
"""How many names a plot tells apart; the rest are together one line."""
NAME_MOST: Final = 24
"""Characters of a name that are shown."""
NOTHING: Final = "nothing yet"
"""What is shown where there is nothing to show."""


class Shape(StrEnum):
    """How values are drawn."""

    STACKS = "stacks"
    """One pile for each label, a layer for each series."""
    LINES = "lines"
    BARS = "bars"
    """One bar for each label, side by side; there is one series."""


class Unit(StrEnum):
    """What values count."""

    RUNS = "runs"
    SECONDS = "seconds"
    USD = "usd"


class Tone(StrEnum):
    """What a colour is to say."""

    GOOD = "good"
    BAD = "bad"
    LATE = "late"
    IDLE = "idle"
    """Neither good nor bad: also of what is left over."""
    ONE = "one"
    TWO = "two"
    THREE = "three"
    FOUR = "four"
    FIVE = "five"
    SIX = "six"
    SEVEN = "seven"


class Series(NamedTuple):
    """A line, or the layers of one colour; None where there is no value."""

    name: str
    tone: Tone
    values: tuple[float | None, ...]


class Plot(NamedTuple):
    """What is to be drawn.

    Attributes:
        labels: One for each value of a series; empty where there would be too many to read.
        series: None where there is nothing to show.
    """

    title: str
    shape: Shape
    unit: Unit
    labels: tuple[str, ...]
    series: tuple[Series, ...]


Hours = Sequence[HourTotals]


def outcomes(hours: Hours) -> Plot:
    """Show how many runs ended, in which way."""
    kinds = (
        ("completed", Tone.GOOD),
        ("failed", Tone.BAD),
        ("timeout", Tone.LATE),
        ("cancelled", Tone.IDLE),
    )
    series = (
        Series(name, tone, tuple(getattr(each.runs, name) for each in hours))
        for name, tone in kinds
    )
    return _over_time("Runs by outcome", Shape.STACKS, Unit.RUNS, hours, tuple(series))


def durations(hours: Hours) -> Plot:
    """Show how long completed runs took."""
    series = _percentiles([each.duration for each in hours])
    return _over_time("Duration of completed runs", Shape.LINES, Unit.SECONDS, hours, series)


def waiting(hours: Hours) -> Plot:
    """Show how long runs waited for their start."""
    series = _percentiles([each.waiting for each in hours])
    return _over_time("Waiting, from order to start", Shape.LINES, Unit.SECONDS, hours, series)


def spend_by_preset(hours: Hours) -> Plot:
    """Show what runs cost, by preset."""
    return _spend("Spend by preset", hours, lambda each: each.spend.by_preset)


def spend_by_engine(hours: Hours) -> Plot:
    """Show what runs cost, by engine."""
    return _spend("Spend by engine", hours, lambda each: each.spend.by_engine)


def time_by_class(hours: Hours) -> Plot:
    """Show which classes of nodes took how long."""
    return _time("Time by node class", hours, totals.together(hours).nodes.by_class)


def time_by_model(hours: Hours) -> Plot:
    """Show which models took how long."""
    return _time("Time by model", hours, totals.together(hours).nodes.by_model)


ALL: Final[dict[str, Callable[[Hours], Plot]]] = {
    "outcomes": outcomes,
    "durations": durations,
    "waiting": waiting,
    "spend-by-preset": spend_by_preset,
    "spend-by-engine": spend_by_engine,
    "time-by-class": time_by_class,
    "time-by-model": time_by_model,
}
"""Every plot there is, by name."""


def amount(value: float, unit: Unit) -> str:
    """Write a value with its unit: ``12``, ``1.5 s``, ``20 min``, ``2 h``, ``$0.004``."""
    if unit is Unit.USD:
        return f"${value:.2f}" if value >= _DOLLAR else f"${value:.3g}"
    if unit is Unit.RUNS:
        return f"{value:.0f}"
    for seconds, word in ((3600, "h"), (60, "min")):
        if value >= seconds:
            return f"{value / seconds:.3g} {word}"
    return f"{value:.3g} s"


def ticks(plot: Plot) -> tuple[float, ...]:
    """Return where the axis of values is marked: at 0, and in some even steps past the largest."""
    values = [each.values for each in plot.series]
    if plot.shape is Shape.STACKS:
        values = [tuple(sum(filter(None, pile)) for pile in zip(*values, strict=True))]
    most = max((one for each in values for one in each if one is not None), default=0.0)
    steps = _SECONDS if plot.unit is Unit.SECONDS else ()
    least = 1.0 if plot.unit is Unit.RUNS else 0.0
    wanted = max(most / _STEPS, least)
    step = next((each for each in steps if each >= wanted), None) or _even(wanted)
    return tuple(step * each for each in range(ceil(most / step) + 1))


def _even(least: float) -> float:
    """Return the next of 1, 2 and 5, or of these times a power of ten."""
    if not least:
        return 1.0
    power = 10.0 ** floor(log10(least))
    # A little more than it should be, of a division that did not come out even, is no more.
    return next(each * power for each in (1, 2, 5, 10) if each * power >= least * 0.999)


_STEPS: Final = 5
_HOUR: Final = 3600
_SECONDS: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(_HOUR * each for each in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)
_DOLLAR: Final = 1
_NAMED: Final = (Tone.ONE, Tone.TWO, Tone.THREE, Tone.FOUR, Tone.FIVE, Tone.SIX, Tone.SEVEN)
_DAY: Final = 24


def _over_time(
    title: str, shape: Shape, unit: Unit, hours: Hours, series: tuple[Series, ...]
) -> Plot:
    told = tuple(each for each in series if any(each.values))
    starts = [each.start for each in hours]
    return Plot(_titled(title, len(hours)), shape, unit, _labels(starts), told)


def _titled(title: str, hours: int) -> str:
    return f"{title}, last hour" if hours == 1 else f"{title}, last {hours} hours (UTC)"


def _labels(starts: Sequence[datetime]) -> tuple[str, ...]:
    """Name each hour, but no more of them than can be read."""
    number = len(starts)
    every = next((every for most, every in ((8, 1), (24, 3), (72, 12)) if number <= most), _DAY)
    return tuple(
        _hour(each, dated=number > _DAY) if each.hour % every == 0 else "" for each in starts
    )


def _hour(start: datetime, *, dated: bool) -> str:
    return f"{start:%d %b}" if dated and start.hour == 0 else f"{start:%H:%M}"


def _percentiles(times: Sequence[Times]) -> tuple[Series, ...]:
    return (
        Series("p50: half of them", Tone.ONE, tuple(each.p50_seconds for each in times)),
        Series("p95: 19 of 20", Tone.TWO, tuple(each.p95_seconds for each in times)),
    )


def _spend(title: str, hours: Hours, lines: Callable[[HourTotals], tuple[Spend, ...]]) -> Plot:
    """Show spend over time: the dearest names apart, the rest together."""
    sums = dict[str | None, float]()
    for line in (line for each in hours for line in lines(each)):
        sums[line.name] = sums.get(line.name, 0.0) + float(line.usd)
    dearest = sorted((name for name in sums if sums[name]), key=lambda name: -sums[name])
    apart = dearest[:LINES_MOST]
    named = [(name or "no preset", {name}) for name in apart]
    tones = _NAMED[: len(named)]
    if dearest[LINES_MOST:]:
        named.append((totals.OTHER, set(dearest[LINES_MOST:])))
        tones += (Tone.IDLE,)
    series = tuple(
        Series(short(name), tone, tuple(_sum(lines(each), whose) for each in hours))
        for (name, whose), tone in zip(named, tones, strict=True)
    )
    unknown = sum(line.unknown for each in hours for line in lines(each))
    plot = _over_time(title, Shape.STACKS, Unit.USD, hours, series)
    return plot._replace(title=f"{plot.title}: {unknown} of unknown cost") if unknown else plot


def _sum(lines: Sequence[Spend], names: set[str | None]) -> float:
    return sum(float(each.usd) for each in lines if each.name in names)


def _time(title: str, hours: Hours, lines: Sequence[NodeTime]) -> Plot:
    """Show what took most first, and the rest together."""
    told = [each for each in lines if each.milliseconds]
    bars = [(short(each.name), each.milliseconds / 1000) for each in told[:LINES_MOST]]
    if told[LINES_MOST:]:
        bars.append((totals.OTHER, sum(each.milliseconds for each in told[LINES_MOST:]) / 1000))
    # They are drawn from the bottom up.
    bars.reverse()
    values = tuple(value for _, value in bars)
    return Plot(
        _titled(title, len(hours)).removesuffix(" (UTC)"),
        Shape.BARS,
        Unit.SECONDS,
        tuple(name for name, _ in bars),
        (Series("seconds", Tone.ONE, values),) if bars else (),
    )


def short(name: str) -> str:
    """Return a name as one short line without anything that cannot be seen."""
    seen = "".join(each if each.isprintable() else " " for each in name[: NAME_MOST * 10])
    line = " ".join(seen.split()) or "?"
    return line if len(line) <= NAME_MOST else f"{line[: NAME_MOST - 1]}…"
