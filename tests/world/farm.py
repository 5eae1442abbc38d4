"""Simulated servers of ours: runs that live in virtual time, restarts, and two that see to them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from hypothesis import strategies as st
from pydantic import JsonValue

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerLostError,
    PeerRefusedError,
    PeerUnknownError,
)
from processors.scheduling import ServerState
from schemas.base import EngineName, GenerationId, InstanceName, RunId
from schemas.generation import Generation
from schemas.run import TERMINAL, RunAt, RunEvent, RunReport, RunStatus
from tests.builders import COMFYUI
from tests.fakes.clock import FakeClock
from tests.fakes.engines import FakeEngine
from tests.fakes.fleet import FakeReceiver
from tests.fakes.gates import Gate
from tests.world.plans import Answer, Interruption, interruptions

Post = Literal["ok", "refused", "busy", "down", "lost", "late", "never"]
"""What becomes of a POST: ``lost`` and ``late`` are taken and ``never`` is not; none of the three
is answered in time."""
LATE: Final = 100.0
"""Seconds after which a POST that was given up is done after all."""
LEASE: Final = timedelta(seconds=15)
READY: Final = 2.0
"""Seconds until a run is ready to be sent: long enough for much to happen meanwhile."""
LIMIT: Final = 60.0
"""Seconds that a POST is waited for."""
GONE: Final = timedelta(seconds=60)
"""A server that was not reached for so long is gone."""


@dataclass(frozen=True)
class Wish:
    """An order.

    Attributes:
        at: When it is made.
        user: By whom.
        seconds: What its run takes.
        ending: How that ends, None where it never does.
        passing: Whether that is a failure which another try may not have.
    """

    at: float = 0.0
    user: str = "ada"
    seconds: float = 3.0
    ending: Literal["completed", "failed"] | None = "completed"
    passing: bool = False


@dataclass(frozen=True)
class Trouble:
    """A server that is not reached for a while, and may have forgotten everything by then."""

    at: float
    server: str
    seconds: float
    forgets: bool


@dataclass(frozen=True)
class FarmPlan:
    """Everything that is going to happen; where a list ends everything goes well.

    Attributes:
        slots: Of each server.
        wishes: What is ordered.
        cancels: When which of it is not wanted any more.
        troubles: What becomes of servers.
        posts: What becomes of each POST.
        reads: What becomes of each question.
        silent: Which of the words of servers are heard by nobody.
        interruptions: What befalls the processes.
    """

    slots: tuple[int, ...] = (1, 1)
    wishes: tuple[Wish, ...] = (Wish(),)
    cancels: tuple[tuple[float, int], ...] = ()
    troubles: tuple[Trouble, ...] = ()
    posts: tuple[Post, ...] = ()
    reads: tuple[Answer, ...] = ()
    silent: tuple[bool, ...] = ()
    interruptions: tuple[Interruption, ...] = ()


@dataclass
class Run:
    """A run as its server knows it."""

    run_id: RunId
    generation: GenerationId
    attempt: int
    server: str
    started_at: datetime
    status: RunStatus = RunStatus.RUNNING
    passing: bool = False
    ended_at: datetime | None = None


@dataclass
class Server:
    """A server.

    Attributes:
        runs: What it knows of.
        down_until: Loop time until which it is not reached.
        down_since: When it was last reached, None while it is.
        holder: Who sees to it, until `until`.
        most: The most runs that it ever had at a time.
    """

    name: str
    slots: int
    runs: dict[RunId, Run] = field(default_factory=dict[RunId, Run])
    down_until: float = -1.0
    down_since: datetime | None = None
    holder: InstanceName | None = None
    until: datetime | None = None
    most: int = 0

    @property
    def alive(self) -> list[Run]:
        """The runs that go on."""
        return [each for each in self.runs.values() if each.status not in TERMINAL]


class Farm:
    """All servers.

    Attributes:
        servers: By name.
        made: Every run that ever reached a server, by its name.
        wished: How the runs of each generation go.
    """

    def __init__(
        self,
        plan: FarmPlan,
        clock: FakeClock,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        tell: Callable[[str, RunEvent], None],
    ) -> None:
        self.servers = {f"s{n}": Server(f"s{n}", slots) for n, slots in enumerate(plan.slots)}
        self.made = dict[RunId, Run]()
        self.wished = dict[GenerationId, Wish]()
        self._clock = clock
        self._spawn = spawn
        self._tell = tell
        self._posts = list(plan.posts)
        self._reads = list(plan.reads)
        self._silent = list(plan.silent)

    def fate(self) -> Post:
        """Return what becomes of the next POST."""
        return self._posts.pop(0) if self._posts else "ok"

    def reached(self, name: str) -> Server:
        """Return a server that is reached.

        Raises:
            PeerDownError: It is not.
        """
        server = self.servers[name]
        if asyncio.get_running_loop().time() < server.down_until:
            raise PeerDownError(f"{COMFYUI}:{name}", "cannot be reached")
        return server

    def answering(self, name: str) -> Server:
        """Return a server that answers a question, or fail as drawn."""
        server, peer = self.reached(name), f"{COMFYUI}:{name}"
        faults: dict[Answer, PeerError] = {
            "busy": PeerBusyError(peer, "answered 502"),
            "unknown": PeerUnknownError(peer, "broke off"),
            "down": PeerDownError(peer, "cannot be reached"),
        }
        fault = faults.get(self._reads.pop(0) if self._reads else "ok")
        if fault is not None:
            raise fault
        return server

    def make(self, server: Server, placed: Generation) -> None:
        """Take a run and let it live."""
        named = placed.runs[-1]
        assert named.run_id not in self.made, "a prompt was posted twice"
        run = Run(named.run_id, placed.id, named.attempt, server.name, self._clock.now())
        server.runs[run.run_id] = self.made[run.run_id] = run
        server.most = max(server.most, len(server.alive))
        self._spawn(self._live(server, run))

    def make_later(self, server: Server, placed: Generation) -> None:
        """Take a run that nobody waits for any more."""
        self._spawn(self._made_later(server, placed))

    def end(self, server: Server, run: Run, status: RunStatus, *, passing: bool = False) -> None:
        """End a run that goes on."""
        if run.status not in TERMINAL and run.run_id in server.runs:
            run.status, run.passing, run.ended_at = status, passing, self._clock.now()
            self._say(run)

    async def _made_later(self, server: Server, placed: Generation) -> None:
        await asyncio.sleep(LATE)
        if asyncio.get_running_loop().time() >= server.down_until:
            self.make(server, placed)

    async def _live(self, server: Server, run: Run) -> None:
        wish = self.wished.get(run.generation, Wish())
        self._say(run)
        if wish.ending is None:
            return
        await asyncio.sleep(wish.seconds)
        self.end(server, run, RunStatus(wish.ending), passing=wish.passing)

    def _say(self, run: Run) -> None:
        if self._silent.pop(0) if self._silent else False:
            return
        now = self._clock.now()
        self._tell(
            run.server,
            RunEvent(COMFYUI, run.generation, run.attempt, run.run_id, run.status, now),
        )

    async def trouble(self, trouble: Trouble) -> None:
        """Let a server go, and come back."""
        await asyncio.sleep(trouble.at)
        server, now = self.servers.get(trouble.server), asyncio.get_running_loop().time()
        if server is None:
            return
        server.down_until = max(server.down_until, now + trouble.seconds)
        if trouble.forgets:
            server.runs.clear()
        await asyncio.sleep(trouble.seconds)


class FarmEngine(FakeEngine):
    """The servers as one process asks them. See app.ports.Engine."""

    def __init__(self, farm: Farm, gate: Gate) -> None:
        super().__init__(gate, COMFYUI)
        self._farm = farm

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        await self.gate()
        assert run.server is not None
        known = self._farm.answering(run.server).runs.get(run.run_id)
        await self.gate()
        if known is None:
            raise PeerLostError(self.peer(run.server), "has no such run")
        return RunReport(
            run_id=run.run_id,
            status=known.status,
            started_at=known.started_at,
            ended_at=known.ended_at,
            passing=known.passing,
        )

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine."""
        await self.gate()
        assert run.server is not None
        server = self._farm.answering(run.server)
        known = server.runs.get(run.run_id)
        if known is not None:
            self._farm.end(server, known, RunStatus.CANCELLED)
        await self.gate()


