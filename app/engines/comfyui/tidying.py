"""What is in a server's queue and should not be there: runs of ours that nobody waits for."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import NoReturn

import structlog

from app.clock import Clock
from app.engines.comfyui.server import ComfyServer
from app.errors import PeerError, PeerLostError, UnavailableError
from app.usecases.follow_runs import FollowRuns
from processors.protocols import comfyui
from schemas.base import RunId
from schemas.generation import EngineRun, Generation
from schemas.run import RunEvent, RunStatus
from schemas.timing import Timing


class Tidying:
    """Looks what a server has, whoever ended it, and stops what has ended.

    A run may go on though its generation has ended or is served by another by now: its server was
    away when it was to be stopped, or its worker has died. What is nobody's of ours is left alone.

    Attributes:
        stuck: A run that the server works on although it was told to stop it long ago. One whose
            worker has died answers every call and does nothing any more.

    Args:
        server: The server.
        follow: Knows whose a run is, and takes what is told of it.
        following: Returns the runs that are followed there.
        clock: The time.
        timing: How often it is looked.
    """

    def __init__(
        self,
        server: ComfyServer,
        follow: FollowRuns,
        following: Callable[[], Collection[RunId]],
        *,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.stuck: RunId | None = None
        self._server = server
        self._follow = follow
        self._following = following
        self._clock = clock
        self._timing = timing
        self._log = structlog.get_logger()
        self._told = dict[RunId, datetime]()
        self._back = False
        self._sooner = asyncio.Event()

    def returned(self) -> None:
        """Look at once: the server is there again, and may have had former runs all along."""
        self._back = True
        self._sooner.set()

    async def run(self) -> NoReturn:
        """Look now and then, until cancelled; what goes wrong is looked at the next time."""
        while True:
            self._sooner.clear()
            try:
                await self.once()
            except (PeerError, UnavailableError) as error:
                self._log.info("not now", server=self._server.name, error=str(error))
            except Exception:  # noqa: BLE001 - the task runner: it must be looked the next time
                self._log.exception("a server could not be tidied", server=self._server.name)
            every = self._timing.tidy_every if self.stuck is None else self._timing.health_every
            with suppress(TimeoutError):
                async with asyncio.timeout(every.total_seconds()):
                    await self._sooner.wait()

    async def once(self) -> None:
        """Look, where there is a reason to: it is back, or has more to do than is known.

        Raises:
            PeerError: The server does not say what it has.
            StoreDownError: The database does not answer.
        """
        if self._back:
            self._back = not await self._heard_of_former()
        elif self.stuck is None and await self._server.remaining() <= len(self._following()):
            return
        queue = await self._server.queue()
        there = (*queue.running, *queue.pending)
        known = await self._follow.of_runs(there)
        over = [run for run in there if run in known and not _serves(known[run], run)]
        self._told = {run: at for run, at in self._told.items() if run in over}
        long_ago = self._clock.now() - self._timing.cancel_grace
        late = (run for run, at in self._told.items() if at < long_ago and run in queue.running)
        self.stuck = next(late, None)
        for run_id in over:
            await self._stop(run_id)

    async def _stop(self, run_id: RunId) -> None:
        try:
            await self._server.cancel(run_id)
        except PeerError as error:
            self._log.info("a run could not be cancelled", run=run_id, error=str(error))
            return
        self._told.setdefault(run_id, self._clock.now())

    async def _heard_of_former(self) -> bool:
        """Hear of former runs that were done after all; return whether all could be asked about."""
        whole = True
        for record in await self._follow.formerly_at(self._server.name):
            for run in record.runs:
                if run.server != self._server.name or run.run_id == record.metadata.run_id:
                    continue
                try:
                    await self._hear_of(record, run)
                except PeerLostError:
                    # Nobody waits for it any more.
                    continue
                except PeerError as error:
                    self._log.info("not now", server=self._server.name, error=str(error))
                    whole = False
        return whole

    async def _hear_of(self, record: Generation, run: EngineRun) -> None:
        report = await self._server.read(run.run_id)
        if report.status is not RunStatus.COMPLETED:
            return
        event = RunEvent(
            engine=comfyui.NAME,
            generation_id=record.id,
            attempt=run.attempt,
            run_id=run.run_id,
            status=report.status,
            received_at=self._clock.now(),
            outputs=report.outputs,
            source="server",
        )
        self._follow.told(event)


def _serves(record: Generation, run_id: RunId) -> bool:
    """Return whether a generation waits for a run."""
    return not record.ended and record.metadata.run_id == run_id
