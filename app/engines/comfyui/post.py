"""The post at a server: the process that holds it follows the server and gives its slots away."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final, NoReturn
from uuid import UUID

import structlog

from app.clock import Clock
from app.engines.comfyui.server import ComfyServer
from app.engines.comfyui.tenure import Listens, Tenure
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerSilentError,
    PeerStrangeError,
    PeerUnknownError,
    UnavailableError,
)
from app.ports import Alerts, ServerBoard
from app.usecases.duty import Duty
from app.usecases.follow_runs import FollowRuns
from processors import scheduling
from processors.protocols import comfyui
from processors.protocols.comfyui import Accepted, Followed, Stats, Workflow
from processors.scheduling import ServerState
from schemas.base import InstanceName, RunId
from schemas.server import ServerSeen
from schemas.timing import Timing

UNHEARD: Final = (PeerSilentError, PeerUnknownError, PeerStrangeError)
"""Errors by which no server is heard to live. Any other answer, such as that a proxy refuses our
credentials, says that something is there, and the runs with it."""


class Post:
    """One server, as far as this process has its duty.

    Attributes:
        server: The server.
        stirred: Called when it may be given runs that it could not be given before.

    Args:
        server: The server.
        listen: Makes a socket to it under a client id.
        duty: The exclusive duty of it.
        follow: Takes what is told of runs.
        board: Where it is written down how servers were seen.
        alerts: Told of a server that has taken no runs for a while, and when it does again.
        me: This process.
        clock: The time.
        timing: How often everything is looked at.
    """

    def __init__(
        self,
        server: ComfyServer,
        listen: Callable[[str], Listens],
        *,
        duty: Duty,
        follow: FollowRuns,
        board: ServerBoard,
        alerts: Alerts,
        me: InstanceName,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.server = server
        self.stirred: Callable[[], None] = lambda: None
        self._listen = listen
        self._duty = duty
        self._follow = follow
        self._board = board
        self._alerts = alerts
        self._alerted = False
        self._me = me
        self._clock = clock
        self._timing = timing
        self._tenure: Tenure | None = None
        self._trouble: str | None = "has not been asked yet"
        self._load = 0
        self._warm: str | None = None
        self._last_well: datetime | None = None
        self._last_heard: datetime | None = None
        self._log = structlog.get_logger()

    def state(self) -> ServerState | None:
        """Return how it stands; None where its duty is not ours at this moment."""
        if self._tenure is None or not self._duty.held():
            return None
        return ServerState(
            self.server.name, self.server.slots, self._trouble is None, self._load, self._warm
        )

    @property
    def client_id(self) -> str | None:
        """The name of our socket there; None where its duty is not ours."""
        return self._tenure.client_id if self._tenure is not None and self._duty.held() else None

    async def run(self) -> NoReturn:
        """Take the duty whenever it is free, and do it, until cancelled."""
        while True:
            await self._duty.renew()
            if self._duty.held():
                await self._serve()
            else:
                await self._duty.rest()

    async def give_up(self) -> None:
        """Let another process have it at once."""
        self._tenure = None
        await self._duty.give_up()

    async def prepare(self) -> None:
        """See whether a run may go there now.

        Raises:
            PeerDownError: It may not.
        """
        try:
            await self.server.stats()
        except PeerError as error:
            self._troubled(error)
            raise PeerDownError(self.server.peer, self._trouble or "is not well") from error

    async def send(self, run: Followed, workflow: Workflow, digest: str | None) -> Accepted:
        """Send a run; it is followed from before it is sent.

        Raises:
            PeerError: See `ComfyServer.prompt`.
        """
        tenure = self._tenure
        if tenure is None or run.client_id is None:
            raise PeerDownError(self.server.peer, "is another process's by now")
        tenure.expect(run)
        try:
            accepted = await self.server.prompt(workflow, run.run_id, run.client_id)
        except (PeerDownError, PeerBusyError) as error:
            # It is given nothing more before it was looked at again.
            self._troubled(error)
            raise
        finally:
            tenure.sent(run.run_id)
        self._warm = digest
        return accepted

    def drop(self, run_id: RunId) -> None:
        """Follow a run no more: the server surely never had it."""
        if self._tenure is not None:
            self._tenure.drop(run_id)

    async def _serve(self) -> None:
        """Do the duty as long as it is held."""
        client_id = str(UUID(self._clock.new_id()))
        tenure = Tenure(
            self.server,
            self._listen(client_id),
            client_id,
            follow=self._follow,
            clock=self._clock,
            timing=self._timing,
        )
        self._tenure, self._last_well, self._last_heard = tenure, None, None
        self._trouble = "has not been asked yet"
        self._log.info("this process sees to a server now", server=self.server.name)
        try:
            async with asyncio.TaskGroup() as group:
                doing = [
                    group.create_task(tenure.run()),
                    group.create_task(self._keep_looking(tenure)),
                ]
                while self._duty.held():
                    await self._duty.rest()
                    await self._duty.renew()
                for task in doing:
                    task.cancel()
        except* Exception:  # noqa: BLE001 - the task runner: the duty is taken up anew
            self._log.exception("the duty of a server ended", server=self.server.name)
            await self._duty.rest()
        finally:
            self._tenure = None

    async def _keep_looking(self, tenure: Tenure) -> None:
        """Look at the server now and then, and see to it that nobody waits for one that is gone."""
        since = self._clock.now()
        while True:
            stats = await self._looked_at(tenure)
            now = self._clock.now()
            away = now - (self._last_well or since)
            try:
                await self._board.put(self._seen(stats, tenure.trouble, now))
                if away >= self._timing.server_gone:
                    self._unwell()
                    unheard = now - (self._last_heard or since) >= self._timing.server_gone
                    if (unheard or tenure.stuck is not None) and await self._others():
                        await tenure.gone()
            except UnavailableError as error:
                self._log.info("not now", server=self.server.name, error=str(error))
            await asyncio.sleep(self._timing.health_every.total_seconds())

    async def _looked_at(self, tenure: Tenure) -> Stats | None:
        """Ask the server how it is; None where it does not say."""
        try:
            stats, self._load = await self.server.stats(), await self.server.remaining()
        except PeerError as error:
            if not isinstance(error, UNHEARD):
                self._last_heard = self._clock.now()
            self._troubled(error)
            return None
        self._last_heard = self._clock.now()
        if tenure.stuck is not None:
            why = f"does not stop {tenure.stuck}; restart it"
            self._troubled(PeerDownError(self.server.peer, why))
            return stats
        self._last_well = self._clock.now()
        if self._trouble is not None:
            self._trouble = None
            self._well()
            tenure.returned()
            self.stirred()
        return stats

    def _unwell(self) -> None:
        """Have somebody know of a server that takes no runs, once until it does again."""
        if not self._alerted:
            self._alerted = True
            why = self._trouble or "takes no runs"
            self._alerts.alert("server_unwell", f"{self.server.peer}: {why}")

    def _well(self) -> None:
        if self._alerted:
            self._alerted = False
            self._alerts.alert("server_well", f"{self.server.peer} takes runs again")

    async def _others(self) -> bool:
        """Return whether another server is well, so that runs can be tried there."""
        now, seen = self._clock.now(), await self._board.all()
        return any(
            each.name != self.server.name and scheduling.well(each, now, self._timing)
            for each in seen
            if each.engine == comfyui.NAME
        )

    def _troubled(self, error: PeerError) -> None:
        told = error.said
        if self._trouble is None:
            self._log.warning("a server is not well", server=self.server.name, why=told)
        self._trouble = told

    def _seen(self, stats: Stats | None, unheard: str | None, now: datetime) -> ServerSeen:
        return ServerSeen(
            id=f"{comfyui.NAME}/{self.server.name}",
            engine=comfyui.NAME,
            name=self.server.name,
            at=now,
            healthy=self._trouble is None,
            trouble=self._trouble or (f"its socket {unheard}" if unheard else None),
            slots=self.server.slots,
            load=self._load,
            version=stats.version if stats else None,
            device=stats.device if stats else None,
            memory_total=stats.memory_total if stats else None,
            memory_free=stats.memory_free if stats else None,
            by=self._me,
        )
