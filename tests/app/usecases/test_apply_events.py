"""What was accepted is applied: in one write per generation, by whoever finds it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.errors import StoreDownError
from app.usecases.apply_events import BUSY, ROOM
from processors import runs
from schemas.base import GenerationId, InstanceName, RunId
from schemas.generation import Generation
from schemas.run import Batch, RunEvent, RunStatus
from tests.app.usecases.scenes import TIMING, Scene
from tests.builders import ID, NOON, RUN, a_generation, a_run_event, an_output, later
from tests.fakes.generations import FakeGenerations

pytestmark = pytest.mark.anyio

OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")


def stored(scene: Scene, *generations: GenerationId) -> None:
    """Have generations whose runs are queued."""
    for number, each in enumerate(generations):
        record = a_generation(id=each, metadata=a_generation().metadata.change(run_id=f"r{number}"))
        scene.generations.records[each] = record.change(owed=(), due_at=None)


async def test_all_events_of_a_run_make_one_write() -> None:
    """However many were accepted at once."""
    async with Scene().running() as scene:
        stored(scene, ID)
        await asyncio.gather(
            *(scene.hear(ID, each, "r0") for each in ("running", "started", "queued", "uploading"))
        )
        await asyncio.sleep(0.5)

    record = scene.record(ID)
    assert record.status is RunStatus.UPLOADING
    # The events' one write; then that the state was shown, which takes no more than two.
    assert record.version <= 4


async def test_batches_are_marked_when_all_of_their_events_are_applied() -> None:
    """An event for a generation that is gone is counted, and holds nothing up."""
    gone = GenerationId("f" * 32)
    with capture_logs([merge_contextvars]) as logged:
        async with Scene().running() as scene:
            stored(scene, ID)
            await asyncio.gather(scene.hear(ID, "running", "r0"), scene.hear(gone, "running", "r1"))
            await asyncio.sleep(3)

    assert all(each.applied for each in scene.inbox.batches.values())
    (line,) = (each for each in logged if each["event"] == "event for a generation that is gone")
    assert (line["generation"], line["run"]) == (gone, "r1")
    assert scene.record(ID).status is RunStatus.RUNNING


async def test_a_lost_race_is_decided_again() -> None:
    """On the record as the winner left it."""
    scene, raced = Scene(), [True]

    async def racing() -> None:
        record = scene.generations.records.get(ID)
        if record is not None and record.status is RunStatus.QUEUED and raced and passed():
            raced.pop()
            changed = record.change(version=record.version + 1, status_reason="by hand")
            scene.generations.records[ID] = changed

    count = 0

    def passed() -> bool:
        nonlocal count
        count += 1
        return count == 3

    async with scene.running():
        stored(scene, ID)
        await asyncio.sleep(0)
        scene.generations.gate = racing
        await scene.hear(ID, "running", "r0")
        await asyncio.sleep(5)

    record = scene.record(ID)
    assert (record.status, record.status_reason) == (RunStatus.RUNNING, "by hand")
    assert raced == []


async def test_a_database_that_is_gone_is_waited_for() -> None:
    """What was accepted stays to be applied, and each outage is one line of the log."""
    with capture_logs() as logged:
        async with Scene().running() as scene:
            stored(scene, ID)
            scene.generations.gate = scene.engine_gate
            for status in ("started", "running"):
                scene.engine_gate.down = StoreDownError("gone")
                await scene.hear(ID, status, "r0")
                await asyncio.sleep(20)
                scene.engine_gate.down = None
                await asyncio.sleep(5)

    assert scene.record(ID).status is RunStatus.RUNNING
    waits = [each for each in logged if each["event"] == "events wait for the database"]
    assert [(each["waiting"], each["error"]) for each in waits] == [(1, "gone")] * 2


async def test_the_same_event_from_two_processes_is_one_change() -> None:
    """Fifty times at once from each."""
    one = Scene()
    two = Scene(name=InstanceName("there"), generations=FakeGenerations(one.generations.records))
    async with one.running(), two.running():
        stored(one, ID)
        await asyncio.gather(
            *(scene.hear(ID, "running", "r0") for scene in (one, two) for _ in range(50))
        )
        await asyncio.sleep(5)

    record = one.record(ID)
    assert [each.status for each in record.history] == [RunStatus.RUNNING]


async def test_progress_is_spaced_and_everything_else_is_not() -> None:
    """Between two writes of progress time must pass; an end does not wait for it."""
    scene = Scene(timing=TIMING.change(progress_every=timedelta(seconds=20)))
    async with scene.running():
        stored(scene, ID)
        await scene.hear(ID, "started", "r0")
        await asyncio.sleep(1)
        version = scene.record(ID).version
        await scene.hear(ID, "running", "r0")
        await asyncio.sleep(15)
        assert scene.record(ID).version == version
        await asyncio.sleep(10)
        assert scene.record(ID).status is RunStatus.RUNNING
        await scene.hear(ID, "uploading", "r0")
        await scene.hear(ID, "success", "r0")
        await asyncio.sleep(1)

    assert RunStatus.UPLOADING in {each.status for each in scene.record(ID).history}


async def test_under_load_progress_is_spaced_twice_as_far() -> None:
    """While many events wait, each write has more of them; all are written in the end."""
    some = [GenerationId(f"{n:032x}") for n in range(BUSY + 50)]
    scene = Scene(timing=TIMING.change(progress_every=timedelta(seconds=20)))
    async with scene.running():
        stored(scene, *some)
        for status in ("started", "running"):
            await asyncio.gather(
                *(scene.hear(each, status, f"r{n}") for n, each in enumerate(some))
            )
            await asyncio.sleep(5)
        await asyncio.sleep(20)
        assert {scene.record(each).status for each in some} == {RunStatus.STARTED}
        await asyncio.sleep(20)

    assert {scene.record(each).status for each in some} == {RunStatus.RUNNING}


async def test_a_batch_known_already_is_not_taken_up_twice() -> None:
    """A sweep that finds what is under way changes nothing."""
    scene = Scene()
    delivery, event = scene.a_webhook(ID, f'{{"run_id": "{RUN}", "status": "running"}}'.encode())
    batch = Batch(id="a", at=delivery.at, events=(delivery,))
    scene.inbox.batches["a"] = batch
    stored(scene, ID)
    scene.applier.add(batch, [event])
    scene.applier.add(batch, [event])
    scene.applier.close()
    await scene.applier.run()

    assert scene.inbox.batches["a"].applied


async def test_an_odd_record_holds_up_nobody_and_its_events_are_kept() -> None:
    """Its batch is not marked, so it is tried again after the next start."""
    odd, fine = GenerationId("0" * 31 + "1"), GenerationId("0" * 31 + "2")
    scene = Scene()
    stored(scene, odd, fine)
    read = scene.generations.many

    async def many(ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        if odd in ids:
            raise ValueError("no such field")
        return await read(ids)

    scene.generations.many = many
    with capture_logs([merge_contextvars]) as logged:
        async with scene.running():
            odd_one, fine_one = scene.hear(odd, "running", "r0"), scene.hear(fine, "running", "r1")
            await asyncio.gather(odd_one, fine_one)
            await asyncio.sleep(1)

    assert scene.record(fine).status is RunStatus.RUNNING
    assert [each.applied for each in scene.inbox.batches.values()] == [False]
    assert "quarantined" in scene.alerts.raised
    (line,) = (each for each in logged if each["event"] == "events could not be applied")
    assert (line["generation"], line["run"]) == (odd, "r0")


async def test_a_record_that_somebody_else_changed_is_read_again() -> None:
    """What this process remembers of a record proves nothing about it."""
    async with Scene().running() as scene:
        stored(scene, ID)
        await scene.hear(ID, "running", "r0")
        await asyncio.sleep(1)
        here = scene.record(ID)
        scene.generations.records[ID] = here.change(
            status=RunStatus.QUEUED, started_at=None, version=here.version + 1
        )
        await scene.hear(ID, "running", "r0")
        await asyncio.sleep(1)

    assert scene.record(ID).status is RunStatus.RUNNING


async def test_an_event_of_another_run_is_said_with_both_runs() -> None:
    """Ours, as every line about the generation has it, and the one that is not."""
    with capture_logs([merge_contextvars]) as logged:
        async with Scene().running() as scene:
            stored(scene, ID)
            await scene.hear(ID, "running", "r0")
            await scene.hear(ID, "running", "another")
            await asyncio.sleep(3)

    (line,) = (each for each in logged if each["event"] == "event of a run that is not ours")
    assert (line["generation"], line["run"], line["foreign"]) == (ID, "r0", "another")


async def test_what_was_fetched_is_applied_and_marks_nothing() -> None:
    """It lies in no inbox, and stands beside what does."""
    async with Scene().running() as scene:
        stored(scene, ID)
        event = a_run_event(generation_id=ID, run_id=RunId("r0"), received_at=scene.clock.now())
        scene.applier.hear(event._replace(progress=0.25))
        await scene.hear(ID, "uploading", "r0")
        await asyncio.sleep(3)

    record = scene.record(ID)
    assert (record.status, record.progress) == (RunStatus.UPLOADING, 0.25)
    assert [each.applied for each in scene.inbox.batches.values()] == [True]
    assert scene.applier.known == set()


async def test_a_signed_word_about_a_run_that_serves_another_is_looked_into() -> None:
    """A run has one name, and whoever wrote it first has it: nothing is tried for ever."""
    async with Scene().running() as scene:
        stored(scene, OTHER)
        scene.generations.records[ID] = a_generation(
            metadata=a_generation().metadata.change(run_id=None), runs=()
        )
        event = a_run_event(generation_id=ID, run_id=RunId("r0"), received_at=scene.clock.now())
        scene.applier.hear(event._replace(vouched=True))
        await asyncio.sleep(3)
        assert scene.applier.waiting == 0

    assert scene.record(ID).metadata.run_id is None
    assert any(each.key == "ask" for each in scene.record(ID).owed)


async def test_what_was_fetched_waits_for_the_database() -> None:
    """It is applied when that answers."""
    async with Scene().running() as scene:
        stored(scene, ID)
        scene.store.down = StoreDownError("no answer")
        scene.applier.hear(
            a_run_event(generation_id=ID, run_id=RunId("r0"), received_at=scene.clock.now())
        )
        await asyncio.sleep(2)
        assert scene.record(ID).status is RunStatus.QUEUED
        scene.store.down = None
        await asyncio.sleep(2)

    assert scene.record(ID).status is RunStatus.RUNNING


async def test_what_was_fetched_of_a_record_that_makes_no_sense_is_left() -> None:
    """It can be asked again; everybody else's is applied."""

    class Odd(FakeGenerations):
        """Generations one of which makes no sense."""

        async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
            """See app.ports.Generations."""
            if OTHER in ids:
                raise ValueError("this record makes no sense")
            return await super().many(ids)

    async with Scene(generations=Odd()).running() as scene:
        stored(scene, ID, OTHER)
        for number, each in enumerate((ID, OTHER)):
            scene.applier.hear(a_run_event(generation_id=each, run_id=RunId(f"r{number}")))
        await asyncio.sleep(2)

    assert scene.record(ID).status is RunStatus.RUNNING
    assert scene.record(OTHER).status is RunStatus.QUEUED
    assert "quarantined" in scene.alerts.raised


