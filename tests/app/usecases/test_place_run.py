"""app.usecases.place_run: a run is sent to the server whose slot it is given, once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerLostError,
    PeerRefusedError,
    PeerUnknownError,
    StoreDownError,
)
from app.ports import Write
from processors import debts, runs
from processors.scheduling import ServerState
from schemas.base import GenerationId, InstanceName, RunId
from schemas.generation import Generation, Request
from schemas.run import RunAt, RunReport, RunStatus
from tests.app.usecases.yards import ONE, TIMING, TWO, Yard
from tests.builders import COMFYUI, a_report, a_run_event, later, owes, the_debt
from tests.fakes.engines import FakeEngine
from tests.fakes.fleet import FakeFleet
from tests.fakes.gates import Gate, Turnstile, ajar
from tests.fakes.generations import FakeGenerations
from tests.fakes.storage import PICTURE

pytestmark = pytest.mark.anyio

THERE = InstanceName("there")
PEER = "comfyui:one"
DOWN = PeerDownError(PEER, "cannot be reached")
BUSY = PeerBusyError(PEER, "answered 500")
UNKNOWN = PeerUnknownError(PEER, "no answer")
REFUSED = PeerRefusedError(PEER, "KSampler: steps: Value 0 smaller than min of 1")
KEY = f"inputs/{'a' * 32}.png"


def pictured(*keys: str) -> Request:
    """An order that names pictures."""
    return Request(
        workflow="digest", inputs={f"{n}/image": f"media:{k}" for n, k in enumerate(keys)}
    )


class Knowing(FakeEngine):
    """Servers that have every run which they were sent, and surely no other.

    Attributes:
        fleets: By whom they were sent any.
    """

    fleets: tuple[FakeFleet, ...] = ()

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        if run.run_id in self.reports:
            return await super().read(run)
        if any(each.run_id == run.run_id for fleet in self.fleets for each in fleet.posted):
            return a_report(RunStatus.QUEUED, run_id=run.run_id)
        raise PeerLostError(self.peer(run.server), "has no such run")


def yards(*servers: ServerState) -> tuple[Yard, Yard]:
    """Two processes, the first with these servers, whose servers know what they were sent."""
    engine = Knowing(Turnstile(), COMFYUI)
    here = Yard(*servers, engine=engine)
    there = Yard(beside=here, name=THERE)
    engine.fleets = (here.fleet, there.fleet)
    return here, there


async def test_a_run_is_written_before_it_is_sent() -> None:
    """Under a name that its server takes: slot, client and run are in the record by then."""
    async with Yard(ONE).running() as yard:
        yard.fleet.warnings = ("steps: too few",)
        generation = await yard.order()
        await asyncio.sleep(5)

    ((server, run_id, placed, inputs),) = yard.fleet.posted
    assert (server, inputs) == ("one", {"6/text": "a lighthouse"})
    assert str(UUID(run_id)) == run_id
    assert (placed.status, placed.slot, placed.metadata.run_id) == (
        RunStatus.SUBMITTING,
        "one#1",
        run_id,
    )
    assert (placed.runs[-1].server, placed.runs[-1].client_id) == ("one", "client-one")
    record = yard.record(generation)
    assert (record.status, record.warnings) == (RunStatus.QUEUED, ("steps: too few",))
    assert owes(record) == ["ask"]


async def test_pictures_are_handed_to_the_server_first() -> None:
    """To that one, whatever others have."""
    async with Yard(ONE).running() as yard:
        yard.storage.files[KEY] = PICTURE
        await yard.order(request_payload=pictured(KEY))
        await asyncio.sleep(5)

    name = KEY.removeprefix("inputs/")
    assert yard.fleet.receivers["one"].uploads == {name: PICTURE}
    assert yard.fleet.posted[0].inputs == {"0/image": name}


async def test_many_pictures_keep_their_slot() -> None:
    """The claim is renewed between them, and nothing is uploaded twice."""
    async with Yard(ONE).running() as yard:
        await asyncio.sleep(2)
        keys = [f"inputs/{letter * 32}.png" for letter in "abc"]
        yard.storage.files |= dict.fromkeys(keys, PICTURE)
        yard.fleet.uploading = slowly(10)
        await yard.order(request_payload=pictured(*keys))
        await asyncio.sleep(200)

    assert len(yard.fleet.posted) == 1
    assert len(yard.fleet.receivers["one"].uploads) == 3


async def test_a_picture_that_is_gone_ends_the_run() -> None:
    """Nothing was sent, and its slot is free."""
    async with Yard(ONE).running() as yard:
        await asyncio.sleep(2)
        first = await yard.order(request_payload=pictured(KEY))
        second = await yard.order()
        await asyncio.sleep(5)

    record = yard.record(first)
    assert (record.status, record.status_reason) == (RunStatus.FAILED, "input_gone")
    assert yard.posted() == [second]


@pytest.mark.parametrize("fault", [BUSY, UNKNOWN])
async def test_a_server_that_takes_no_pictures_costs_a_try(fault: Exception) -> None:
    """Its disk may be full: the next try is at another server, and nobody tries for ever."""
    async with Yard(ONE, TWO).running() as yard:
        yard.storage.files[KEY] = PICTURE
        yard.fleet.uploading = Turnstile([fault])
        first = await yard.order(request_payload=pictured(KEY))
        await asyncio.sleep(5)
        yard.fleet.uploading = Turnstile([fault] * 9)
        other = f"inputs/{'b' * 32}.png"
        yard.storage.files[other] = PICTURE
        second = await yard.order(request_payload=pictured(other))
        await asyncio.sleep(60)

    record = yard.record(first)
    assert (record.attempt, [each.server for each in record.runs]) == (2, ["one", "two"])
    assert yard.posted() == [first]
    record = yard.record(second)
    assert (record.status, record.slot, len(record.runs)) == (RunStatus.FAILED, None, 3)
    assert (record.status_reason or "").startswith("its server did not take a picture: ")


async def test_a_storage_that_is_away_is_waited_for() -> None:
    """That says nothing of the server, whose slot is for others meanwhile."""
    async with Yard(ONE, TWO).running() as yard:
        yard.storage.gate = Turnstile([PeerDownError("storage", "cannot be reached")])
        yard.storage.files[KEY] = PICTURE
        first = await yard.order(request_payload=pictured(KEY))
        second = await yard.order()
        await asyncio.sleep(60)

    assert set(yard.posted()) == {first, second}


@pytest.mark.parametrize("at", ["preparing", "sending"])
async def test_a_refusal_ends_it_with_the_servers_words(at: str) -> None:
    """Once, with no other try; its slot is free."""
    async with Yard(ONE).running() as yard:
        setattr(yard.fleet, at, Turnstile([REFUSED]))
        first, second = await yard.order(), await yard.order()
        await asyncio.sleep(5)

    record = yard.record(first)
    assert (record.status, record.ended_by, record.attempt) == (RunStatus.FAILED, "engine", 1)
    assert record.status_reason == "KSampler: steps: Value 0 smaller than min of 1"
    assert (record.slot, record.owed, yard.posted()) == (None, (), [second])
    assert [each.server for each in yard.fleet.dropped] == (["one"] if at == "sending" else [])


@pytest.mark.parametrize("at", ["preparing", "sending"])
async def test_a_server_that_is_down_costs_no_try(at: str) -> None:
    """The run goes back into the line, and to whichever server is well."""
    async with Yard(ONE).running() as yard:
        setattr(yard.fleet, at, Turnstile([DOWN]))
        generation = await yard.order()
        await asyncio.sleep(5)

    record = yard.record(generation)
    assert (record.attempt, len(record.runs), yard.posted()) == (1, 1, [generation])


async def test_a_server_that_takes_nothing_costs_a_try() -> None:
    """The next is at another server; nobody tries for ever."""
    async with Yard(ONE, TWO).running() as yard:
        yard.fleet.sending = Turnstile([BUSY])
        first = await yard.order()
        await asyncio.sleep(5)
        yard.fleet.sending = Turnstile([BUSY] * 3)
        second = await yard.order()
        await asyncio.sleep(5)

    record = yard.record(first)
    assert (record.attempt, [each.server for each in record.runs]) == (2, ["one", "two"])
    record = yard.record(second)
    assert (record.status, record.status_reason) == (RunStatus.FAILED, "answered 500")
    assert len({each.run_id for each in record.runs}) == 3
    assert record.slot is None


async def test_a_sending_that_is_never_answered_is_asked_about() -> None:
    """It is not sent again: its server has it after all."""
    async with Yard(ONE).running() as yard:
        yard.fleet.sending = Turnstile([None, UNKNOWN])
        generation = await yard.order()
        await asyncio.sleep(1)
        assert yard.record(generation).status is RunStatus.SUBMITTING
        yard.over(generation, a_report(RunStatus.RUNNING))
        await asyncio.sleep(200)

    record = yard.record(generation)
    assert (record.status, record.attempt) == (RunStatus.RUNNING, 1)
    assert len(yard.fleet.posted) == 1


async def test_a_sending_that_never_arrived_is_tried_again() -> None:
    """Not before its post could have arrived; under another name."""
    yard, _ = yards(ONE)
    async with yard.running():
        yard.fleet.sending = Turnstile([UNKNOWN])
        generation = await yard.order()
        await asyncio.sleep(50)
        assert yard.record(generation).attempt == 1
        await asyncio.sleep(100)

    record = yard.record(generation)
    assert (record.attempt, len(record.runs), len(yard.fleet.posted)) == (2, 2, 1)
    assert record.runs[0].run_id != record.runs[1].run_id == yard.fleet.posted[0].run_id


async def test_what_waits_too_long_is_over() -> None:
    """Six hours in the line, with no server at all."""
    async with Yard(timing=TIMING.change(place_every=TIMING.keep_limit)).running() as yard:
        generation = await yard.order()
        await asyncio.sleep(TIMING.limit_waiting.total_seconds() + 60)

    record = yard.record(generation)
    assert (record.status, record.status_reason) == (RunStatus.TIMEOUT, "overdue")
    assert record.owed == ()


async def test_a_server_whose_duty_is_lost_is_sent_nothing() -> None:
    """The run waits for whoever has it now."""
    yard = Yard(ONE)

    async def lost() -> None:
        yard.fleet.servers.clear()

    yard.fleet.preparing = lost
    async with yard.running():
        generation = await yard.order()
        await asyncio.sleep(5)
        assert (yard.posted(), yard.record(generation).status) == ([], RunStatus.PENDING)
        yard.fleet.preparing = ajar
        yard.fleet.servers["one"] = ONE
        await asyncio.sleep(5)

    assert yard.posted() == [generation]


async def test_a_slot_that_somebody_else_has_taken_is_theirs() -> None:
    """Two processes take themselves for the server's; the index lets only one write it."""
    yard = Yard(ONE)
    there = Yard(ONE, beside=yard, name=THERE)
    turnstile = asyncio.Event()

    async def held_up() -> None:
        await turnstile.wait()

    yard.fleet.preparing = held_up
    async with yard.running(), there.running():
        await asyncio.sleep(2)
        first = await yard.order()
        second = await there.order()
        await asyncio.sleep(5)
        turnstile.set()
        await asyncio.sleep(5)

    assert (yard.posted(), there.posted()) == ([], [second])
    record = yard.record(first)
    assert (record.status, record.slot, record.runs) == (RunStatus.PENDING, None, ())


