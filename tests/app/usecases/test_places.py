"""app.usecases.places: free slots go to whoever is next in line, and none is lost."""

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta

import pytest

from app.errors import StoreDownError, UnreadableError
from app.ports import Write
from processors import debts, runs
from processors.scheduling import Place
from schemas.base import GenerationId, InstanceName
from schemas.generation import EngineRun, Generation
from schemas.run import RunStatus
from tests.app.usecases.yards import ONE, TIMING, TWO, Yard
from tests.builders import HERE, ID, NOON, RUN, a_report, the_debt
from tests.fakes.gates import Gate, ajar
from tests.fakes.generations import FakeGenerations

pytestmark = pytest.mark.anyio

THERE = InstanceName("there")
DOWN = StoreDownError("no answer")
LEASE = 75


async def parked(yard: Yard, number: int = 1, user: str = "ada") -> list[GenerationId]:
    """Order runs that wait in the line, and end where the time stands still."""
    found = [await yard.order(user) for _ in range(number)]
    await asyncio.sleep(2)
    assert all(the_debt(yard.record(each), runs.SUBMIT).by is None for each in found)
    return found


async def test_a_free_slot_is_given_at_once() -> None:
    """Where nobody waits, nobody looks at the line first."""
    async with Yard(ONE).running() as yard:
        await asyncio.sleep(2)
        generation = await yard.order()
        await asyncio.sleep(0.01)

    record = yard.record(generation)
    assert (record.status, record.slot) == (RunStatus.QUEUED, "one#1")
    assert yard.posted() == [generation]
    assert yard.turns.known == {"ada": yard.fleet.posted[0].generation.runs[0].submitted_at}


async def test_the_line_is_served_as_slots_come_free() -> None:
    """Users take turns; each slot is one run's at a time."""
    async with Yard(ONE).running() as yard:
        mine = [await yard.order() for _ in range(3)]
        other = await yard.order("grace")
        for done in range(1, 5):
            await asyncio.sleep(100)
            assert len(yard.posted()) == done
            assert list((await yard.generations.slots()).values()) == [yard.posted()[-1]]
            yard.over(yard.posted()[-1], a_report())
            await yard.follow.missing(yard.posted()[-1], yard.fleet.posted[-1].run_id)
            await asyncio.sleep(1)

    assert yard.posted() == [mine[0], other, *mine[1:]]
    assert await yard.generations.slots() == {}


async def test_a_slot_that_comes_free_here_is_given_at_once() -> None:
    """Nobody waits for the next look at the line."""
    async with Yard(ONE).running() as yard:
        first, second = await yard.order(), await yard.order()
        await asyncio.sleep(1.5)
        yard.over(first, a_report())
        await yard.follow.missing(first, yard.fleet.posted[0].run_id)
        await asyncio.sleep(1.1)

    assert yard.posted() == [first, second]


async def test_nothing_is_given_where_no_server_is_well() -> None:
    """Everything waits in the line, and goes once one is."""
    async with Yard(ONE._replace(healthy=False)).running() as yard:
        generation = (await parked(yard))[0]
        yard.fleet.servers["one"] = ONE
        yard.places.wake()
        await asyncio.sleep(0.01)

    assert yard.posted() == [generation]


async def test_a_run_that_is_cancelled_by_another_process_leaves_its_slot() -> None:
    """What was chosen for it is free, although nobody here wrote its end."""
    yard = Yard(ONE)
    there = Yard(beside=yard, name=THERE)

    async def cancelled() -> None:
        for each in list(yard.generations.records):
            await there.records.change(each, runs.cancel_wanted)

    yard.fleet.preparing = cancelled
    async with yard.running():
        first = await yard.order()
        await asyncio.sleep(3)
        assert yard.record(first).status is RunStatus.CANCELLED
        yard.fleet.preparing = ajar
        second = await yard.order()
        await asyncio.sleep(3)

    assert yard.posted() == [second]


async def test_a_slot_is_kept_no_longer_than_the_claim_of_who_was_to_have_it() -> None:
    """Whatever becomes of a hand that never comes back."""
    async with Yard(ONE).running() as yard:
        stuck = asyncio.Event()
        yard.fleet.preparing = stuck.wait  # pyright: ignore[reportAttributeAccessIssue] - any gate
        first = await yard.order()
        await asyncio.sleep(3)
        yard.generations.records.pop(first)
        yard.fleet.preparing = ajar
        second = await yard.order()
        await asyncio.sleep(LEASE - 10)
        assert yard.posted() == []
        await asyncio.sleep(20)

    assert yard.posted() == [second]


