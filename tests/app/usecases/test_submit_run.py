"""A generation reaches its engine at most once, whatever becomes of the answer."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.bootstrap import Keys
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerRefusedError,
    PeerUnknownError,
    StoreDownError,
)
from app.ports import Write
from app.settings import Settings
from processors import debts, runs
from schemas.base import InstanceName, RunId
from schemas.generation import EngineRun, Generation
from schemas.run import RunReport, RunStatus
from tests.app.usecases.scenes import RARELY, Scene, webhook_of
from tests.builders import RUN, a_report, an_order
from tests.fakes.engines import FakeEngine
from tests.fakes.gates import Gate, Turnstile
from tests.fakes.generations import FakeGenerations
from tests.fakes.storage import PICTURE, FakeStorage

pytestmark = pytest.mark.anyio

BUSY = PeerBusyError("comfydeploy", "answered 503")
UNKNOWN = PeerUnknownError("comfydeploy", "no answer")
DOWN = PeerDownError("comfydeploy", "cannot be reached")
REFUSED = PeerRefusedError("comfydeploy", "no such deployment")


async def test_it_is_sent_once_and_queued() -> None:
    """With its webhook; the run that the engine names serves it."""
    async with Scene().running() as scene:
        generation = await scene.order()
        await asyncio.sleep(10)

    ((sent, webhook),) = scene.engine.submitted
    assert (sent.id, webhook) == (generation, webhook_of(sent))
    record = scene.record(generation)
    assert (record.status, record.metadata.run_id) == (RunStatus.QUEUED, RUN)
    assert debts.find(record.owed, runs.SUBMIT) is None


async def test_a_refusal_ends_it_with_the_engines_words() -> None:
    """Nothing is tried again, and the person is told why."""
    async with Scene().running() as scene:
        scene.engine_gate.script(REFUSED)
        generation = await scene.order()
        await asyncio.sleep(10)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.FAILED, "engine")
    assert "no such deployment" in scene.messenger.told[0].content.plain
    assert scene.engine.submitted == []


@pytest.mark.parametrize("fault", [BUSY, DOWN])
async def test_what_surely_did_not_arrive_is_sent_again(fault: Exception) -> None:
    """A busy engine and one that is down have taken nothing."""
    async with Scene().running() as scene:
        scene.engine_gate.script(fault)
        generation = await scene.order()
        await asyncio.sleep(60)

    assert len(scene.engine.submitted) == 1
    assert scene.record(generation).metadata.run_id == RUN


async def test_a_lost_answer_is_looked_for_in_the_list() -> None:
    """The run that carries our webhook is ours; another's is not; nothing is sent again."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(1)
        record = scene.record(generation)
        assert record.status is RunStatus.SUBMITTING
        stranger = a_report(RunStatus.RUNNING, run_id=RunId("x"), webhook="https://x.example.com")
        ours = a_report(RunStatus.RUNNING, webhook=webhook_of(record))
        scene.engine.listed += [stranger, ours]
        scene.engine.reports[RUN] = ours
        await asyncio.sleep(60)

    record = scene.record(generation)
    assert (record.status, record.metadata.run_id) == (RunStatus.RUNNING, RUN)
    assert len(scene.engine.submitted) == 1


async def test_without_a_webhook_the_only_run_that_is_alike_is_ours() -> None:
    """As long as there are several, none is; one that serves somebody is not counted."""
    async with Scene().running() as scene:
        taken = await scene.order()
        await asyncio.sleep(10)
        assert scene.record(taken).metadata.run_id == RUN
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(1)
        names = RUN, RunId("one"), RunId("two")
        alike = [a_report(RunStatus.RUNNING, run_id=each, alike=True) for each in names]
        scene.engine.listed += [*alike, a_report(run_id=RunId("no"))]
        await asyncio.sleep(60)
        assert scene.record(generation).metadata.run_id is None
        scene.engine.listed.remove(alike[-1])
        await asyncio.sleep(60)

    assert scene.record(generation).metadata.run_id == "one"
    assert len(scene.engine.submitted) == 2


