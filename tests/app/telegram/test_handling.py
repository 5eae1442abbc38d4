"""app.telegram.handling: one at a time in each lane, in order, whatever fails."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from app.clock import Clock
from app.errors import PeerBusyError, StoreDownError, StoreFaultError
from app.observability.metrics import Metrics
from app.ports import Updates
from app.store.updates import MongoUpdates
from app.telegram.errors import ChatClosedError
from app.telegram.handling import AT_ONCE, FAULTS_MOST, Handling
from processors.errors import RefusedBodyError
from schemas.base import InstanceName
from schemas.timing import Timing
from schemas.update import Update
from tests.app.telegram.conditions import until, until_async
from tests.app.telegram.fakes import FakeAlerts
from tests.builders import an_update
from tests.databases import a_database
from tests.fakes.gates import Turnstile
from tests.fakes.updates import FakeUpdates

pytestmark = pytest.mark.anyio

QUICK = Timing(
    sweep_every=timedelta(milliseconds=10),
    handle_limit=timedelta(seconds=5),
    retry=(timedelta(milliseconds=20),),
)
Consume = Callable[[Update], Awaitable[None]]


class Worker:
    """One process that handles updates, as told by the test.

    Attributes:
        seen: What it was given to handle, in order.
        fails: Raised by the next handlings, in order; None lets one through.
        gate: Where a handling waits; open at first.
        sorry: Chats that were apologised to.
    """

    def __init__(self, updates: Updates, name: str = "one", timing: Timing = QUICK) -> None:
        self.seen = list[int]()
        self.fails: Sequence[Exception | None] = ()
        self.gate = asyncio.Event()
        self.gate.set()
        self.sorry = list[int]()
        self.alerts = FakeAlerts()
        self.metrics = Metrics()
        self.apology: Exception | None = None
        self.handling = Handling(
            updates,
            me=InstanceName(name),
            clock=Clock(),
            timing=timing,
            metrics=self.metrics,
            alerts=self.alerts,
        )

    async def consume(self, update: Update) -> None:
        """Handle one."""
        self.seen.append(update.id)
        await self.gate.wait()
        fault, *self.fails = self.fails or (None,)
        if fault is not None:
            raise fault

    async def apologise(self, chat_id: int) -> None:
        """Say sorry."""
        self.sorry.append(chat_id)
        if self.apology is not None:
            raise self.apology

    @asynccontextmanager
    async def at_work(self, consume: Consume | None = None) -> AsyncGenerator[None]:
        """Handle for the length of the block; cut off at its end."""
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.handling.run(consume or self.consume, self.apologise))
            yield
            running.cancel()

    def counted(self, result: str, kind: str = "message") -> bool:
        """Return whether something was counted with this result."""
        return f'{{kind="{kind}",result="{result}"}}' in self.metrics.render().decode()


async def kept(*updates: Update) -> FakeUpdates:
    """Return a keeper of these."""
    store = FakeUpdates()
    for each in updates:
        await store.insert(each)
    return store


def all_over(store: FakeUpdates) -> bool:
    """Return whether nothing is left to handle."""
    return not any(each.open for each in store.kept.values()) and not store.held


async def test_who_is_woken_looks_at_once() -> None:
    """However far off the next look is."""
    store = await kept()
    worker = Worker(store, timing=QUICK.change(sweep_every=timedelta(days=1)))
    async with worker.at_work():
        await store.insert(an_update(1))
        # It may not have had its first look yet, which would find it too.
        await asyncio.sleep(0)
        await store.insert(an_update(2))
        worker.handling.look()
        await until(lambda: worker.seen == [1, 2] and all_over(store))


async def test_what_is_found_is_handled_in_order() -> None:
    """One after the other, and the lane is free in the end."""
    store = await kept(an_update(3), an_update(1), an_update(2))
    worker = Worker(store)
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.seen == [1, 2, 3]
    assert worker.counted("handled")


async def test_what_is_told_is_handled_at_once() -> None:
    """Without waiting for the look that comes each second; a second one of its chat too."""
    store = FakeUpdates()
    worker = Worker(store, timing=QUICK.change(sweep_every=timedelta(hours=1)))
    async with worker.at_work():
        await asyncio.sleep(0)
        for each in (an_update(1), an_update(2)):
            await store.insert(each)
            worker.handling.wake(each)
        await until(lambda: all_over(store))

    assert worker.seen == [1, 2]


async def test_chats_do_not_wait_for_each_other() -> None:
    """One that hangs holds up its own lane only."""
    store = await kept(an_update(1, chat=1), an_update(2, chat=1), an_update(3, chat=2))
    worker = Worker(store)
    blocked = asyncio.Event()

    async def consume(update: Update) -> None:
        worker.seen.append(update.id)
        if update.chat_id == 1:
            await blocked.wait()

    async with worker.at_work(consume):
        await until(lambda: not store.kept[3].open)
        assert store.kept[1].open
        assert 2 not in worker.seen
        blocked.set()
        await until(lambda: all_over(store))


async def test_a_checkout_waits_for_nobody() -> None:
    """It is handled though every place is taken, and beside another of the same person."""
    others = [an_update(each, chat=each) for each in range(1, AT_ONCE + 10)]
    store = await kept(*others)
    worker = Worker(store)
    worker.gate.clear()

    async def consume(update: Update) -> None:
        if update.kind != "pre_checkout_query":
            await worker.consume(update)

    async with worker.at_work(consume):
        await until(lambda: len(worker.seen) == AT_ONCE)
        checkout = an_update(99, kind="pre_checkout_query", lane="checkout:99", chat_id=None)
        await store.insert(checkout)
        worker.handling.wake(checkout)
        await until(lambda: not store.kept[99].open)
        assert len(worker.seen) == AT_ONCE
        worker.gate.set()
        await until(lambda: all_over(store))


async def test_what_could_not_be_stored_is_handled_once() -> None:
    """By a process that handles any; a failure of it is noted, and keeps nobody up."""
    store = FakeUpdates()
    worker = Worker(store)
    checkout = an_update(99, kind="pre_checkout_query", lane="checkout:99", chat_id=None)
    assert not worker.handling.at_once(checkout)

    worker.fails = [ValueError("what somebody wrote")]
    async with worker.at_work():
        await asyncio.sleep(0)
        assert worker.handling.at_once(checkout)
        await until(lambda: worker.counted("failed", "pre_checkout_query"))
        assert worker.handling.at_once(checkout)
        await until(lambda: worker.counted("handled", "pre_checkout_query"))
        await worker.handling.drain()
        assert not worker.handling.at_once(checkout)

    assert worker.seen == [99, 99]
    assert store.kept == {}


async def test_a_handler_that_fails_is_tried_again_before_what_comes_after() -> None:
    """The order stays, and no more is said than where it failed."""
    store = await kept(an_update(1), an_update(2))
    worker = Worker(store)
    worker.fails = [ValueError("what somebody wrote")]
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.seen == [1, 1, 2]
    assert (store.kept[1].error or "").startswith("ValueError at test_handling.py:")
    assert worker.counted("failed")
    assert worker.sorry == []


async def test_one_that_always_fails_is_given_up() -> None:
    """After a few tries: kept, counted, alerted, and one apology; the next one goes on."""
    store = await kept(an_update(1), an_update(2))
    worker = Worker(store)
    worker.fails = [ValueError()] * FAULTS_MOST
    worker.apology = PeerBusyError("telegram", "not now")
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.seen == [*[1] * FAULTS_MOST, 2]
    assert worker.alerts.slugs == ["update_dead"]
    assert worker.sorry == [4711]
    assert worker.counted("dead")


async def test_what_no_database_takes_is_its_own_fault() -> None:
    """It does not hold its chat up for a day."""
    store = await kept(an_update(1, at=Clock().now()), an_update(2, at=Clock().now()))
    worker = Worker(store)
    worker.fails = [StoreFaultError("refused", timedelta())] * FAULTS_MOST
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.seen == [*[1] * FAULTS_MOST, 2]
    assert worker.alerts.slugs == ["update_dead"]


async def test_nobody_waits_for_an_answer_to_what_they_did_not_send() -> None:
    """No apology where no person wrote."""
    store = await kept(an_update(1, kind="my_chat_member"))
    worker = Worker(store)
    worker.fails = [ValueError()] * FAULTS_MOST
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.alerts.slugs == ["update_dead"]
    assert worker.sorry == []


async def test_an_outage_is_no_updates_fault() -> None:
    """Tried as often as it takes, and as long as it may be of use."""
    store = await kept(an_update(1, at=Clock().now()))
    worker = Worker(store)
    down = StoreDownError("no answer", timedelta())
    worker.fails = [down, PeerBusyError("telegram", "not now")] * FAULTS_MOST
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.alerts.slugs == []
    assert worker.counted("put_off")
    assert worker.counted("handled")


async def test_an_outage_of_a_day_is_the_end_of_it() -> None:
    """What is a day old is given up."""
    store = await kept(an_update(1))
    worker = Worker(store)
    worker.fails = [StoreDownError("no answer")]
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.alerts.slugs == ["update_dead"]


async def test_a_chat_that_is_closed_ends_it_quietly() -> None:
    """There is nobody to tell."""
    store = await kept(an_update(1))
    worker = Worker(store)
    worker.fails = [ChatClosedError("blocked")]
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.counted("unreachable")
    assert worker.alerts.slugs == []


async def test_what_cannot_be_read_is_kept_and_passed_over() -> None:
    """At the first try, with neither alert nor apology."""
    store = await kept(an_update(1))
    worker = Worker(store)
    worker.fails = [RefusedBodyError("schema", "missing", "message.date")]
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.seen == [1]
    assert worker.counted("malformed")
    assert worker.sorry == []


async def test_a_handler_has_so_much_time() -> None:
    """One that hangs has failed."""
    store = await kept(an_update(1))
    worker = Worker(store, timing=QUICK.change(handle_limit=timedelta(milliseconds=20)))
    worker.gate.clear()
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.seen == [1] * FAULTS_MOST
    assert (store.kept[1].error or "").startswith("TimeoutError")


async def test_one_that_ends_its_process_each_time_is_given_up() -> None:
    """What was claimed and never answered for counts as its fault."""
    store = await kept(an_update(1, tries=FAULTS_MOST, faults=FAULTS_MOST))
    worker = Worker(store)
    async with worker.at_work():
        await until(lambda: all_over(store))

    assert worker.seen == []
    assert store.kept[1].error == "its process ended"


@pytest.mark.parametrize("fault", [None, ValueError()])
async def test_a_claim_that_was_lost_changes_nothing(fault: Exception | None) -> None:
    """Whoever has it now says what becomes of it: nothing is counted as done, nobody is told."""
    store = await kept(an_update(1, faults=FAULTS_MOST - 1))
    worker = Worker(store)

    async def consume(update: Update) -> None:
        store.kept[1] = store.kept[1].change(tries=9, open=False)
        worker.fails = [fault]
        await worker.consume(update)

    async with worker.at_work(consume):
        await until(lambda: all_over(store))

    assert worker.counted("lost") is (fault is None)
    assert not worker.counted("handled")
    assert worker.sorry == []


async def test_a_database_that_is_away_stops_nothing_for_good() -> None:
    """What could not be claimed is found once it answers again."""
    gate = Turnstile()
    store = FakeUpdates(gate)
    await store.insert(an_update(1))
    gate.down = StoreDownError("no answer")
    worker = Worker(store)
    async with worker.at_work():
        worker.handling.wake(an_update(1))
        before = gate.passed
        await until(lambda: gate.passed > before + 3)
        gate.down = None
        await until(lambda: all_over(store))

    assert worker.seen == [1]


async def test_stopping_finishes_what_was_begun() -> None:
    """And begins nothing more; the rest is another's."""
    store = await kept(an_update(1), an_update(2))
    worker = Worker(store)
    worker.gate.clear()
    async with worker.at_work():
        await until(lambda: worker.seen == [1])
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(worker.handling.drain())
            await asyncio.sleep(0)
            assert not draining.done()
            worker.gate.set()

    assert worker.seen == [1]
    assert not store.kept[1].open
    assert store.kept[2].open


