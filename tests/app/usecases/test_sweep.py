"""Whoever finds what was left behind takes it up."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from app.errors import StoreDownError
from app.ports import Write
from processors import debts, runs
from schemas.base import GenerationId, InstanceName, RunId
from schemas.debt import DebtKind
from schemas.generation import ClaimedEnd, Generation
from schemas.run import Batch, RunStatus
from tests.app.usecases.scenes import TIMING, Scene, webhook_of
from tests.builders import (
    ID,
    NOON,
    RUN,
    a_debt,
    a_delivery,
    a_generation,
    a_report,
    later,
    some_metadata,
)
from tests.fakes.generations import FakeGenerations
from tests.fakes.inbox import FakeInbox

pytestmark = pytest.mark.anyio

THERE = InstanceName("there")
SELDOM = TIMING.change(sweep_every=timedelta(days=1))
OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")


def left_behind(*bodies: bytes) -> Batch:
    """Return a batch that a process accepted and did not live to apply."""
    events = tuple(a_delivery(each) for each in bodies)
    return Batch(id="left", at=NOON, events=events)


async def test_a_stale_batch_is_applied_by_anybody() -> None:
    """Two seconds after it was taken in; what no longer translates spoils no other."""
    scene = Scene()
    scene.generations.records[ID] = a_generation()
    body = f'{{"run_id": "{RUN}", "status": "running"}}'.encode()
    scene.inbox.batches["left"] = left_behind(b"no JSON", body)
    async with scene.running():
        await asyncio.sleep(5)

    assert scene.record(ID).status is RunStatus.RUNNING
    assert scene.inbox.batches["left"].applied


async def test_a_batch_in_which_nothing_makes_sense_is_done_with() -> None:
    """It is not taken up for ever."""
    scene = Scene()
    scene.inbox.batches["left"] = left_behind(b"no JSON")
    async with scene.running():
        await asyncio.sleep(5)

    assert scene.inbox.batches["left"].applied


async def test_the_claims_of_a_process_that_is_gone_are_given_back() -> None:
    """Its own, not another's; whoever sweeps next has them."""
    scene = Scene()
    ours = a_debt(runs.END, by="here", next_at=later(75))
    theirs = a_debt(runs.ASK, by="there", next_at=later(75))
    scene.generations.records[ID] = a_generation(owed=(ours, theirs))

    assert await scene.sweep.release(THERE) == 1
    owed = scene.record(ID).owed
    assert [(each.key, each.by) for each in owed] == [(runs.END, "here"), (runs.ASK, None)]
    assert scene.record(ID).due_at == scene.clock.now()


async def test_a_claim_that_ran_out_is_anybodys() -> None:
    """The debt is done, by another."""
    scene = Scene()
    record = a_generation(owed=(a_debt(runs.ASK, by="there", next_at=later(75)),))
    scene.generations.records[ID] = debts.put(record, record.owed)
    webhook = webhook_of(record)
    scene.engine.reports[RUN] = a_report(RunStatus.FAILED, webhook=webhook)
    async with scene.running():
        await asyncio.sleep(70)
        assert not scene.record(ID).ended
        await asyncio.sleep(10)

    assert scene.record(ID).ended


async def test_a_database_that_is_gone_is_swept_later() -> None:
    """And the wish to have every run asked is not forgotten meanwhile."""
    scene = Scene()
    far = a_debt(runs.ASK, next_at=later(9999))
    scene.generations.records[ID] = debts.put(a_generation(), (far,))
    scene.engine.reports[RUN] = a_report(RunStatus.COMPLETED)
    async with scene.running():
        scene.store.down = StoreDownError("gone")
        scene.sweep.ask_all()
        await asyncio.sleep(30)
        scene.store.down = None
        await asyncio.sleep(5)

    assert scene.record(ID).ended


async def test_a_record_that_cannot_be_swept_does_not_stop_the_others() -> None:
    """It is said, and found again; the process lives on."""
    scene = Scene(generations=Poisoned())
    for each in (ID, OTHER):
        record = a_generation(id=each, metadata=some_metadata(run_id=RunId(f"run-{each}")))
        owed = (a_debt(runs.END, next_at=later(-1 if each == ID else 0)),)
        claimed = ClaimedEnd(status=RunStatus.COMPLETED, at=NOON, run_id=RunId(f"run-{each}"))
        scene.generations.records[each] = debts.put(record.change(claimed_end=claimed), owed)
    scene.engine.reports[RunId(f"run-{OTHER}")] = a_report(run_id=RunId(f"run-{OTHER}"))
    async with scene.running():
        await asyncio.sleep(5)

    assert scene.record(OTHER).ended
    assert not scene.record(ID).ended
    assert "sweep_broken" in scene.alerts.raised