async def test_one_run_that_two_may_have_asked_for_is_given_to_neither() -> None:
    """Its own webhook will say whose it is; given to the wrong one, the other has lost it."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN, None, UNKNOWN)
        orders = [await scene.order(), await scene.order()]
        await asyncio.sleep(1)
        scene.engine.listed.append(a_report(RunStatus.RUNNING, alike=True))
        await asyncio.sleep(120)
        assert [scene.record(each).metadata.run_id for each in orders] == [None, None]


async def test_a_run_that_served_before_is_not_found_again() -> None:
    """A further try is not given what its last one made."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(1)
        record = scene.record(generation)
        former = EngineRun(attempt=1, run_id=RUN, submitted_at=record.created_at)
        scene.generations.records[generation] = record.change(runs=(former,))
        scene.engine.listed.append(a_report(alike=True))
        await asyncio.sleep(16 * 60)

    assert scene.record(generation).status_reason == "submit_unknown"


async def test_a_lost_answer_is_found_by_the_first_webhook() -> None:
    """It names the run, which is read and known by its webhook URL."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(1)
        webhook = webhook_of(scene.record(generation))
        scene.engine.reports[RUN] = a_report(RunStatus.RUNNING, webhook=webhook)
        await scene.hear(generation, "running")
        await asyncio.sleep(5)

    assert scene.record(generation).metadata.run_id == RUN


async def test_after_a_quarter_of_an_hour_it_has_failed_and_is_told() -> None:
    """It was looked for all the while, and never sent again."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(14 * 60)
        assert not scene.record(generation).ended
        await asyncio.sleep(120)

    record = scene.record(generation)
    assert (record.status, record.status_reason) == (RunStatus.FAILED, "submit_unknown")
    assert len(scene.messenger.told) == 1
    assert len(scene.engine.submitted) == 1


@pytest.mark.parametrize("fault", [BUSY, DOWN, UNKNOWN])
async def test_a_fault_while_looking_sends_nothing_again(fault: Exception) -> None:
    """That the list cannot be read says nothing of the POST before it."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN, fault, fault)
        await scene.order()
        await asyncio.sleep(300)

    assert len(scene.engine.submitted) == 1


async def test_a_closed_circuit_sends_nothing_again() -> None:
    """While the engine is down, one whose fate is unknown stays unknown."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(1)
        scene.engine_gate.down = DOWN
        await asyncio.sleep(120)
        assert scene.record(generation).status is RunStatus.SUBMITTING
        scene.engine_gate.down = None
        await asyncio.sleep(120)

    assert len(scene.engine.submitted) == 1


async def test_a_post_that_returns_to_a_cancelled_record_cancels_its_run() -> None:
    """The person was told; the run is not left to cost money."""
    scene = Scene()
    answering = asyncio.Event()

    async def slow() -> None:
        if scene.engine.submitted:
            await answering.wait()

    async with scene.running():
        scene.engine.gate = slow
        generation = await scene.order()
        await asyncio.sleep(1)
        await scene.desk.cancel(generation)
        await asyncio.sleep(65)
        assert scene.record(generation).status is RunStatus.CANCELLED
        answering.set()
        await asyncio.sleep(5)

    assert scene.engine.cancelled == [RUN]
    assert scene.record(generation).metadata.run_id == RUN


async def test_one_that_could_not_be_sent_and_is_unwanted_is_cancelled_unsent() -> None:
    """A cancel that came while a POST was under way which then surely did not arrive."""
    scene = Scene()

    async def busy() -> None:
        await asyncio.sleep(1)
        raise BUSY

    async with scene.running():
        scene.engine.gate = busy
        generation = await scene.order()
        await asyncio.sleep(0.5)
        await scene.desk.cancel(generation)
        await asyncio.sleep(10)

    assert scene.record(generation).status is RunStatus.CANCELLED
    assert scene.engine.submitted == []


async def test_a_database_that_falters_before_the_post_loses_nothing() -> None:
    """Written or not, the mark is made again by the claim that made it, and the POST follows."""
    async with Scene().running() as scene:
        await asyncio.sleep(0)
        # The order passes twice, the try's read twice; then the mark is written unanswered.
        scene.store.script(*[None] * 6, None, StoreDownError("gone"))
        generation = await scene.order()
        await asyncio.sleep(5)

    assert len(scene.engine.submitted) == 1
    assert scene.record(generation).metadata.run_id == RUN


class Sleepy(FakeGenerations):
    """A process that falls asleep before its first write.

    Attributes:
        writing: Seconds it sleeps before the mark of being sent is written.
    """

    writing = 0.0

    async def write(self, writes: Sequence[Write[Generation]]) -> frozenset[str]:
        """See app.ports.Generations."""
        seconds, self.writing = self.writing, 0.0
        await asyncio.sleep(seconds)
        return await super().write(writes)


