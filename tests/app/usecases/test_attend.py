"""What news brings is done before its sender is answered."""

import pytest

from app.errors import StoreDownError, UnavailableError
from processors.chains import Ordered
from schemas.debt import DebtKind
from schemas.run import RunStatus
from tests.app.usecases.hosts import Host, Slow, now, seconds
from tests.app.usecases.works import PRESETS, REPLICATE, Works, dress, sketch
from tests.builders import RUN, a_report

pytestmark = pytest.mark.anyio


async def test_an_end_is_told_before_the_answer() -> None:
    """Though the sender came on duty only when the end was written already."""
    host = Host(ready=Slow(1))
    async with host.scene.running() as scene:
        generation = await scene.order()
        await host.work_off(seconds(20))
        scene.engine.reports[RUN] = a_report()
        await host.attend.event(generation, scene.hear(generation, "success"))
        assert scene.record(generation).status is RunStatus.COMPLETED
        assert scene.record(generation).owed == ()
        assert len(scene.messenger.told) == 1
        assert scene.inbox.batches.popitem()[1].applied


async def test_a_job_is_settled_and_told_before_the_answer() -> None:
    """Its credits are taken, and nothing is left to a call."""
    host = Host()
    async with host.scene.running() as scene:
        await scene.grant()
        job = await scene.place()
        assert scene.engine.submitted == []
        await host.work_off(seconds(20))
        generation = scene.job(job.id).steps[0].generation
        scene.engine.reports[RUN] = a_report()
        await host.attend.event(generation, scene.hear(generation, "success"))
        assert scene.job(job.id).ended
        assert scene.job(job.id).owed == ()
        assert len(scene.messenger.told) == 1


async def test_a_sender_waits_only_so_long() -> None:
    """An engine that does not answer, or a sender that is never ready, is left to a call."""
    host = Host()
    async with host.scene.running() as scene:
        generation = await scene.order()
        await host.work_off(seconds(20))
        scene.engine.gate = Slow(1000)
        began = now()
        await host.attend.event(generation, scene.hear(generation, "success"))
        assert 7 < now() - began < 9
        assert not scene.record(generation).ended
        await host.attend.event(generation, scene.hear(generation, "success"))
        assert now() - began < 18


async def test_nobody_waits_for_a_chat_to_have_its_turn() -> None:
    """A state is shown when it may be: the next news of the run must not wait for that."""
    host = Host()
    async with host.scene.running() as scene:
        generation = await scene.order()
        await host.work_off(seconds(20))
        scene.messenger.waiting = Slow(1000)
        began = now()
        await host.attend.event(generation, scene.hear(generation, "running"))
        assert now() - began < 1
        assert scene.record(generation).status is RunStatus.RUNNING


async def test_news_of_one_run_waits_for_no_other_of_its_job() -> None:
    """Nor at its end for those beside it; for the step that takes its picture, yes."""
    gate = Slow(0)
    host = Host(engine=Works, others=(Works(gate, REPLICATE),), presets=PRESETS)
    async with host.scene.running() as scene:
        await scene.grant(100)
        steps = (sketch(), Ordered(preset="paint", inputs={}), dress(1))
        job = await scene.place(preset="sketch", steps=steps)
        gate.seconds = 1000
        first, _, last = (each.generation for each in job.steps)
        async with host.shift.open():
            await host.shift.work(now() + 1)
        assert not await host.shift.quiet(now())
        run_id, began = str(scene.record(first).metadata.run_id), now()
        await host.attend.event(first, scene.hear(first, "running", run_id))
        await host.attend.event(first, scene.hear(first, "success", run_id))
        assert now() - began < 1
        assert scene.record(last).metadata.run_id is not None


async def test_news_that_is_not_on_disk_is_refused() -> None:
    """What comes after it is not: the event is ours by then."""
    host = Host()
    async with host.scene.running() as scene:
        generation = await scene.order()
        await host.work_off(seconds(20))
        with pytest.raises(UnavailableError):
            await host.attend.event(generation, _refused())

        async def heard() -> None:
            await scene.hear(generation, "running")
            await host.shift.quiet(now() + 5)
            scene.store.down = StoreDownError("gone")

        await host.attend.event(generation, heard())
        scene.store.down = None
        assert scene.record(generation).status is RunStatus.RUNNING


async def test_an_update_is_handled_before_the_answer() -> None:
    """With what its handling has left to do; one that takes too long is left to a call."""
    host = Host()
    async with host.scene.running() as scene:

        async def taken() -> None:
            await scene.order()

        await host.attend.update(taken())
        assert len(scene.engine.submitted) == 1
        host.lanes.seconds = 100
        began = now()
        await host.attend.update(taken())
        assert now() - began < 9
        assert host.scene.discharger.done[DebtKind.SUBMIT] == 2


async def _refused() -> None:
    raise UnavailableError("the event cannot be written now")