async def test_a_part_of_a_sweep_that_fails_does_not_stop_the_others() -> None:
    """Batches that cannot be listed keep no debt from being done."""
    scene = Scene(inbox=Unlisted())
    scene.generations.records[ID] = a_generation(owed=(a_debt(runs.ASK),))
    scene.engine.reports[RUN] = a_report()
    async with scene.running():
        await asyncio.sleep(5)

    assert scene.record(ID).ended
    assert "sweep_broken" in scene.alerts.raised


async def test_open_runs_are_asked_beside_the_sweep() -> None:
    """Thousands take their time, and a debt that is due does not wait for them."""
    scene = Scene()
    far = a_debt(runs.ASK, next_at=later(9999))
    for number in range(100, 300):
        each = a_generation(
            id=GenerationId(f"0198c0ffee{number:022x}"),
            metadata=some_metadata(run_id=RunId(f"run-{number}")),
        )
        scene.generations.records[each.id] = debts.put(each, (far,))
    slow = 0.1

    async def slowly() -> None:
        await asyncio.sleep(slow)

    scene.generations.gate = slowly
    async with scene.running():
        await asyncio.sleep(1)
        scene.sweep.ask_all()
        await asyncio.sleep(1)
        due = debts.put(a_generation(), (a_debt(runs.ASK),))
        scene.generations.records[ID] = due
        scene.engine.reports[RUN] = a_report()
        await asyncio.sleep(6)
        assert scene.record(ID).ended
        left = [each for each in scene.generations.records.values() if each.owed == (far,)]
        assert len(left) > 100


async def test_after_another_outage_the_asking_goes_on_where_it_was() -> None:
    """No run is read twice for it."""
    scene = Scene()
    far = a_debt(runs.ASK, next_at=later(9999))
    for number in range(50):
        each = a_generation(
            id=GenerationId(f"0198c0ffee{number:022x}"),
            metadata=some_metadata(run_id=RunId(f"run-{number}")),
        )
        scene.generations.records[each.id] = debts.put(each, (far,))
    scene.sweep.ask_all()
    # Listing takes one passing, and each run four: the 26th finds the database gone.
    scene.store.script(*[None] * 102, *[StoreDownError("gone")] * 3)
    asking = asyncio.ensure_future(scene.sweep.keep_asking())
    await asyncio.sleep(30)
    asking.cancel()

    nexts = [each.owed[0].next_at for _, each in sorted(scene.generations.records.items())]
    assert nexts == sorted(nexts)
    assert nexts[-1] < later(10)
    assert scene.store.passed == 1 + 50 * 4 + 4


async def test_who_is_woken_sweeps_at_once() -> None:
    """However far off the next sweep is; a burst of wake-ups is one sweep, and it comes again."""
    scene = Scene(timing=SELDOM)
    async with scene.running():
        await asyncio.sleep(1)
        begun = scene.store.passed
        scene.sweep.look()
        await asyncio.sleep(1)
        one = scene.store.passed - begun
        for _ in range(1_000):
            scene.sweep.look()
        await asyncio.sleep(1)
        assert scene.store.passed == begun + 2 * one
        due = debts.put(a_generation(), (a_debt(runs.ASK),))
        scene.generations.records[ID] = due
        scene.engine.reports[RUN] = a_report()
        scene.sweep.look()
        await asyncio.sleep(1)

    assert scene.record(ID).ended


async def test_an_idle_sweep_asks_as_little_as_can_be() -> None:
    """Once for batches and once for each kind of record, on duty or not."""
    scene = Scene(generations=Asked(), timing=SELDOM)
    asked = scene.generations
    assert isinstance(asked, Asked)
    scene.messenger.duty = False
    await scene.sweep.once()
    assert asked.questions == ["any_due"]
    scene.messenger.duty = True
    await scene.sweep.once()
    # What was put off meanwhile is brought forward, once.
    await scene.sweep.once()

    assert asked.questions == ["any_due", "any_due", "due", "any_due"]


class Asked(FakeGenerations):
    """Generations that note what they are asked by a sweep."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = list[str]()

    async def any_due(self, now: datetime, kinds: frozenset[DebtKind]) -> bool:
        """See app.ports.Debtors."""
        self.questions.append("any_due")
        return bool(await super().due(now, kinds, 1))

    async def due(
        self, now: datetime, kinds: frozenset[DebtKind], limit: int
    ) -> tuple[Generation, ...]:
        """See app.ports.Debtors."""
        self.questions.append("due")
        return await super().due(now, kinds, limit)


class Poisoned(FakeGenerations):
    """Generations of which one cannot be written."""

    async def write(self, writes: Sequence[Write[Generation]]) -> frozenset[str]:
        """See app.ports.Generations."""
        if any(each.before.id == ID for each in writes):
            raise ValueError("this record makes no sense")
        return await super().write(writes)


class Unlisted(FakeInbox):
    """An inbox whose batches cannot be listed."""

    async def stale(self, *_args: object, **_named: object) -> tuple[Batch, ...]:
        """See app.ports.Inbox."""
        raise ValueError("these batches make no sense")
