"""Whole lives of runs at servers that fail, with two processes that die: each is run as it must."""

import os
from collections import Counter

import structlog
from hypothesis import HealthCheck, example, given, settings

from schemas.run import RunStatus
from tests.world.farm import FarmPlan, Trouble, Wish, calm_plans, farm_plans
from tests.world.farmland import Farmland, farmed

EXAMPLES = int(os.environ.get("WORLD_EXAMPLES", "60"))
"""Worlds tried; more of them for a longer search."""
UNHURRIED = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

CANCELLED_IN_TIME = FarmPlan(slots=(1,), wishes=(Wish(), Wish(at=30.0)), cancels=((6.0, 0),))
"""Somebody wants a run no more while it is made ready for the only slot; then another comes."""


@UNHURRIED
@example(CANCELLED_IN_TIME)
@given(plan=farm_plans)
def test_every_run_ends_once_whatever_befalls_servers_and_processes(plan: FarmPlan) -> None:
    """Nothing is posted twice, no slot leaks, and nobody is tried more often than they may be."""
    with structlog.testing.capture_logs() as lines:
        world = farmed(plan)
    check(world)
    assert [each for each in lines if each["log_level"] == "error"] == []


@UNHURRIED
@given(plan=calm_plans)
def test_no_server_ever_has_more_runs_than_slots(plan: FarmPlan) -> None:
    """While nobody dies and nothing is cancelled, whatever becomes of the POSTs."""
    with structlog.testing.capture_logs():
        world = farmed(plan)
    check(world)
    for server in world.farm.servers.values():
        assert server.most <= server.slots


def test_what_a_server_forgets_is_run_again() -> None:
    """Elsewhere, once, as a second attempt."""
    trouble = Trouble(at=15, server="s0", seconds=3, forgets=True)
    with structlog.testing.capture_logs():
        world = farmed(FarmPlan(wishes=(Wish(seconds=30),), troubles=(trouble,)))
    check(world)
    (record,) = world.records.values()
    assert (record.status, record.attempt) == (RunStatus.COMPLETED, 2)
    assert [each.server for each in record.runs] == ["s0", "s1"]


def test_what_is_at_a_server_that_is_gone_is_run_at_another() -> None:
    """What the first has done by the time it is back is not told a second time."""
    trouble = Trouble(at=15, server="s0", seconds=200, forgets=False)
    with structlog.testing.capture_logs():
        world = farmed(FarmPlan(wishes=(Wish(seconds=150),), troubles=(trouble,)))
    check(world)
    (record,) = world.records.values()
    assert (record.status, record.attempt) == (RunStatus.COMPLETED, 2)
    assert len(world.records.ends[record.id]) == 1


def check(world: Farmland) -> None:
    """See that a world which has come to rest is as it should be."""
    made = Counter(each.generation for each in world.farm.made.values())
    assert len(world.records) == len(world.plan.wishes)
    for record in world.records.values():
        assert record.ended
        assert record.owed == ()
        assert record.slot is None
        assert made[record.id] <= record.attempt <= record.max_attempts
        check_end(world, record.id)


def check_end(world: Farmland, generation: str) -> None:
    """See that an end is what became of one of its runs, or was ours to say."""
    record = world.records[generation]
    ends = world.records.ends[generation]
    assert [by for _, by in ends] in (["engine"], ["us"], ["us", "engine"])
    waited = RunStatus.TIMEOUT in {status for status, _ in ends} and record.started_at is None
    assert not waited or record.status_reason != "overdue" or record.runs, "nobody served it"
    runs = [each for each in world.farm.made.values() if each.generation == generation]
    if record.status is RunStatus.COMPLETED:
        assert record.ended_by == "engine"
        assert RunStatus.COMPLETED in {each.status for each in runs}