async def test_what_another_process_has_claimed_first_is_theirs() -> None:
    """Of two that summon a run one has it; the other keeps no slot for it."""
    yard = Yard(ONE, generations=Meddled)
    there = Yard(TWO, beside=yard, name=THERE)
    first, second = await waiting(yard, 2)
    meddled(yard).first = there.places.once

    await yard.places.once()

    assert the_debt(yard.record(first), runs.SUBMIT).by == THERE
    assert await there.places.of(yard.record(first)) == Place("two", 1)
    assert the_debt(yard.record(second), runs.SUBMIT).by == HERE
    assert await yard.places.of(yard.record(second)) == Place("one", 1)
    assert sorted(yard.turns.known) == ["ada"]


@pytest.mark.parametrize("written", [True, False])
async def test_a_claim_whose_answer_is_lost_keeps_no_slot(*, written: bool) -> None:
    """Written or not, the line goes on, and the run is served once its claim has run out."""
    yard = Yard(ONE, generations=Meddled)
    first, second = await waiting(yard, 2)
    meddled(yard).lost = written
    meddled(yard).first = down
    with pytest.raises(StoreDownError):
        await yard.places.once()
    assert (the_debt(yard.record(first), runs.SUBMIT).by == HERE) is written

    async with yard.running():
        await asyncio.sleep(2)
        assert yard.posted() == [second if written else first]
        yard.over(yard.posted()[0], a_report())
        await asyncio.sleep(LEASE * 2)

    assert yard.posted() == ([second, first] if written else [first, second])


async def test_what_everybody_writes_at_once_waits_for_the_next_round() -> None:
    """Others have their turn."""
    yard = Yard(ONE, generations=Meddled)
    first, second = await waiting(yard, 2)
    meddled(yard).contended.add(first)
    await yard.places.once()

    assert the_debt(yard.record(second), runs.SUBMIT).by == HERE
    meddled(yard).contended.clear()
    yard.fleet.servers["two"] = TWO
    await yard.places.once()
    assert await yard.places.of(yard.record(first)) == Place("two", 1)


async def test_one_record_that_cannot_be_read_holds_up_nobody() -> None:
    """A newer version wrote it; who waits behind it goes on."""
    yard = Yard(ONE, generations=Meddled)
    first, second, third = await waiting(yard, 3)
    meddled(yard).unreadable.add(first)
    meddled(yard).gone.add(second)
    await yard.places.once()

    assert the_debt(yard.record(third), runs.SUBMIT).by == HERE


async def test_however_many_are_not_to_be_had_the_next_is_served() -> None:
    """Those who failed wait for their own try, and nobody waits for them."""
    yard = Yard(ONE)
    failed = await waiting(yard, 120)
    for each in failed:
        await yard.records.change(each, stumbled)
    (last,) = await waiting(yard, 1)

    await yard.places.once()

    assert the_debt(yard.record(last), runs.SUBMIT).by == HERE


async def test_a_run_goes_where_it_has_not_failed() -> None:
    """And where its models are loaded."""
    yard = Yard(ONE, TWO._replace(warm="digest"))
    run = EngineRun(attempt=1, run_id=RUN, server="two", submitted_at=NOON)
    again, fresh = await yard.order(runs=(run,), attempt=2), await yard.order()
    await yard.places.once()
    for each in (again, fresh):
        await yard.records.change(each, unclaimed)
    await yard.places.once()

    assert await yard.places.of(yard.record(again)) == Place("one", 1)
    assert await yard.places.of(yard.record(fresh)) == Place("two", 1)


async def test_what_has_its_slot_keeps_it_while_its_claim_is_renewed() -> None:
    """It has more pictures than one claim lasts for."""
    yard = Yard(ONE)
    (first,) = await waiting(yard, 1)
    await yard.places.once()
    await asyncio.sleep(LEASE - 1)
    debt = the_debt(yard.record(first), runs.SUBMIT)
    await yard.records.change(first, yard.taking.renewed(debt.key, debt.n))
    await asyncio.sleep(LEASE - 1)
    await yard.places.once()

    assert await yard.places.of(yard.record(first)) == Place("one", 1)
    await yard.places.once()
    (second,) = await waiting(yard, 1)
    await yard.places.once()
    assert the_debt(yard.record(second), runs.SUBMIT).by is None