async def test_case_42_who_slept_through_its_claim_does_not_send() -> None:
    """Another process has sent it meanwhile: the sleeper finds that its claim is gone."""
    asleep = Sleepy()
    asleep.writing = 80
    scene = Scene(generations=asleep)
    there = Scene(name=InstanceName("there"), generations=FakeGenerations(asleep.records))
    async with scene.running(), there.running():
        generation = await scene.order()
        await asyncio.sleep(200)

    assert len(there.engine.submitted) == 1
    assert scene.engine.submitted == []
    assert scene.record(generation).metadata.run_id == RUN


async def test_too_little_of_a_claim_is_not_used() -> None:
    """A mark so slow that the POST could outlast its claim: it is sent under a new one."""
    asleep = Sleepy()
    asleep.writing = 40
    scene = Scene(generations=asleep)
    async with scene.running():
        generation = await scene.order()
        await asyncio.sleep(39)
        assert scene.engine.submitted == []
        await asyncio.sleep(60)

    ((sent, _),) = scene.engine.submitted
    debt = debts.find(sent.owed, runs.SUBMIT)
    assert debt is not None
    assert debt.n > 1
    assert scene.record(generation).metadata.run_id == RUN


async def test_an_engine_that_is_off_ends_it() -> None:
    """Not in silence."""
    async with Scene(engine_on=False).running() as scene:
        generation = await scene.order()
        await asyncio.sleep(5)

    assert scene.record(generation).status_reason == "engine_off"
    assert len(scene.messenger.told) == 1


HOUR = 3600


class Endless(FakeEngine):
    """An engine whose list of runs goes on and on, a page a second.

    Attributes:
        since: From when on runs were asked for, each time.
    """

    def __init__(self, gate: Gate) -> None:
        super().__init__(gate)
        self.since: list[datetime] = []

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine."""
        del generation
        self.since.append(since)
        await self.gate()
        while True:
            await asyncio.sleep(1)
            yield a_report(RunStatus.RUNNING, run_id=RunId("x"), webhook="https://x.example.com")


class Odd(FakeEngine):
    """An engine whose list of runs has us stumble."""

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine."""
        del generation, since
        await self.gate()
        raise ValueError("Invalid IPv6 URL")
        yield a_report()


@pytest.mark.parametrize(
    "fault",
    [BUSY, UNKNOWN, REFUSED, DOWN, PeerBusyError("comfydeploy", "429", timedelta(hours=1))],
    ids=["busy", "unknown", "refused", "down", "wait"],
)
async def test_no_fault_of_a_look_puts_off_the_end(fault: Exception) -> None:
    """A list that can never be read keeps nobody waiting: after 15 minutes it is told."""
    async with Scene().running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(1)
        scene.engine_gate.down = fault
        await asyncio.sleep(14 * 60)
        assert not scene.record(generation).ended
        await asyncio.sleep(120)

    record = scene.record(generation)
    assert (record.status, record.status_reason) == (RunStatus.FAILED, "submit_unknown")
    assert len(scene.messenger.told) == 1


async def test_a_look_that_takes_too_long_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """What ran out of time has no words of its own."""
    async with Scene(engine=Endless).running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        await scene.order()
        await asyncio.sleep(5 * 60)

    said = [each for each in capsys.readouterr().out.splitlines() if "cannot be listed" in each]
    assert said
    assert all("TimeoutError" in each for each in said)


@pytest.mark.parametrize("engine", [Odd, Endless])
async def test_nor_does_a_fault_of_our_own(engine: type[FakeEngine]) -> None:
    """A look that breaks, and one that would go on for ever."""
    async with Scene(engine=engine).running() as scene:
        scene.engine_gate.script(None, UNKNOWN)
        generation = await scene.order()
        await asyncio.sleep(16 * 60)

    assert scene.record(generation).status_reason == "submit_unknown"
    assert len(scene.messenger.told) == 1


