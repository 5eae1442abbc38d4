"""A world of two processes that share a database and some servers, and plenty of bad luck."""

import asyncio
from collections import UserDict
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from app.errors import PeerError, UnavailableError
from app.usecases.duty import LINE, Duty
from app.usecases.tell_line import TellLine
from processors import debts, runs
from schemas.base import GenerationId, InstanceName
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation
from schemas.run import RunEvent, RunStatus
from schemas.server import ServerSeen
from schemas.timing import Timing
from tests.app.usecases.yards import Hall
from tests.builders import COMFYUI, a_server_seen, a_waiting, some_metadata
from tests.fakes.clock import LoopClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.inbox import FakeInbox
from tests.fakes.leases import FakeLeases
from tests.fakes.servers import FakeServers
from tests.fakes.storage import FakeStorage
from tests.fakes.turns import FakeTurns
from tests.world.farm import GONE, Farm, FarmEngine, FarmFleet, FarmPlan, Server
from tests.world.loop import VirtualLoop
from tests.world.mortal import Mortal
from tests.world.plans import Interruption, scheduled

TIMING: Final = Timing(
    progress_every=timedelta(),
    place_every=timedelta(seconds=5),
    ask_most=timedelta(seconds=30),
    line_every=timedelta(seconds=20),
    limit_running=timedelta(minutes=10),
)
"""Shorter where days would be waited for."""
PATIENCE: Final = timedelta(days=4).total_seconds()
"""Virtual seconds in which every world must have come to rest."""