async def test_what_was_placed_and_never_sent_is_not_sent_by_another() -> None:
    """Nobody knows whether it was; once it may be nowhere on its way it is tried anew."""
    first, second = yards(ONE)
    async with first.running():
        first.fleet.sending = asyncio.Event().wait  # pyright: ignore[reportAttributeAccessIssue] - any gate
        generation = await first.order()
        await asyncio.sleep(2)
    second.fleet.servers["one"] = ONE
    async with second.running():
        await asyncio.sleep(50)
        assert second.posted() == []
        await asyncio.sleep(200)

    record = second.record(generation)
    assert (record.attempt, second.posted()) == (2, [generation])
    assert second.fleet.posted[0].run_id == record.runs[1].run_id


class Answerless(FakeGenerations):
    """A database whose answer to a write of `SUBMITTING` is lost for a while.

    Attributes:
        away: How long.
        written: Whether it is written all the same.
    """

    away = timedelta()
    written = True
    _lost = False

    async def write(self, writes: Sequence[Write[Generation]]) -> frozenset[str]:
        """Write, and answer or not."""
        if self._lost or all(each.after.status is not RunStatus.SUBMITTING for each in writes):
            return await super().write(writes)
        self._lost = True
        if self.written:
            await super().write(writes)
        await asyncio.sleep(self.away.total_seconds())
        raise StoreDownError("no answer")


