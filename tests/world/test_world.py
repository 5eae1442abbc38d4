"""Whole lives with two processes, crashes and stalls past a lease: nothing lost, nothing twice."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from structlog.typing import EventDict

from processors.protocols import comfydeploy
from schemas.base import InstanceName
from schemas.generation import Generation
from schemas.run import RunStatus
from tests.world.chats import Tale
from tests.world.cloud import Run
from tests.world.plans import Plan, plans
from tests.world.watch import Story
from tests.world.world import SimulatedWorld, lived

EXAMPLES = int(os.environ.get("WORLD_EXAMPLES", "60"))
"""Worlds tried; more of them for a longer search."""


@pytest.fixture(autouse=True)
def logged() -> Iterator[Sequence[EventDict]]:
    """What was logged; nothing is printed."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(plan=plans)
def test_nothing_is_lost_and_nothing_told_twice(plan: Plan) -> None:
    """However two processes die, stand still and are lied to, each run ends as it truly ended."""
    with structlog.testing.capture_logs() as lines:
        world = lived(plan)
    check(world)
    assert [each for each in lines if each["log_level"] == "error" and "exc_info" in each] == []


def test_an_undisturbed_life_is_told_once() -> None:
    """Without bad luck there is one POST, one end by the engine, one message."""
    world = lived(Plan())
    check(world)
    (record,) = world.records.values()
    assert (record.status, record.ended_by) == (RunStatus.COMPLETED, "engine")
    assert len(world.telegram.tales) == 1


def check(world: SimulatedWorld) -> None:
    """See that a world which has come to rest is as it should be."""
    assert len(world.records) == len(world.plan.orders)
    assert all(each.applied for each in world.batches.values())
    stored = [event for batch in world.batches.values() for event in batch.events]
    assert all(each in stored for each in world.accepted)
    for record in world.records.values():
        assert record.ended
        assert record.owed == ()
        outputs = record.response_payload.outputs
        assert all(each.url is None or each.key in world.files for each in outputs)
        check_truth(world, record)
        check_telling(world, record)


def check_truth(world: SimulatedWorld, record: Generation) -> None:
    """See that the end is the engine's, or ours where the engine said none."""
    runs = [each for each in world.cloud.runs.values() if each.generation == record.id]
    posts = world.cloud.posts.get(record.id, [])
    assert len([each for each in posts if each not in {"busy", "down", "refused"}]) <= 1
    assert len(runs) <= 1
    if record.metadata.run_id is None:
        assert record.ended_by == "us" or posts[-1] == "refused"
        assert not runs or not heard_of(world, runs[0])
        return
    (run,) = runs
    if run.ended_at is None:
        assert record.ended_by == "us"
        return
    # What we ended for the time it took is cancelled for our sake: it stays a timeout.
    carried_out = RunStatus.TIMEOUT if run.status is RunStatus.CANCELLED else run.status
    assert record.ended_by == "engine"
    assert record.status in {run.status, carried_out}
    assert (record.cost_usd is not None) or record.cost_reason is not None
    if run.started_at is not None and record.metadata.cost_rate is not None:
        assert record.cost_usd is not None


def heard_of(world: SimulatedWorld, run: Run) -> bool:
    """Return whether any event of a run was taken in."""
    events = [comfydeploy.receive(each) for each in world.accepted]
    return any(each.run_id == run.run_id for each in events)


def check_telling(world: SimulatedWorld, record: Generation) -> None:
    """See that each end that stood was told, and told twice only for a good reason."""
    story: Story = world.records.stories[record.id]
    chat = record.metadata.telegram_chat_id
    tales = [each for each in world.telegram.tales if each.chat_id == chat]
    assert {each.text for each in tales} <= set(story.texts)
    assert record.status in {story.texts[each.text] for each in tales}, "the end was not told"
    for text in {each.text for each in tales}:
        same = [each for each in tales if each.text == text]
        for one, other in pairwise(same):
            assert excused(world, story, one, other), f"told twice: {one} {other}"


def excused(world: SimulatedWorld, story: Story, one: Tale, other: Tale) -> bool:
    """Return whether an end could not but be told again."""
    if not one.answered:
        return True
    renewed = any(one.at <= at <= other.at for at, _, _ in story.ends)
    return renewed or interrupted(world, one.by, one.at, done_by(story.acknowledged, one, other))


def done_by(acknowledged: Sequence[datetime], one: Tale, other: Tale) -> datetime:
    """Return until when the first telling was not yet written down."""
    return min((at for at in acknowledged if at >= one.at), default=other.at)


def interrupted(world: SimulatedWorld, name: InstanceName, since: datetime, to: datetime) -> bool:
    """Return whether a process was interrupted between two moments."""
    spans = world.interruptions.get(name, [])
    slack = timedelta(milliseconds=1)
    return any(start <= to + slack and end >= since - slack for start, end in spans)