class Placed(UserDict[str, Generation]):
    """The records, each write checked against the one before it.

    Attributes:
        ends: Every end that was written of each, in order.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed
        self.ends: dict[str, list[tuple[RunStatus, str | None]]] = {}

    def __setitem__(self, key: str, item: Generation) -> None:
        """Check and store."""
        before = self.data.get(key)
        check_slot(item)
        if before is not None:
            check_write(before, item)
        ended = item.ended and (before is None or before.ended_by != item.ended_by)
        if ended:
            self.ends.setdefault(key, []).append((item.status, item.ended_by))
        super().__setitem__(key, item)
        self._changed()


def check_slot(record: Generation) -> None:
    """See that a slot is held by a run that is under way, and by no other."""
    assert record.due_at == debts.due_at(record.owed)
    under_way = record.metadata.run_id is not None and not record.ended
    assert (record.slot is not None) == under_way, "a slot without a run, or a run without one"
    assert len(record.runs) <= record.attempt <= record.max_attempts
    if under_way:
        assert record.slot is not None
        assert record.slot.startswith(f"{record.runs[-1].server}#")
        assert record.runs[-1].run_id == record.metadata.run_id
    if record.status is RunStatus.PENDING:
        assert debts.find(record.owed, runs.SUBMIT), "nobody will ever send it"


def check_write(before: Generation, after: Generation) -> None:
    """See that nothing is taken back."""
    assert after.version == before.version + 1
    assert after.attempt >= before.attempt
    assert after.ended or not before.ended, "an end was taken back"
    if before.ended_by == "engine":
        assert (after.status, after.ended_by) == (before.status, "engine"), "ended twice"
    if before.ended_by == "us":
        assert after.ended_by == "engine" or after.status is before.status, "ended twice by us"


class Worker(Mortal):
    """One life of a process that sees to servers, from its start to its crash."""

    def __init__(self, world: "Farmland", name: InstanceName) -> None:
        super().__init__(world, name)
        self._world = world
        self._clock = world.clock
        self.fleet = FarmFleet(world.farm, world.clock, name, self._peer_gate)
        self.engine = FarmEngine(world.farm, self._peer_gate)
        self.generations = FakeGenerations(world.records, self._store_gate)
        turns = FakeTurns(self._store_gate)
        turns.known = world.turns
        self.hall = Hall(
            self.generations,
            self.fleet,
            self.engine,
            turns=turns,
            inbox=FakeInbox(gate=self._store_gate),
            storage=FakeStorage(),
            clock=world.clock,
            timing=TIMING,
            name=name,
        )
        board = FakeServers(gate=self._store_gate)
        board.kept = world.seen
        self._board = board
        duty = Duty(world.leases, name, world.clock, TIMING, LINE)
        self._line = TellLine(
            self.hall.records,
            turns,
            board,
            COMFYUI,
            duty=duty,
            taking=self.hall.taking,
            timing=TIMING,
        )
        self._seen_down = dict[str, datetime]()

    async def run(self) -> None:
        """Live until cancelled."""
        await self._insisted(lambda: self.hall.sweep.release(self.name))
        async with asyncio.TaskGroup() as group:
            for part in self.hall.parts:
                group.create_task(part())
            group.create_task(self._sweeping())
            group.create_task(self._looking())
            group.create_task(self._line.run())

    async def _sweeping(self) -> None:
        while True:
            await self._insisted(self.hall.sweep.once)
            await self._world.something_due()

    async def _looking(self) -> None:
        """Look after the servers now and then, as whoever has their duty does."""
        while True:
            for server in self._world.farm.servers.values():
                if self.fleet.client_id(server.name) is not None:
                    try:
                        await self._looked_after(server)
                    except (PeerError, UnavailableError):
                        continue
            await asyncio.sleep(TIMING.health_every.total_seconds())

    async def _looked_after(self, server: Server) -> None:
        now = self._clock.now()
        well = asyncio.get_running_loop().time() >= server.down_until
        await self._board.put(
            a_server_seen(server.name, at=now, healthy=well, slots=server.slots, by=self.name)
        )
        if not well:
            since = self._seen_down.setdefault(server.name, now)
            if now - since >= GONE and len(self._world.farm.servers) > 1:
                await self._gone(server)
        elif self._seen_down.pop(server.name, None) is not None:
            self.hall.places.wake()
            await self._returned(server)

    async def _gone(self, server: Server) -> None:
        for record in await self.generations.at_server(server.name):
            run_id = record.metadata.run_id
            if run_id is not None and run_id not in self.fleet.sending:
                await self.hall.follow.gone(record.id, run_id)

    async def _returned(self, server: Server) -> None:
        """Hear of former runs that were done after all, and stop those that go on."""
        for record in await self.generations.formerly_at(server.name):
            for run in record.runs:
                known = server.runs.get(run.run_id)
                if known is None or run.run_id == record.metadata.run_id:
                    continue
                if known.status is RunStatus.COMPLETED:
                    at = self._clock.now()
                    self.hall.follow.told(
                        RunEvent(COMFYUI, record.id, run.attempt, run.run_id, known.status, at)
                    )
                else:
                    await self.engine.cancel(runs.located(record, run.run_id))

    async def _insisted(self, do: Callable[[], Coroutine[Any, Any, object]]) -> None:
        while True:
            try:
                await do()
            except UnavailableError:
                await asyncio.sleep(1)
            else:
                return


class Farmland:
    """Runs a plan to its end.

    Attributes:
        records: What the database holds.
        farm: The servers.
        turns: Who was served when.
        seen: How the servers were seen last.
        leases: Who has which duty.
        ordered: The generations, in the order of the plan.
    """

    def __init__(self, plan: FarmPlan) -> None:
        self.plan = plan
        self.clock = LoopClock()
        self.records = Placed(self._wake)
        self.farm = Farm(plan, self.clock, self._spawn, self._told)
        self.turns = dict[str, datetime]()
        self.seen = dict[str, ServerSeen]()
        self.leases = FakeLeases()
        self.ordered = dict[int, GenerationId]()
        self._points = 0
        self._schedule = scheduled(plan.interruptions)
        self._down_until = -1.0
        self._busy = 0
        self._due = asyncio.Event()
        self._workers: dict[InstanceName, Worker] = {}
        self._group = asyncio.TaskGroup()

    async def run(self) -> None:
        """Let everything happen, then wait until nothing more does."""
        async with self._group:
            lives = [self._group.create_task(self._lives(InstanceName(each))) for each in "ab"]
            for number in range(len(self.plan.wishes)):
                self._spawn(self._ordering(number))
            for at, number in self.plan.cancels:
                self._spawn(self._cancelling(at, number))
            for each in self.plan.troubles:
                self._spawn(self.farm.trouble(each))
            await self._rested()
            for each in lives:
                each.cancel()

    def befalls(self) -> Interruption | None:
        """See tests.world.mortal.Fates."""
        self._points += 1
        return self._schedule.get(self._points)

    def outage(self, seconds: float) -> None:
        """See tests.world.mortal.Fates."""
        self._down_until = asyncio.get_running_loop().time() + seconds

    def store_is_down(self) -> bool:
        """See tests.world.mortal.Fates."""
        return asyncio.get_running_loop().time() < self._down_until

    def interrupted(self, name: InstanceName, until: float) -> None:
        """See tests.world.mortal.Fates."""

    async def something_due(self) -> None:
        """Return when a sweep may find something: a second later, or when a debt falls due."""
        await asyncio.sleep(TIMING.sweep_every.total_seconds())
        due = min((each.due_at for each in self.records.values() if each.due_at), default=None)
        wait = (due - self.clock.now()).total_seconds() if due else 3600.0
        self._due.clear()
        try:
            async with asyncio.timeout(min(max(wait, 0.0), 3600.0)):
                await self._due.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._due.set()

    def _told(self, server: str, event: RunEvent) -> None:
        """Bring a word of a server to whoever listens there."""
        for each in self._workers.values():
            if not each.crashed.is_set() and each.fleet.client_id(server) is not None:
                each.hall.follow.told(event)

    def _spawn(self, each: Coroutine[Any, Any, None]) -> None:
        self._busy += 1
        self._group.create_task(self._counted(each))

    async def _counted(self, each: Coroutine[Any, Any, None]) -> None:
        try:
            await each
        finally:
            self._busy -= 1

    async def _lives(self, name: InstanceName) -> None:
        """Start a process, and start it again after each crash."""
        while True:
            worker = self._workers[name] = Worker(self, name)
            async with asyncio.TaskGroup() as group:
                living = group.create_task(worker.run())
                await worker.crashed.wait()
                living.cancel()
            await asyncio.sleep(worker.downtime)

    async def _rested(self) -> None:
        """Return when everything that was to happen has happened and nothing is owed."""
        loop = asyncio.get_running_loop()
        while self._busy or any(each.due_at is not None for each in self.records.values()):
            assert loop.time() < PATIENCE, f"no rest: {list(self.records.values())}"
            await asyncio.sleep(60)

    async def _ordering(self, number: int) -> None:
        wish = self.plan.wishes[number]
        await asyncio.sleep(wish.at)
        now, made = self.clock.now(), self.clock.new_id()
        self.farm.wished[made] = wish
        metadata = some_metadata(user_id=wish.user, telegram_chat_id=None)
        record = a_waiting(id=made, request_timestamp=now, metadata=metadata, owed=())
        worker = self._workers.get(InstanceName("ab"[number % 2]))
        taker = None if worker is None else worker.hall.taking.taker(now)
        submit = Debt(key=runs.SUBMIT, kind=DebtKind.SUBMIT, next_at=now)
        record = debts.put(record, debts.owe((), submit, taker=taker))
        self.records[made] = record
        self.ordered[number] = made
        if worker is not None and not worker.crashed.is_set():
            worker.hall.records.hand(None, record)

    async def _cancelling(self, at: float, number: int) -> None:
        await asyncio.sleep(at)
        wanted = self.ordered.get(number)
        if wanted is None:
            return
        before, now = self.records[wanted], self.clock.now()
        after = runs.cancel_wanted(before, now)
        if after is not before:
            self.records[wanted] = after.change(version=before.version + 1, updated_at=now)


def farmed(plan: FarmPlan) -> Farmland:
    """Run a plan to its end in virtual time, and return what is left."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_farmed(plan))


async def _farmed(plan: FarmPlan) -> Farmland:
    world = Farmland(plan)
    await world.run()
    return world