class FarmFleet:
    """The servers as far as one process has their duty. See app.ports.Fleet."""

    def __init__(self, farm: Farm, clock: FakeClock, name: InstanceName, gate: Gate) -> None:
        self._farm = farm
        self._clock = clock
        self._me = name
        self._gate = gate
        self.sending = set[RunId]()

    @property
    def name(self) -> EngineName:
        """See app.ports.Fleet."""
        return COMFYUI

    def on_duty(self, server: Server) -> bool:
        """Renew the duty of a server, or take it where it is free."""
        now = self._clock.now()
        if server.holder != self._me and server.until is not None and now < server.until:
            return False
        server.holder, server.until = self._me, now + LEASE
        return True

    def states(self) -> tuple[ServerState, ...]:
        """See app.ports.Fleet."""
        return tuple(
            ServerState(each.name, each.slots, self._well(each), len(each.alive))
            for each in self._farm.servers.values()
            if self.on_duty(each)
        )

    def client_id(self, server: str) -> str | None:
        """See app.ports.Fleet."""
        known, now = self._farm.servers[server], self._clock.now()
        ours = known.holder == self._me and known.until is not None and now < known.until
        return f"client-{self._me}" if ours else None

    def receiver(self, server: str) -> FakeReceiver:
        """See app.ports.Fleet."""
        return FakeReceiver(server, self._gate)

    async def prepare(
        self, generation: Generation, server: str, inputs: Mapping[str, JsonValue]
    ) -> Callable[[Generation], Awaitable[Sequence[str]]]:
        """See app.ports.Fleet."""
        del generation, inputs
        await self._gate()
        self._farm.reached(server)
        await asyncio.sleep(READY)
        await self._gate()

        async def send(placed: Generation) -> Sequence[str]:
            run_id = placed.runs[-1].run_id
            self.sending.add(run_id)
            try:
                await self._post(server, placed)
            finally:
                self.sending.discard(run_id)
            return ()

        return send

    def drop(self, run: RunAt) -> None:
        """See app.ports.Fleet."""
        assert run.run_id not in self._farm.made, "a run that its server has was dropped"

    async def _post(self, name: str, placed: Generation) -> None:
        await self._gate()
        server, fate = self._farm.reached(name), self._farm.fate()
        if fate in {"ok", "lost"}:
            self._farm.make(server, placed)
        if fate == "late":
            self._farm.make_later(server, placed)
        unanswered = fate in {"lost", "late", "never"}
        await asyncio.sleep(LIMIT if unanswered else 0.2)
        await self._gate()
        faults: dict[Post, PeerError] = {
            "refused": PeerRefusedError(name, "no such node"),
            "busy": PeerBusyError(name, "answered 500"),
            "down": PeerDownError(name, "cannot be reached"),
        }
        if fate != "ok":
            raise faults.get(fate) or PeerUnknownError(name, "no answer")

    def _well(self, server: Server) -> bool:
        return asyncio.get_running_loop().time() >= server.down_until


