"""processors.runs.climbing: the steps that every change of a record is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import runs
from processors.runs import climbing
from schemas.base import RunId
from schemas.generation import CHANGES_KEPT
from schemas.run import OPEN, TERMINAL, RunStatus
from tests import strategies
from tests.builders import RUN, a_generation, a_placed, later

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


@pytest.mark.parametrize("told", ORDER[3:])
def test_a_place_in_the_queue_is_given_up_with_the_queue(told: RunStatus) -> None:
    """What has begun to run stands nowhere in line."""
    record = a_generation(RunStatus.SUBMITTING, queue_position=3)
    after = climbing.moved(record, told, later(1), "webhook")

    assert after.queue_position == (3 if told is RunStatus.QUEUED else None)


def test_a_history_keeps_its_last_lines() -> None:
    """Of many changes the last 20 are kept, the newest at the end."""
    record = a_generation()
    for second in range(CHANGES_KEPT + 5):
        line = climbing.noted(record.history, RunStatus.QUEUED, later(second), "engine")
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


def test_a_run_is_found_at_the_server_it_was_sent_to() -> None:
    """A former one, too; one that the record does not name is at none."""
    server = a_placed().runs[0]
    record = a_placed(runs=(server, server.change(run_id=RunId("run-2"), server="two")))

    assert [runs.located(record, RunId(each)).server for each in ("run-1", "run-2", "run-3")] == [
        "one",
        "two",
        None,
    ]
    assert runs.located(a_generation(), RUN) == (RUN, None)