@pytest.mark.parametrize("written", [True, False])
async def test_an_answer_of_the_database_that_is_lost_changes_nothing(*, written: bool) -> None:
    """It is looked until it is known what was written; the run is sent once."""
    yard = Yard(ONE, generations=Answerless)
    assert isinstance(yard.generations, Answerless)
    yard.generations.written = written
    async with yard.running():
        generation = await yard.order()
        await asyncio.sleep(5)

    assert yard.posted() == [generation]
    assert len(yard.record(generation).runs) == 1


async def test_what_took_too_long_to_be_written_is_not_sent_under_that_claim() -> None:
    """There is no time left in it for an answer: it goes back into the line."""
    yard = Yard(ONE, generations=Answerless)
    assert isinstance(yard.generations, Answerless)
    yard.generations.away = timedelta(seconds=30)
    async with yard.running():
        generation = await yard.order()
        await asyncio.sleep(60)

    record = yard.record(generation)
    assert (record.status, record.attempt, len(record.runs)) == (RunStatus.QUEUED, 1, 1)
    assert yard.fleet.posted[0].run_id == record.runs[0].run_id


Meddle = Callable[[Yard, GenerationId], Awaitable[object]]


async def cancelled(yard: Yard, generation: GenerationId) -> None:
    """Somebody wants the run no more."""
    await yard.records.change(generation, runs.cancel_wanted)