async def test_a_look_is_over_well_before_its_claim() -> None:
    """Nobody else takes it for abandoned, and it looks no further back than it was sent."""
    async with Scene(engine=Endless).running() as scene:
        scene.engine_gate.down = DOWN
        generation = await scene.order()
        await asyncio.sleep(HOUR)
        scene.engine_gate.down = None
        scene.engine_gate.script(None, UNKNOWN)
        await asyncio.sleep(16 * 60)
        record = scene.record(generation)

    engine = scene.engine
    assert isinstance(engine, Endless)
    assert record.status_reason == "submit_unknown"
    assert len(engine.since) > 10
    assert min(engine.since) > record.request_timestamp + timedelta(seconds=HOUR - 200)


async def test_an_order_that_can_never_be_sent_is_told_so() -> None:
    """After the six hours that anything waits; it was never sent, and cost nothing."""
    async with Scene(timing=RARELY).running() as scene:
        scene.engine_gate.down = DOWN
        generation = await scene.order()
        await asyncio.sleep(6 * HOUR - 60)
        assert scene.record(generation).status is RunStatus.PENDING
        await asyncio.sleep(180)

    record = scene.record(generation)
    assert (record.status, record.ended_by, record.status_reason) == (
        RunStatus.TIMEOUT,
        "us",
        "overdue",
    )
    assert (record.cost_usd, record.owed) == (0, ())
    assert len(scene.messenger.told) == 1


async def test_a_success_that_outran_the_answer_is_told_at_once() -> None:
    """What it said was dropped; its run is read as soon as it has a name."""
    async with Scene().running() as scene:
        answering = asyncio.Event()

        async def slow() -> None:
            if scene.engine.submitted and scene.record(generation).metadata.run_id is None:
                await answering.wait()

        scene.engine.gate = slow
        generation = await scene.order()
        await asyncio.sleep(1)
        scene.engine.reports[RUN] = a_report(webhook=webhook_of(scene.record(generation)))
        await scene.hear(generation, "success")
        answering.set()
        await asyncio.sleep(5)

    assert scene.record(generation).status is RunStatus.COMPLETED


@pytest.mark.parametrize("webhook", ["http://[nope", "", None, "https://x.example.com/?a=1"])
def test_a_strangers_webhook_is_none_of_ours(webhook: str | None) -> None:
    """Whatever the owners of a deployment's other runs gave them."""
    assert not Keys(Settings.model_construct(webhook_secret=[])).names(webhook, an_order())


KEY = f"inputs/{'a' * 32}.png"
WITH_PICTURE = {"prompt": "a lighthouse", "photo": f"media:{KEY}"}


def with_a_picture(**fields: Any) -> Scene:  # noqa: ANN401 - as a scene takes them
    """A scene in whose storage the picture of an order is."""
    return Scene(storage=FakeStorage({KEY: PICTURE}), **fields)


async def test_pictures_are_handed_over_before_it_is_sent() -> None:
    """The engine is given an address; the record keeps what was ordered."""
    async with with_a_picture().running() as scene:
        generation = await scene.order(inputs=WITH_PICTURE)
        await asyncio.sleep(10)

    ((sent, _),) = scene.engine.submitted
    ((address, given),) = scene.engine.uploads.items()
    assert sent.request_payload.inputs == {"prompt": "a lighthouse", "photo": address}
    assert given == PICTURE
    record = scene.record(generation)
    assert record.request_payload.inputs == WITH_PICTURE
    assert (record.status, record.metadata.run_id) == (RunStatus.QUEUED, RUN)


async def test_a_picture_that_is_gone_ends_it() -> None:
    """Nothing is sent, and the person reads why."""
    async with Scene().running() as scene:
        generation = await scene.order(inputs=WITH_PICTURE)
        await asyncio.sleep(10)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.FAILED, "us")
    assert record.status_reason == "input_gone"
    assert scene.engine.submitted == []
    assert "no longer kept" in scene.messenger.told[0].content.plain


async def test_a_picture_that_is_refused_ends_it() -> None:
    """In the engine's words; they are its answer to the picture, not to an order."""
    async with with_a_picture().running() as scene:
        scene.engine_gate.script(PeerRefusedError("comfydeploy", "no such file type"))
        generation = await scene.order(inputs=WITH_PICTURE)
        await asyncio.sleep(10)

    record = scene.record(generation)
    assert (record.status, record.ended_by) == (RunStatus.FAILED, "engine")
    assert "no such file type" in (record.status_reason or "")
    assert scene.engine.submitted == []


