"""processors.totals: what hours come to."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from processors import totals
from schemas.run import RunStatus
from schemas.totals import Ended, NodeTime, Outcomes, Spend, Times, Usual
from schemas.usage import UseRow
from tests.builders import COMFYDEPLOY, COMFYUI, NOON, later

HOUR = 3600


def an_end(**fields: Any) -> Ended:  # noqa: ANN401 - any field of the row
    """Return one run of a preset that completed in a second and cost a cent."""
    known: dict[str, Any] = {
        "status": RunStatus.COMPLETED,
        "engine": COMFYUI,
        "preset": "flux",
        "number": 1,
        "usd": Decimal("0.01"),
        "unknown": 0,
        "durations": (1.0,),
        "waits": (2.0,),
    }
    return Ended(**(known | fields))


def test_hours_begin_with_the_clock() -> None:
    """The one under way is the last of them, also in its first moment."""
    assert totals.hours(later(59), 2) == (later(-HOUR), NOON)
    assert totals.hours(NOON, 1) == (NOON,)
    assert not totals.finished(NOON, later(HOUR - 1))
    assert totals.finished(NOON, later(HOUR))


def test_an_hour_without_runs_comes_to_nothing() -> None:
    """Nobody knows how long nothing took."""
    empty = totals.of(NOON, later(HOUR), ())

    assert empty.runs == Outcomes()
    assert empty.duration == empty.waiting == Times()
    assert empty.spend.by_preset == empty.nodes.by_class == ()
    assert totals.together([]) == totals.together([empty])


def test_ends_are_counted_by_outcome() -> None:
    """Only those that completed say how long runs take; all that started, how long they waited."""
    failed = an_end(status=RunStatus.FAILED, durations=(500.0,), waits=(-1.0,))
    hour = totals.of(
        NOON, NOON, [an_end(number=2, durations=(3.0, 1.0)), failed, failed, an_end(waits=())]
    )

    assert hour.runs == Outcomes(completed=3, failed=2)
    assert hour.duration == Times(number=3, p50_seconds=1.0, p95_seconds=3.0)
    assert hour.waiting == Times(number=3, p50_seconds=0.0, p95_seconds=2.0)


def test_spend_tells_what_is_not_known() -> None:
    """The dearest first; a run whose cost nobody knows is no free one."""
    hour = totals.of(
        NOON,
        NOON,
        [
            an_end(),
            an_end(status=RunStatus.FAILED, usd=Decimal("0.02"), unknown=1),
            an_end(preset=None, engine=COMFYDEPLOY, usd=Decimal(1)),
        ],
    )

    nameless = Spend(runs=1, usd=Decimal(1), unknown=0)
    flux = Spend(name="flux", runs=2, usd=Decimal("0.03"), unknown=1)
    assert hour.spend.by_preset == (nameless, flux)
    assert hour.spend.by_engine == (
        nameless.change(name=COMFYDEPLOY),
        flux.change(name=COMFYUI),
    )


def test_hours_are_added_up() -> None:
    """What has the same name is one line; what took most comes first."""
    rows = [UseRow("KSampler", 2, 1, 900, 900), UseRow("SaveImage", 1, 0, 10, 10)]
    one = totals.of(NOON, NOON, [an_end()], rows, rows[:1])
    other = totals.of(later(HOUR), NOON, [an_end(status=RunStatus.TIMEOUT)], rows[1:] * 100)

    both = totals.together([one, other])

    assert both.runs == Outcomes(completed=1, timeout=1)
    assert both.spend.by_preset == (Spend(name="flux", runs=2, usd=Decimal("0.02"), unknown=0),)
    assert both.nodes.by_class == (
        NodeTime(name="SaveImage", number=101, milliseconds=1010),
        NodeTime(name="KSampler", number=2, milliseconds=900),
    )
    assert both.nodes.by_model == (NodeTime(name="KSampler", number=2, milliseconds=900),)


def test_the_smallest_of_many_names_are_one_line() -> None:
    """Nothing of the sum is lost by it."""
    many = range(totals.NAMES_MOST + 2)
    rows = [UseRow(f"node{each}", 1, 0, each, each) for each in many]
    ends = [an_end(preset=f"preset{each}", usd=Decimal(each)) for each in many]

    hour = totals.of(NOON, NOON, ends, rows)

    assert len(hour.spend.by_preset) == len(hour.nodes.by_class) == totals.NAMES_MOST + 1
    assert hour.spend.by_preset[-1] == Spend(name="other", runs=2, usd=Decimal(1), unknown=0)
    assert hour.nodes.by_class[-1] == NodeTime(name="other", number=2, milliseconds=1)


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1.0), (50, 2.0), (51, 3.0), (95, 4.0), (100, 4.0)]
)
def test_a_percentile_is_one_of_the_values(percent: int, expected: float) -> None:
    """The smallest that so many of them do not exceed."""
    assert totals.percentile([1.0, 2.0, 3.0, 4.0], percent) == expected


def test_an_hour_is_added_up_again_less_and_less_often() -> None:
    """Until nothing comes in late any more."""
    end = NOON + totals.HOUR
    early = totals.of(NOON, end + timedelta(minutes=10), ())
    late = totals.of(NOON, end + totals.SETTLED, (), again=True)

    assert totals.serves(early, end + timedelta(minutes=14))
    assert not totals.serves(early, end + timedelta(minutes=15))
    assert not totals.final(early)
    assert totals.final(late)
    assert not totals.final(late.change(again=False))
    assert totals.serves(late, end + timedelta(days=99))


def test_what_is_usual_is_the_median() -> None:
    """Of a preset that never ran nobody knows."""
    assert totals.usual("flux", (9.0, 1.0, 2.0, 1.5004)) == Usual("flux", 1.75, 4)
    assert totals.usual("flux", ()) == Usual("flux", None, 0)