async def timed_out(yard: Yard, generation: GenerationId) -> None:
    """Somebody has found that it takes too long."""
    ending = runs.Ending(status=RunStatus.TIMEOUT, by="us", reason="overdue")
    await yard.records.change(generation, lambda record, now: runs.ended(record, ending, now=now))


@pytest.mark.parametrize("fault", [None, UNKNOWN, DOWN, BUSY, REFUSED])
@pytest.mark.parametrize("meddle", [cancelled, timed_out])
async def test_what_ends_while_it_is_sent_ends_once(
    meddle: Meddle, fault: Exception | None
) -> None:
    """Whatever the server answers, it is sent once, and its slot is free in the end."""
    yard, _ = yards(ONE)
    gates = list[Gate]()

    async def gate() -> None:
        if gates:
            await gates.pop(0)()

    async def happening() -> None:
        (generation,) = yard.generations.records
        await meddle(yard, GenerationId(generation))
        if fault is not None:
            raise fault

    gates += [happening]
    yard.fleet.sending = gate
    async with yard.running():
        generation = await yard.order()
        await asyncio.sleep(300)
        record = yard.record(generation)
        assert (record.ended, record.slot, len(record.runs) <= 1) == (True, None, True)
        assert len(yard.fleet.posted) == (1 if fault is None else 0)
        other = await yard.order()
        await asyncio.sleep(5)

    if fault is None:
        assert yard.fleet.posted[0].run_id in yard.engine.cancelled
    assert yard.posted()[-1] == other


async def test_whoever_slept_through_an_attempt_takes_nothing_back_of_the_next() -> None:
    """The first sender wakes when the run is with another process, under another name."""
    here, there = yards(ONE)
    there.fleet.servers["two"] = TWO
    awake = asyncio.Event()

    async def asleep() -> None:
        await awake.wait()
        raise DOWN

    here.fleet.sending = asleep
    async with here.running(), there.running():
        generation = await here.order()
        await asyncio.sleep(1)
        here.fleet.servers.clear()
        await asyncio.sleep(250)
        record = there.record(generation)
        assert (record.attempt, record.slot, record.status) == (2, "two#1", RunStatus.QUEUED)
        there.over(generation, a_report(RunStatus.RUNNING))
        awake.set()
        await asyncio.sleep(60)

    record = there.record(generation)
    assert (record.attempt, record.slot, record.status) == (2, "two#1", RunStatus.RUNNING)
    assert there.posted() == [generation]


