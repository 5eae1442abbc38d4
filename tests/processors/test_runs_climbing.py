"""processors.runs.climbing: the steps that every change of a record is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import runs
from processors.runs import climbing
from schemas.generation import CHANGES_KEPT
from schemas.run import OPEN, TERMINAL, Output, RunStatus
from tests import strategies
from tests.builders import NOON, a_generation, an_output, later

ORDER = [
    RunStatus.WAITING,
    RunStatus.PENDING,
    RunStatus.SUBMITTING,
    RunStatus.QUEUED,
    RunStatus.STARTED,
    RunStatus.RUNNING,
    RunStatus.UPLOADING,
]

progresses = st.tuples(strategies.shares, strategies.words)


def test_statuses_climb_in_their_order() -> None:
    """Every open status has a rank of its own; the ends share the highest."""
    assert sorted(OPEN, key=runs.RANK.__getitem__) == ORDER
    assert len({runs.RANK[each] for each in OPEN}) == len(OPEN)
    assert {runs.RANK[each] for each in TERMINAL} == {len(ORDER)}


@pytest.mark.parametrize("known", ORDER)
@pytest.mark.parametrize("told", ORDER)
def test_a_status_is_only_climbed_to(known: RunStatus, told: RunStatus) -> None:
    """A step down, or none, gives back the very same record."""
    record = a_generation(known)
    after = climbing.moved(record, told, later(1), "webhook")

    if ORDER.index(told) > ORDER.index(known):
        assert after.status is told
        assert [each.status for each in after.history] == [told]
    else:
        assert after is record


def test_a_history_keeps_its_last_lines() -> None:
    """Of many changes the last 20 are kept, the newest at the end."""
    record = a_generation()
    for second in range(CHANGES_KEPT + 5):
        line = climbing.noted(record, RunStatus.QUEUED, later(second), "engine")
        record = record.change(history=line)

    assert [each.at for each in record.history] == [later(n) for n in range(5, CHANGES_KEPT + 5)]


@given(progresses, progresses, progresses)
def test_progress_joins(
    one: tuple[float, str | None], two: tuple[float, str | None], three: tuple[float, str | None]
) -> None:
    """The further of several is the same in whatever order they come."""
    assert climbing.further(one, two) == climbing.further(two, one)
    assert climbing.further(one, climbing.further(two, three)) == climbing.further(
        climbing.further(one, two), three
    )
    assert climbing.further(one, two)[0] == max(one[0], two[0])


@given(strategies.told_outputs(), strategies.told_outputs(), strategies.told_outputs())
def test_outputs_join(
    one: tuple[Output, ...], two: tuple[Output, ...], three: tuple[Output, ...]
) -> None:
    """Outputs are the same in whatever order they come, each id once."""
    both = climbing.latest(climbing.latest((), one), two)

    assert both == climbing.latest(climbing.latest((), two), one)
    assert climbing.latest(both, three) == climbing.latest(
        climbing.latest(climbing.latest((), three), two), one
    )
    assert len({each.id for each in both}) == len(both)


def test_an_output_without_arrival_gives_way() -> None:
    """What was heard at a known moment is newer than what has none."""
    silent, told = an_output(), an_output(at=NOON)

    assert climbing.latest((silent,), [told]) == (told,)
    assert climbing.latest((told,), [silent]) == (told,)


def test_whole_seconds_come_before_their_fractions() -> None:
    """Arrivals are compared as times, also where one has no fraction to print."""
    whole, fraction = an_output(at=later(1)), an_output(at=later(1.5), url="https://b.example.com/")

    assert climbing.latest((whole,), [fraction]) == (fraction,)
    assert climbing.latest((fraction,), [whole]) == (fraction,)


def test_the_earlier_of_two_times() -> None:
    """Where there is one at all."""
    assert climbing.earliest(later(1), NOON) == NOON
    assert climbing.earliest(None, NOON) == climbing.earliest(NOON, None) == NOON
    assert climbing.earliest(None, None) is None