def steps(record: Generation, number: int) -> list[RunEvent]:
    """Return what a server tells of a run: it waits, runs, and gets on with each step."""
    run_id = record.metadata.run_id
    event = a_run_event(generation_id=record.id, run_id=run_id, received_at=NOON, source="server")
    return [
        event._replace(status=RunStatus.QUEUED),
        *(
            event._replace(
                received_at=NOON + timedelta(seconds=n),
                progress=n / number,
                live_status=f"KSampler {n}/{number}",
            )
            for n in range(number)
        ),
    ]


async def test_of_how_far_a_run_has_come_little_waits_for_the_database() -> None:
    """A server tells it at every step; the record is as if all of it had waited."""
    async with Scene().running() as scene:
        stored(scene, ID)
        record = scene.record(ID)
        told = steps(record, 3 * ROOM)
        scene.store.down = StoreDownError("no answer")
        for event in told:
            scene.applier.hear(event)
            if event.received_at == later(ROOM):
                # Some are being applied when the next ones come.
                await asyncio.sleep(2)
        assert scene.applier.has_room
        assert scene.applier.waiting <= 3
        scene.store.down = None
        await asyncio.sleep(2)

    heard = runs.hear(record, told, now=NOON, timing=TIMING).generation
    for field in ("status", "history", "progress", "live_status", "queued_at", "started_at"):
        assert getattr(scene.record(ID), field) == getattr(heard, field)


