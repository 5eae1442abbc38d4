"""Tell endpoints how far runs have come: best effort, the newest only, and never owed.

Whoever writes a record in this process is listened to; what it brings is sent at most once in a
while for each run, at most so many messages at once, and one to an endpoint at a time. What cannot
be sent is forgotten: the next state, or the end, says more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import structlog

from app.clock import Clock
from app.errors import UnavailableError
from app.ports import Courier, Endpoints
from app.usecases.listeners import Listeners
from app.usecases.records import Records
from processors import hooks
from schemas.base import rfc3339
from schemas.generation import Generation
from schemas.hook import Endpoint, HookEvent
from schemas.timing import Timing

AT_ONCE: Final = 8
"""Messages that are sent at once."""
REMEMBERED: Final = 1_000
"""Runs whose newest state waits to be told; of more, the oldest are forgotten."""


class TellProgress:
    """Tells of progress.

    Args:
        endpoints: Who listens.
        listeners: What is known of them.
        courier: Sends.
        records: The generations, to be told of with their inputs.
        show: What is told of a record.
        clock: The time.
        timing: How often one run is told of.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        listeners: Listeners,
        courier: Courier,
        records: Records,
        show: Callable[[Generation], dict[str, Any]],
        *,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self._endpoints = endpoints
        self._listeners = listeners
        self._courier = courier
        self._records = records
        self._show = show
        self._clock = clock
        self._every = timing.hook_progress.total_seconds()
        self._log = structlog.get_logger()
        self._newest = OrderedDict[str, Generation]()
        self._told = OrderedDict[str, float]()
        self._sent_to = set[str]()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._wake = asyncio.Event()

    def note(self, before: Generation | None, after: Generation) -> None:
        """Have a record told of that was written, where it brings progress and somebody listens."""
        if after.ended:
            self._newest.pop(after.id, None)
            self._told.pop(after.id, None)
            return
        if not hooks.progressed(before, after):
            return
        if self._listeners.hear(HookEvent.PROGRESS, after):
            self._newest[after.id] = after
            if len(self._newest) > REMEMBERED:
                self._newest.popitem(last=False)
            self._wake.set()

    async def run(self) -> None:
        """Tell what is noted, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._next()
                for record in self._ripe():
                    await self._room.acquire()
                    group.create_task(self._tell(record))

    async def _next(self) -> None:
        """Wait for news; where only what was told of lately has any, no longer than its spacing."""
        self._wake.clear()
        try:
            async with asyncio.timeout(self._every if self._newest else None):
                await self._wake.wait()
        except TimeoutError:
            return

    def _ripe(self) -> list[Generation]:
        """Take the records that may be told of now."""
        now = asyncio.get_running_loop().time()
        while self._told and next(iter(self._told.values())) + self._every <= now:
            self._told.popitem(last=False)
        ripe = [each for each in self._newest if each not in self._told]
        for each in ripe:
            self._told[each] = now
        return [self._newest.pop(each) for each in ripe]

    async def _tell(self, record: Generation) -> None:
        """Tell everybody who listens, one after the other."""
        try:
            order = record.job_id or record.id
            data = self._show(await self._records.whole(record))
            frozen = hooks.body(HookEvent.PROGRESS, rfc3339(record.updated_at), data)
            for endpoint in await self._endpoints.listening(HookEvent.PROGRESS, order):
                if endpoint.paused_at is None and endpoint.id not in self._sent_to:
                    await self._send(record, endpoint, frozen)
        except UnavailableError as error:
            self._log.debug("progress is not told", generation=record.id, error=str(error))
        except Exception:  # noqa: BLE001 - the task runner: one run's fault must not stop the others
            self._log.exception("progress could not be told", generation=record.id)
        finally:
            self._room.release()

    async def _send(self, record: Generation, endpoint: Endpoint, frozen: str) -> None:
        self._sent_to.add(endpoint.id)
        try:
            now = self._clock.now()
            message = hooks.key_of(record.id, record.version, endpoint.id)
            headers = hooks.headers(message, frozen, endpoint.keys(now), now)
            await self._courier.send(endpoint.url, headers, frozen.encode())
        finally:
            self._sent_to.discard(endpoint.id)
