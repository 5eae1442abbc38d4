"""One tenure of a server: its socket, its clock and its health, as long as the duty is ours.

The follower decides, without I/O, what is to be asked and what was told; here it is asked, and
what was told is handed on. Nothing that goes wrong with one run, one answer or the database ends
a tenure: whatever was missed is asked for again by the clock.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar, assert_never

import structlog

from app.clock import Clock
from app.engines.comfyui.server import QUESTIONS, ComfyServer
from app.engines.comfyui.socket import Sink
from app.engines.comfyui.tidying import Tidying
from app.errors import PeerError, UnavailableError
from app.usecases.follow_runs import FollowRuns
from processors.protocols.comfyui import (
    AskHistory,
    AskQueue,
    Followed,
    Follower,
    InHistory,
    Missing,
    Pace,
    Preview,
    Said,
    Told,
    Used,
)
from schemas.base import RunId
from schemas.generation import EngineRun, Generation
from schemas.timing import Timing

T = TypeVar("T")


class Listens(Protocol):
    """A socket; see app.engines.comfyui.socket.Socket."""

    trouble: str | None

    async def run(self, sink: Sink) -> None:
        """Keep connected, and hand on what comes, until cancelled."""
        ...


class Tenure:
    """What is followed at one server, and how.

    Args:
        server: The server.
        socket: To it, under `client_id`.
        client_id: The name of that socket there.
        follow: Takes what is told of runs.
        clock: The time.
        timing: How often everything is looked at.
    """

    def __init__(
        self,
        server: ComfyServer,
        socket: Listens,
        client_id: str,
        *,
        follow: FollowRuns,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.client_id = client_id
        self._server = server
        self._socket = socket
        self._follow = follow
        self._clock = clock
        self._timing = timing
        pace = Pace(every=timing.history_every, down=timing.history_down)
        self._follower = Follower(client_id, server.base, pace)
        self._tidying = Tidying(
            server, follow, lambda: self._follower.following, clock=clock, timing=timing
        )
        self._log = structlog.get_logger()
        self._sending = set[RunId]()
        self._asking = asyncio.Semaphore(QUESTIONS)
        self._group: asyncio.TaskGroup | None = None
        self._sooner = asyncio.Event()
        self._next: datetime | None = None

    async def run(self) -> None:
        """Follow what there is to follow, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._socket.run(self))
            group.create_task(self._keep_time())
            group.create_task(self._keep_listing())
            group.create_task(self._tidying.run())

    @property
    def trouble(self) -> str | None:
        """Why the socket is not open; None while it is."""
        return self._socket.trouble

    @property
    def stuck(self) -> RunId | None:
        """A run that the server works on though it was told to stop it long ago; None for none."""
        return self._tidying.stuck

    @property
    def following(self) -> frozenset[RunId]:
        """The runs whose end is waited for."""
        return self._follower.following

    def expect(self, run: Followed) -> None:
        """Follow a run that is about to be sent."""
        self._sending.add(run.run_id)
        self._follower.expect(run, self._clock.now())
        self._stir()

    def sent(self, run_id: RunId) -> None:
        """Take note that a run is on its way no more: its record says where it is."""
        self._sending.discard(run_id)

    def drop(self, run_id: RunId) -> None:
        """Follow a run no more: the server surely never had it."""
        self._sending.discard(run_id)
        self._follower.forget(run_id)

    def returned(self) -> None:
        """Take note that the server is there: it may have had former runs all along."""
        self._tidying.returned()

    async def gone(self) -> None:
        """Have every run of this server tried at another."""
        for record in await self._follow.at(self._server.name):
            run_id = record.metadata.run_id
            if run_id is not None and run_id not in self._sending:
                await self._follow.gone(record.id, run_id)

    def connected(self) -> None:
        """See app.engines.comfyui.socket.Sink."""
        self._do(self._follower.connected(self._clock.now()))

    def disconnected(self, why: str) -> None:
        """See app.engines.comfyui.socket.Sink."""
        del why
        self._server.metrics.socket_lost(self._server.name)
        self._do(self._follower.disconnected(self._clock.now()))

    def text(self, data: str) -> None:
        """See app.engines.comfyui.socket.Sink."""
        self._do(self._follower.text(data, self._clock.now()))

    def binary(self, data: bytes) -> None:
        """See app.engines.comfyui.socket.Sink."""
        self._do(self._follower.binary(data, self._clock.now()))

    async def _keep_time(self) -> None:
        """Tell the follower when its time has come."""
        while True:
            self._sooner.clear()
            self._next = due = self._follower.due_at
            wait = None if due is None else max(0.0, (due - self._clock.now()).total_seconds())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._sooner.wait()
                    continue
            self._do(self._follower.tick(self._clock.now()))

    async def _keep_listing(self) -> None:
        """Follow what is at the server and nobody follows, such as what another has left."""
        while True:
            await self._guarded(self._list())
            await asyncio.sleep(self._timing.relist_every.total_seconds())

    async def _list(self) -> None:
        # What is sent while the records are read is not in them, nor known to be on its way later.
        before = self.following - self._sending
        found = await self._follow.at(self._server.name)
        known = {run.run_id: (record, run) for record in found if (run := _current(record))}
        for run_id in before - known.keys():
            self._follower.forget(run_id)
        for run_id, (record, run) in known.items():
            if run_id not in self._sending:
                followed = Followed(record.id, run.attempt, run_id, run.client_id, {})
                self._follower.expect(followed, self._clock.now())
        self._stir()

    def _do(self, said: Sequence[Said]) -> None:
        """Do what the follower wants done."""
        for each in said:
            match each:
                case Told():
                    self._follow.told(each.event)
                case AskQueue():
                    self._spawn(self._ask(self._server.queue, self._follower.queue))
                case AskHistory():
                    self._spawn(self._ask_history(each.run_id))
                case Missing():
                    self._spawn(self._follow.missing(each.generation_id, each.run_id))
                case Preview():
                    self._server.metrics.previewed(self._server.name)
                    picture = each.image, each.content_type
                    self._spawn(self._follow.previewed(each.generation_id, *picture))
                case Used():
                    whose = each.generation_id, each.run_id, self._server.name
                    self._spawn(self._follow.used(*whose, each.rows))
                case _:
                    assert_never(each)
        self._stir()

    async def _ask_history(self, run_id: RunId) -> None:
        async def ask() -> InHistory:
            return InHistory(await self._server.history(run_id))

        await self._ask(ask, lambda found, now: self._follower.history(run_id, found, now))

    async def _ask(
        self,
        ask: Callable[[], Coroutine[Any, Any, T]],
        answer: Callable[[T | None, datetime], Sequence[Said]],
    ) -> None:
        """Ask the server, and give the follower its answer, or that there is none.

        Cancelled, it gives none: nothing is followed any more, and nothing must begin.
        """
        told: T | None = None
        try:
            async with self._asking:
                told = await ask()
        except PeerError as error:
            self._log.debug("a server did not answer", server=self._server.name, error=str(error))
        except Exception:
            self._do(answer(None, self._clock.now()))
            raise
        self._do(answer(told, self._clock.now()))

    def _stir(self) -> None:
        """Wake the clock where there is something to do sooner than it knew of."""
        due = self._follower.due_at
        if due is not None and (self._next is None or due < self._next):
            self._sooner.set()

    def _spawn(self, do: Coroutine[Any, Any, object]) -> None:
        if self._group is None:
            do.close()
            return
        self._group.create_task(self._guarded(do))

    async def _guarded(self, do: Coroutine[Any, Any, object]) -> None:
        """Do something whose failure ends nothing: it is asked for again."""
        try:
            await do
        except (PeerError, UnavailableError) as error:
            self._log.info("not now", server=self._server.name, error=str(error))
        except Exception:  # noqa: BLE001 - the task runner: one run's fault must not stop the others
            self._log.exception("a run could not be followed", server=self._server.name)


def _current(record: Generation) -> EngineRun | None:
    """Return the run that serves a generation now, None where it has none."""
    if not record.runs or record.runs[-1].run_id != record.metadata.run_id:
        return None
    return record.runs[-1]
