"""processors.plots: what is drawn of the last hours."""

from decimal import Decimal

import pytest

from processors import plots, totals
from processors.plots import Plot, Series, Shape, Tone, Unit
from schemas.run import RunStatus
from schemas.totals import HourTotals
from schemas.usage import UseRow
from tests.builders import COMFYDEPLOY, NOON, later
from tests.processors.test_totals import HOUR, an_end


def some_hours() -> list[HourTotals]:
    """Return an hour in which two runs ended, and one in which none did."""
    failed = an_end(
        status=RunStatus.FAILED,
        preset=None,
        engine=COMFYDEPLOY,
        usd=Decimal("0.005"),
        unknown=1,
    )
    rows = [UseRow("KSampler", 1, 0, 2000, 1), UseRow("Note", 1, 0, 0, 0)]
    return [
        totals.of(NOON, NOON, [an_end(), failed], rows, rows[:1]),
        totals.of(later(HOUR), NOON, ()),
    ]


def test_outcomes_are_piled_up() -> None:
    """Those that there were none of have no layer."""
    plot = plots.outcomes(some_hours())

    assert plot.title == "Runs by outcome, last 2 hours (UTC)"
    assert plot.labels == ("12:00", "13:00")
    assert plot.series == (
        Series("completed", Tone.GOOD, (1, 0)),
        Series("failed", Tone.BAD, (1, 0)),
    )
    assert plots.ticks(plot) == (0, 1, 2)


def test_percentiles_are_lines_with_gaps() -> None:
    """Nobody waited in an hour in which nothing started."""
    assert plots.durations(some_hours()).series[0].values == (1.0, None)
    assert plots.waiting(some_hours()).series[1].values == (2.0, None)


def test_spend_says_what_is_not_in_it() -> None:
    """A cost that nobody knows is not nothing."""
    plot = plots.spend_by_preset(some_hours())

    assert plot.title == "Spend by preset, last 2 hours (UTC): 1 of unknown cost"
    assert [each.name for each in plot.series] == ["flux", "no preset"]
    engines = plots.spend_by_engine(some_hours()[:1])
    assert engines.title == "Spend by engine, last hour: 1 of unknown cost"
    assert [each.name for each in engines.series] == ["comfyui", "comfydeploy"]
    assert plots.ticks(engines) == pytest.approx((0, 0.005, 0.01, 0.015))


def test_the_cheapest_of_many_names_are_one_layer() -> None:
    """The dearest ones stay apart."""
    ends = [an_end(preset=f"preset{each}", usd=Decimal(each)) for each in range(10)]

    plot = plots.spend_by_preset([totals.of(NOON, NOON, ends)])

    assert [each.name for each in plot.series[:2]] == ["preset9", "preset8"]
    assert plot.series[-1] == Series("other", Tone.IDLE, (3.0,))
    assert len(plot.series) == plots.LINES_MOST + 1


def test_what_takes_most_is_the_topmost_bar() -> None:
    """Bars are drawn from the bottom up; what took no time has none."""
    assert plots.time_by_class(some_hours()).labels == ("KSampler",)
    assert plots.time_by_model(some_hours()).series[0].values == (2.0,)
    rows = [UseRow(f"{each}", 1, 0, each * 1000, 1) for each in range(1, 11)]
    many = plots.time_by_class([totals.of(NOON, NOON, (), rows)])
    assert (many.labels[0], many.labels[-1]) == ("other", "10")
    assert many.series[0].values[0] == 6.0


def test_of_nothing_there_is_nothing_to_draw() -> None:
    """Whatever is asked for, and there is an axis nevertheless."""
    empty = [totals.of(start, NOON, ()) for start in totals.hours(NOON, 24)]

    for draw in plots.ALL.values():
        assert draw(empty).series == ()
        assert plots.ticks(draw(empty))[0] == 0


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        (8, ["05:00", "06:00", "07:00", "08:00", "09:00", "10:00", "11:00", "12:00"]),
        (9, ["06:00", "09:00", "12:00"]),
        (48, ["31 Dec", "12:00", "01 Jan", "12:00"]),
        (168, ["26 Dec", "27 Dec", "28 Dec", "29 Dec", "30 Dec", "31 Dec", "01 Jan"]),
    ],
)
def test_no_more_hours_are_named_than_can_be_read(hours: int, labels: list[str]) -> None:
    """A day is named at its first moment, where there are several."""
    some = [totals.of(start, NOON, [an_end()]) for start in totals.hours(NOON, hours)]

    assert [each for each in plots.outcomes(some).labels if each] == labels


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.0, Unit.RUNS, "12"),
        (1.5, Unit.SECONDS, "1.5 s"),
        (90, Unit.SECONDS, "1.5 min"),
        (7200, Unit.SECONDS, "2 h"),
        (0.004, Unit.USD, "$0.004"),
        (1234.5, Unit.USD, "$1234.50"),
    ],
)
def test_values_are_written_with_their_unit(value: float, unit: Unit, text: str) -> None:
    """As long as they have to be, and no longer."""
    assert plots.amount(value, unit) == text


@pytest.mark.parametrize(
    ("most", "unit", "step"),
    [
        (0.3, Unit.RUNS, 1),
        (23, Unit.RUNS, 5),
        (100, Unit.SECONDS, 30),
        (9e7, Unit.SECONDS, 2e7),
        (0.8, Unit.USD, 0.2),
    ],
)
def test_axes_are_marked_in_even_steps(most: float, unit: Unit, step: float) -> None:
    """Of time, in those that clocks have."""
    plot = Plot("", Shape.LINES, unit, ("",), (Series("", Tone.ONE, (most, None)),))

    marks = plots.ticks(plot)

    assert marks[1] == pytest.approx(step)
    assert marks[-2] < most <= marks[-1]


def test_names_are_short_and_seen() -> None:
    """What cannot be seen, or would turn the line around, is left out."""
    assert plots.short("a\x00b\u202e<b>\n") == "a b <b>"
    assert plots.short("x" * 10_000) == "x" * 23 + "…"
    assert plots.short("\u202e") == "?"
