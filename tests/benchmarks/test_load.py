"""The load that the benchmarks send is one that the service takes for what it is."""

import shutil
from pathlib import Path

import pytest

from benchmarks import events, ingest, world
from benchmarks.load import Load
from processors.protocols import comfydeploy, signing
from schemas.run import Delivery, RunStatus
from tests.builders import NOON

KEY = signing.derive(events.SECRET.encode(), "webhook:comfydeploy")


def test_a_run_has_ten_events_of_which_the_last_is_its_end() -> None:
    """Nine events tell how far a run has come, the tenth that it has succeeded."""
    (run,) = events.runs_only(1)

    told = [
        comfydeploy.receive(
            Delivery(
                generation=run.id,
                attempt=1,
                engine=comfydeploy.NAME,
                at=NOON,
                raw=events.body(run.run_id, step),
            )
        )
        for step in range(events.EVENTS)
    ]

    assert len(told) == 10
    assert {each.run_id for each in told} == {run.run_id}
    assert [each.status for each in told].count(RunStatus.COMPLETED) == 1
    assert told[-1].status is RunStatus.COMPLETED


def test_a_run_comes_with_a_token_of_its_own() -> None:
    """The webhook of each run is signed with the key that the service derives."""
    first, second = events.runs_only(2)

    assert signing.verify((KEY,), comfydeploy.NAME, first.id, first.token) == 1
    assert signing.verify((KEY,), comfydeploy.NAME, second.id, first.token) is None


def test_the_engine_says_of_every_run_that_it_has_succeeded() -> None:
    """The stand-in's answer is one that the service understands."""
    report = comfydeploy.report(events.answer("run-1"))

    assert (report.run_id, report.status) == ("run-1", RunStatus.COMPLETED)
    assert len(report.outputs) == 1


def test_a_wait_grows_when_its_last_third_is_far_above_the_one_before() -> None:
    """A level wait, however high, does not count as growing."""
    assert not ingest.grows([1_900] * 9)
    assert ingest.grows([0, 0, 0, 200, 200, 200, 900, 900, 900])


def test_runs_are_supplied_in_whole_blocks(tmp_path: Path) -> None:
    """So many runs are wanted that the events do not run out within their block."""
    load = Load("http://127.0.0.1:1", tmp_path, "b")

    assert load.wants(1) == events.INTERLEAVED
    assert load.wants(events.INTERLEAVED * events.EVENTS) == 2 * events.INTERLEAVED


@pytest.mark.anyio
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
async def test_the_load_generator_is_answered(tmp_path: Path) -> None:
    """What is sent is answered, and no event comes twice."""
    async with world.a_server("parse") as server:
        load = Load(server.url, tmp_path, "a")
        load.supply(events.runs_only(events.INTERLEAVED * 6))

        measured = await load.run(1)

    assert measured.requests > 0
    assert (measured.refused, measured.broken) == (0, 0)
    assert load.sent >= measured.requests