_TIMES = st.sampled_from([0.0, 0.1, 1.0, 5.0, 30.0, 70.0, 200.0])
wishes = st.builds(
    Wish,
    at=_TIMES,
    user=st.sampled_from(["ada", "grace"]),
    seconds=_TIMES,
    ending=st.sampled_from(["completed", "completed", "failed", None]),
    passing=st.booleans(),
)
_posts = st.sampled_from(["ok", "ok", "refused", "busy", "down", "lost", "never"])
_late_posts = _posts | st.just("late")


def _several(each: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(each, max_size=most).map(tuple)


farm_plans = st.builds(
    FarmPlan,
    slots=st.sampled_from([(1,), (1, 1), (2, 1)]),
    wishes=st.lists(wishes, min_size=1, max_size=5).map(tuple),
    cancels=_several(
        st.tuples(_TIMES | st.sampled_from([2.0, 6.0, 6.5, 31.0]), st.integers(0, 4)), 3
    ),
    troubles=_several(
        st.builds(
            Trouble,
            at=_TIMES,
            server=st.sampled_from(["s0", "s1"]),
            seconds=st.sampled_from([0.0, 3.0, 40.0, 100.0]),
            forgets=st.booleans(),
        ),
        3,
    ),
    posts=_several(_late_posts, 6),
    reads=_several(st.sampled_from(["ok", "ok", "busy", "unknown", "down"]), 8),
    silent=_several(st.booleans(), 10),
    interruptions=_several(interruptions, 6),
)
calm_plans = st.builds(
    FarmPlan,
    slots=st.sampled_from([(1,), (1, 1), (2, 1)]),
    wishes=st.lists(
        st.builds(Wish, at=_TIMES, user=st.sampled_from(["ada", "grace"]), seconds=_TIMES),
        min_size=1,
        max_size=8,
    ).map(tuple),
    posts=_several(_posts, 6),
    silent=_several(st.booleans(), 10),
)