async def test_a_crash_loses_neither_an_update_nor_the_order(mongo_uri: str) -> None:
    """What one process was cut off at, another does again, and then what came after it."""
    async with a_database(mongo_uri) as connection:
        updates = MongoUpdates(connection)
        for number in (2, 1, 3):
            await updates.insert(an_update(number, chat=5))
        crashed, heir = Worker(updates, "crashed"), Worker(updates, "heir")
        crashed.gate.clear()
        async with crashed.at_work():
            await until(lambda: crashed.seen == [1])
        async with heir.at_work():
            await until(lambda: heir.seen == [1, 2, 3])


async def test_two_processes_keep_the_order_of_each_chat(mongo_uri: str) -> None:
    """However they share the work, each update is handled once, one at a time in its chat."""
    chats, each_has = 6, 8
    order: dict[int, list[int]] = {chat: [] for chat in range(1, chats + 1)}
    inside = set[int]()

    async def consume(update: Update) -> None:
        chat = update.chat_id or 0
        assert chat not in inside
        inside.add(chat)
        order[chat].append(update.id)
        await asyncio.sleep(0.001)
        inside.remove(chat)

    async with a_database(mongo_uri) as connection:
        updates = MongoUpdates(connection)
        one, two = Worker(updates, "one"), Worker(updates, "two")

        async def over() -> bool:
            return await connection.collection("updates").count_documents({"open": True}) == 0

        async with one.at_work(consume), two.at_work(consume):
            for number in range(chats * each_has):
                update = an_update(number, chat=1 + number % chats)
                assert await updates.insert(update)
                assert not await updates.insert(update)
                (one, two)[number % 2].handling.wake(update)
            await until_async(over)

    for seen in order.values():
        assert seen == sorted(set(seen))
        assert len(seen) == each_has


async def test_it_is_quiet_once_nothing_is_being_handled() -> None:
    """Nor was woken to be; who handles nothing yet is waited for."""
    store = await kept(an_update(1))
    worker = Worker(store, timing=QUICK.change(sweep_every=timedelta(hours=1)))
    worker.gate.clear()
    worker.handling.wake(an_update(1))
    async with asyncio.TaskGroup() as group:
        quiet = group.create_task(worker.handling.quiet())
        async with worker.at_work():
            await until(lambda: worker.seen == [1])
            assert not quiet.done()
            worker.gate.set()
            await quiet
    assert all_over(store)