@pytest.mark.parametrize("fault", [BUSY, DOWN, UNKNOWN])
@pytest.mark.parametrize("when", [0, 1])
async def test_a_picture_that_did_not_arrive_is_sent_again(fault: Exception, when: int) -> None:
    """Whatever became of it, no order was sent: it stays pending, and is sent once."""
    async with with_a_picture().running() as scene:
        scene.engine_gate.script(*[None] * when, fault)
        generation = await scene.order(inputs=WITH_PICTURE)
        await asyncio.sleep(0.5)
        assert scene.record(generation).status is RunStatus.PENDING
        await asyncio.sleep(60)

    assert len(scene.engine.submitted) == 1
    assert scene.record(generation).metadata.run_id == RUN
    assert [each.status for each in scene.record(generation).history][:3] == [
        RunStatus.PENDING,
        RunStatus.SUBMITTING,
        RunStatus.QUEUED,
    ]


async def test_a_storage_that_is_away_keeps_it_waiting() -> None:
    """Without a word about the engine."""
    async with with_a_picture().running() as scene:
        scene.storage.gate = gate = Turnstile()
        gate.down = PeerDownError("storage", "away")
        generation = await scene.order(inputs=WITH_PICTURE)
        await asyncio.sleep(5)
        assert scene.record(generation).status is RunStatus.PENDING
        gate.down = None
        await asyncio.sleep(60)

    assert len(scene.engine.submitted) == 1
    assert scene.alerts.raised == []


class SlowUploads(FakeEngine):
    """An engine that takes 40 s for a picture."""

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """See app.ports.Engine."""
        await asyncio.sleep(40)
        return await super().upload(name, content, size, content_type)


async def test_a_slow_picture_leaves_its_submit_the_whole_time() -> None:
    """The claim is renewed after it, and nothing is uploaded twice."""
    other = f"inputs/{'b' * 32}.png"
    async with with_a_picture(engine=SlowUploads).running() as scene:
        scene.storage.files[other] = PICTURE
        generation = await scene.order(inputs={**WITH_PICTURE, "other": f"media:{other}"})
        await asyncio.sleep(200)

    assert len(scene.engine.uploads) == 2
    assert len(scene.engine.submitted) == 1
    assert scene.record(generation).metadata.run_id == RUN


async def test_a_cancel_during_a_handing_over_is_heeded() -> None:
    """Nothing is sent for what was cancelled meanwhile."""
    async with with_a_picture(engine=SlowUploads).running() as scene:
        generation = await scene.order(inputs=WITH_PICTURE)
        await asyncio.sleep(10)
        await scene.desk.cancel(generation)
        await asyncio.sleep(200)

    assert scene.engine.submitted == []
    assert scene.record(generation).status is RunStatus.CANCELLED


class Slowly:
    """A pace whose turns come so many seconds after they were taken, one after another."""

    def __init__(self, *waits: float) -> None:
        self._waits = list(waits)

    async def __call__(self) -> None:
        """Wait for a turn."""
        await asyncio.sleep(self._waits.pop(0) if self._waits else 0)


@pytest.mark.parametrize("waits", [(10,), (20, 20)])
async def test_whoever_waits_for_a_turn_was_surely_never_sent(waits: tuple[float, ...]) -> None:
    """It is pending meanwhile, and is sent once, with time enough for an answer."""
    async with Scene().running() as scene:
        scene.engine.pace = Slowly(*waits)
        generation = await scene.order()
        await asyncio.sleep(sum(waits) - 1)
        assert scene.record(generation).status is RunStatus.PENDING
        await asyncio.sleep(10)

    assert len(scene.engine.submitted) == 1
    assert [each.status for each in scene.record(generation).history] == [
        RunStatus.PENDING,
        RunStatus.SUBMITTING,
        RunStatus.QUEUED,
    ]


async def test_a_pace_that_is_full_puts_it_off() -> None:
    """It comes back when it is told to, and none of that counts as a try."""
    async with Scene().running() as scene:
        full = PeerBusyError("comfydeploy", "as often as it allows", timedelta(seconds=30))
        scene.engine.pace = Turnstile([full])
        generation = await scene.order()
        await asyncio.sleep(29)
        record = scene.record(generation)
        assert record.status is RunStatus.PENDING
        assert [each.attempts for each in record.owed if each.key == runs.SUBMIT] == [0]
        await asyncio.sleep(10)

    assert len(scene.engine.submitted) == 1