async def test_a_former_run_that_arrives_after_all_is_stopped() -> None:
    """Its sender slept: the run is tried again already, and must not go on beside itself."""
    here, there = yards(ONE)
    there.fleet.servers["two"] = TWO
    awake = asyncio.Event()
    here.fleet.sending = awake.wait  # pyright: ignore[reportAttributeAccessIssue] - any gate
    async with here.running(), there.running():
        generation = await here.order()
        await asyncio.sleep(1)
        here.fleet.servers.clear()
        await asyncio.sleep(250)
        there.over(generation, a_report(RunStatus.RUNNING))
        awake.set()
        await asyncio.sleep(60)

    first, second = there.record(generation).runs
    assert here.engine.cancelled == [first.run_id]
    assert here.record(generation).metadata.run_id == second.run_id
    assert runs.CANCEL not in owes(here.record(generation))


async def test_a_run_that_is_sent_while_a_former_one_wins_is_stopped() -> None:
    """The cancel that was owed then came before its server had it."""
    here, there = yards(ONE)
    there.fleet.servers["two"] = TWO
    arrived = asyncio.Event()
    async with here.running(), there.running():
        generation = await here.order()
        await asyncio.sleep(1)
        first = here.record(generation).metadata.run_id
        assert first is not None
        here.fleet.servers.clear()
        there.fleet.sending = arrived.wait  # pyright: ignore[reportAttributeAccessIssue] - any gate
        await here.follow.gone(generation, first)
        await asyncio.sleep(3)
        here.engine.reports[first] = a_report(run_id=first)
        here.follow.told(
            a_run_event(RunStatus.COMPLETED, engine=COMFYUI, generation_id=generation, run_id=first)
        )
        await asyncio.sleep(5)
        assert here.record(generation).status is RunStatus.COMPLETED
        before = len(here.engine.cancelled)
        arrived.set()
        await asyncio.sleep(60)

    assert here.engine.cancelled[before:] == [here.record(generation).runs[-1].run_id]


async def test_a_run_that_waited_long_is_tried_again_all_the_same() -> None:
    """Its server is gone when it had waited for nearly as long as it may."""
    async with Yard(timing=TIMING.change(place_every=TIMING.keep_limit)).running() as yard:
        generation = await yard.order()
        await asyncio.sleep(TIMING.limit_waiting.total_seconds() - 60)
        yard.fleet.servers["one"] = ONE
        yard.places.wake()
        await asyncio.sleep(5)
        first = yard.record(generation).metadata.run_id
        assert first is not None
        yard.over(generation, a_report(RunStatus.RUNNING))
        await yard.follow.missing(generation, first)
        await asyncio.sleep(120)
        yard.fleet.servers = {"two": TWO}
        await yard.follow.gone(generation, first)
        await asyncio.sleep(5)

    record = yard.record(generation)
    assert (record.attempt, record.slot, record.ended) == (2, "two#1", False)


async def test_a_lost_run_does_not_wait_for_the_server_that_lost_it() -> None:
    """Its circuit is no reason not to try another."""
    async with Yard(ONE).running() as yard:
        generation = await yard.order()
        await asyncio.sleep(1)
        yard.engine.gate = Turnstile()
        yard.engine.gate.down = DOWN
        await asyncio.sleep(400)
        assert yard.circuits.closed_until(PEER) is not None
        yard.fleet.servers = {"two": TWO}
        run_id = yard.record(generation).metadata.run_id
        assert run_id is not None
        await yard.follow.gone(generation, run_id)
        await asyncio.sleep(3)

    record = yard.record(generation)
    assert (record.attempt, record.slot) == (2, "two#1")


async def test_what_is_placed_already_is_only_acknowledged() -> None:
    """By whoever takes its submit up after the one who sent it."""
    yard = Yard(ONE)
    placed = await yard.order()
    record = yard.record(placed).change(
        metadata=yard.record(placed).metadata.change(run_id=RunId("run-1"))
    )
    debt = the_debt(record, runs.SUBMIT)
    decide = await yard.place_run(record, debt)

    assert decide is not None
    assert debts.find(decide(record, later(1)).owed, runs.SUBMIT) is None
    assert yard.posted() == []


def slowly(seconds: float) -> Gate:
    """A gate that takes its time."""

    async def gate() -> None:
        await asyncio.sleep(seconds)

    return gate
