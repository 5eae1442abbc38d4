"""One call asks about all open runs, and does what follows."""

import asyncio
from typing import Any

import pytest

from app.errors import PeerLostError, StoreDownError
from app.usecases.check_runs import Checked, Seen
from processors import debts, runs
from schemas.base import GenerationId, RunId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.run import RunAt, RunReport, RunStatus
from tests.app.usecases.hosts import Host, Many, Slow, now, seconds
from tests.app.usecases.scenes import webhook_of
from tests.builders import (
    a_chain,
    a_debt,
    a_generation,
    a_part,
    a_report,
    a_waiting,
    an_output,
    later,
    some_metadata,
)
from tests.fakes.engines import FakeEngine

pytestmark = pytest.mark.anyio


class Forgetful(FakeEngine):
    """An engine that has lost its runs, and remembers in which order it was asked."""

    def __init__(self, gate: object = None) -> None:
        del gate
        super().__init__()
        self.asked = list[RunId]()

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        self.asked.append(run.run_id)
        if run.run_id not in self.reports:
            raise PeerLostError(self.name, "had it")
        return await super().read(run)


async def test_all_open_runs_are_asked_about() -> None:
    """Whenever they were due; an end is settled and told, and what goes on is left."""
    host = Host()
    async with host.scene.running() as scene:
        for number, status in enumerate((RunStatus.RUNNING, RunStatus.FAILED, RunStatus.COMPLETED)):
            _runs(host, number, status)
        did = await host.check_runs(seconds(20))
        assert did is not None
        assert did._replace(seconds=0) == Checked(3, 0, 1, 0, 0, 0)
        assert [scene.record(_id(each)).ended for each in range(3)] == [False, True, True]
        assert len(scene.messenger.told) == 2
        again = await host.check_runs(seconds(20))
        assert again is not None
        assert again.checked == 1


async def test_a_chain_goes_on_in_the_same_call() -> None:
    """Its first end is found, copied and settled, and its second step is sent."""
    host = Host(engine=Many)
    async with host.scene.running() as scene:
        await scene.grant(10)
        job = a_chain(1, 1)
        scene.jobs.records[job.id] = job
        first = a_part(job, 1, status=RunStatus.RUNNING)
        owed = (a_debt(runs.ASK, next_at=later(9999)),)
        scene.generations.records[first.id] = debts.put(first, owed)
        second = a_part(job, 2)
        scene.generations.records[second.id] = second
        run_id, webhook = RunId("run-1-1"), webhook_of(first)
        report = a_report(run_id=run_id, webhook=webhook, outputs=(an_output(),))
        scene.engine.reports[run_id] = report

        did = await host.check_runs(seconds(20))

        assert did is not None
        assert (did.checked, did.advanced) == (1, 1)
        assert [each.id for each, _ in scene.engine.submitted] == [second.id]
        assert scene.record(second.id).status is RunStatus.QUEUED


async def test_the_longest_without_news_come_first() -> None:
    """And what the engine has no more fails."""
    host = Host(engine=Forgetful)
    async with host.scene.running() as scene:
        _runs(host, 1, None, updated_at=later(-10))
        _runs(host, 2, None, updated_at=later(-30))
        _runs(host, 3, RunStatus.RUNNING, updated_at=later(-20))
        did = await host.check_runs(seconds(20))
        assert did is not None
        assert (did.checked, did.failed, did.reset) == (3, 2, 0)
        engine = scene.engine
        assert isinstance(engine, Forgetful)
        assert engine.asked == ["run-2", "run-3", "run-1"]


async def test_of_three_at_once_one_checks() -> None:
    """One that is asked about already is not asked twice; a slow engine ends no call late."""
    host = Host()
    async with host.scene.running() as scene:
        scene.engine.gate = Slow(1000)
        for number in range(200):
            _runs(host, number, RunStatus.RUNNING)
        at_it = a_debt(runs.ASK, by="there", next_at=later(75))
        _runs(host, 500, RunStatus.RUNNING, ask=at_it)
        began = now()
        did = await host.check_runs(seconds(4))
        assert did is not None
        assert now() - began < 5
        assert (did.checked, did.left > 0) == (0, True)
        assert scene.record(_id(500)).owed == (at_it,)

        async with asyncio.TaskGroup() as group:
            group.create_task(host.check_runs(seconds(4)))
            await asyncio.sleep(1)
            for _ in range(2):
                assert await host.check_runs(seconds(20)) is None


async def test_a_run_that_cannot_be_written_is_left() -> None:
    """The others are asked about; it is counted to the next call."""
    host = Host()
    async with host.scene.running() as scene:
        for number in range(3):
            _runs(host, number, RunStatus.RUNNING)
        await asyncio.sleep(1)
        # The list is read by two passings; the first of the three fails.
        scene.store.script(None, None, StoreDownError("gone"))
        did = await host.check_runs(seconds(20))
        assert did is not None
        assert did.checked == 3 - 1


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        (None, a_generation(), (0, 0, 0)),
        (a_generation(), a_generation(progress=0.5), (0, 0, 0)),
        (a_generation(status=RunStatus.WAITING), a_waiting(), (1, 0, 0)),
        (a_generation(), a_generation(status=RunStatus.TIMEOUT), (0, 1, 0)),
        (a_generation(), a_generation(status=RunStatus.CANCELLED), (0, 0, 0)),
        (a_generation(status=RunStatus.SUBMITTING), a_waiting(), (0, 0, 1)),
        (a_generation(), a_waiting(attempt=2), (0, 0, 1)),
    ],
)
def test_changes_are_counted(
    before: Generation | None, after: Generation, counted: tuple[int, int, int]
) -> None:
    """By what they are, whoever made them."""
    seen = Seen()
    seen.noticed(before, after)
    assert (seen.advanced, seen.failed, seen.reset) == counted


def _runs(
    host: Host,
    number: int,
    status: RunStatus | None,
    ask: Debt | None = None,
    **fields: Any,  # noqa: ANN401 - any field of the record
) -> None:
    """Have a run go on that is asked about much later; its engine says this of it."""
    run_id = RunId(f"run-{number}")
    record = a_generation(id=_id(number), metadata=some_metadata(run_id=run_id), **fields)
    owed = ask or a_debt(runs.ASK, next_at=later(9999))
    host.scene.generations.records[record.id] = debts.put(record, (owed,))
    if status is not None:
        webhook = webhook_of(record)
        host.scene.engine.reports[run_id] = a_report(status, run_id=run_id, webhook=webhook)


def _id(number: int) -> GenerationId:
    return GenerationId(f"0198c0ffee{number:022x}")