async def test_the_line_waits_for_the_database() -> None:
    """And goes on when it answers."""
    async with Yard(ONE).running() as yard:
        yard.fleet.servers.clear()
        generation = await yard.order()
        await asyncio.sleep(2)
        yard.fleet.servers["one"] = ONE
        yard.store.down = DOWN
        await asyncio.sleep(20)
        yard.store.down = None
        await asyncio.sleep(20)

    assert yard.posted() == [generation]
    assert yard.alerts.raised == []


async def test_a_fault_of_the_line_is_told_and_passes() -> None:
    """Whatever it is: the next round is another."""
    async with Yard(ONE).running() as yard:
        yard.store.down = RuntimeError("a fault of ours")
        await asyncio.sleep(2)
        yard.store.down = None
        generation = await yard.order()
        await asyncio.sleep(5)

    assert "line_broken" in yard.alerts.raised
    assert yard.posted() == [generation]


async def test_a_place_that_nobody_has_is_not_given_back() -> None:
    """Nothing is woken for it."""
    yard = Yard(ONE)
    yard.places.give_back(ID)

    assert await yard.generations.slots() == {}


class Meddled(FakeGenerations):
    """A database in which others meddle.

    Attributes:
        first: What somebody does before the next write.
        lost: Whether that write is made although somebody raised.
        contended: Records that somebody always writes first.
        unreadable: Records that cannot be read.
        gone: Records that are there no more.
    """

    first: Gate | None = None
    lost = False

    def __init__(
        self, records: MutableMapping[str, Generation] | None = None, gate: Gate = ajar
    ) -> None:
        super().__init__(records, gate)
        self.contended = set[str]()
        self.unreadable = set[str]()
        self.gone = set[str]()

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """Read several, if they can be."""
        for each in self.unreadable & set(ids):
            raise UnreadableError(each)
        return await super().many([each for each in ids if each not in self.gone])

    async def write(self, writes: Sequence[Write[Generation]]) -> frozenset[str]:
        """Write after whoever is first."""
        first, self.first = self.first, None
        if any(each.before.id in self.contended for each in writes):
            return frozenset(each.before.id for each in writes)
        if first is not None and self.lost:
            await super().write(writes)
        if first is not None:
            await first()
        return await super().write(writes)


def meddled(yard: Yard) -> Meddled:
    """Return a yard's database, in which others meddle."""
    assert isinstance(yard.generations, Meddled)
    return yard.generations


async def down() -> None:
    """Find the database gone."""
    raise DOWN


async def waiting(yard: Yard, number: int) -> list[GenerationId]:
    """Order runs that wait in the line, of a process that is not running."""
    found = [await yard.order() for _ in range(number)]
    for each in found:
        await yard.records.change(each, unclaimed)
    return found


def unclaimed(record: Generation, now: datetime) -> Generation:
    """Have a run wait in the line."""
    return runs.parked(record, the_debt(record, runs.SUBMIT), now, TIMING)


def stumbled(record: Generation, now: datetime) -> Generation:
    """Have a run wait for its next try."""
    debt = the_debt(record, runs.SUBMIT)
    wait = now + timedelta(hours=1)
    return debts.put(record, debts.postpone(record.owed, debt.key, debt.n, wait, "no storage"))


async def test_a_run_that_is_told_its_place_as_it_is_given_a_slot_takes_the_slot() -> None:
    """What is chosen for it outlasts another change of its record, whenever we hear of it."""
    yard = Yard(ONE, generations=Meddled)
    first, second = await waiting(yard, 2)

    async def told() -> None:
        taker = yard.taking.taker(yard.clock.now())
        await yard.records.change(
            first, lambda record, now: runs.lined_up(record, 1, None, now, taker)
        )

    meddled(yard).first = told
    heard = list[tuple[Generation | None, Generation]]()
    yard.records.watched_by(lambda before, after: heard.append((before, after)))
    await yard.places.once()
    yard.places.noticed(*heard[0])
    record = yard.record(first)

    assert heard[0][1].queue_position == record.queue_position == 1
    assert the_debt(record, runs.SUBMIT).by == HERE
    assert the_debt(yard.record(second), runs.SUBMIT).by is None
    assert await yard.places.of(record) == Place("one", 1)