async def test_what_comes_while_its_like_is_written_is_written_next() -> None:
    """It does not go with what it stands in the place of."""
    told = list[RunEvent]()
    async with Scene().running() as scene:
        stored(scene, ID)
        told = steps(scene.record(ID), 10)

        async def meanwhile() -> None:
            while told:
                scene.applier.hear(told.pop(0))

        for event in (told.pop(0), told.pop(0), told.pop(0)):
            scene.applier.hear(event)
        scene.generations.gate = meanwhile
        await asyncio.sleep(2)

    assert scene.record(ID).progress == 0.9
    assert scene.applier.waiting == 0


async def test_what_was_fetched_takes_no_room_from_webhooks() -> None:
    """However many servers tell it of however many runs."""
    async with Scene().running() as scene:
        scene.store.down = StoreDownError("no answer")
        for n in range(ROOM + 1):
            record = a_generation(id=f"{n:032x}", metadata=a_generation().metadata)
            scene.applier.hear(steps(record, 1)[0])
        assert (scene.applier.has_room, scene.applier.waiting) == (True, ROOM + 1)
        scene.store.down = None
        await asyncio.sleep(2)

    assert scene.applier.waiting == 0


async def test_ends_and_outputs_that_were_fetched_are_all_kept() -> None:
    """Each says something that no other does."""
    async with Scene().running() as scene:
        stored(scene, ID)
        first, *_ = steps(scene.record(ID), 1)
        scene.store.down = StoreDownError("no answer")
        for n in range(3):
            scene.applier.hear(first._replace(outputs=(an_output(f"{n}"),)))
        scene.applier.hear(first._replace(status=RunStatus.COMPLETED))
        assert scene.applier.waiting == 4
        scene.store.down = None
        await asyncio.sleep(2)

    record = scene.record(ID)
    assert len(record.heard) == 3
    assert record.claimed_end is not None
