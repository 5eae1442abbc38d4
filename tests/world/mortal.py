"""Processes that may die and stand still, wherever they wait for anything."""

import asyncio
from typing import Protocol

from app.errors import StoreDownError
from schemas.base import InstanceName
from tests.world.plans import Interruption


class Fates(Protocol):
    """What decides over processes and their database."""

    def befalls(self) -> Interruption | None:
        """Return what befalls whoever passes the next point of waiting."""
        ...

    def outage(self, seconds: float) -> None:
        """Take the database away for so long."""
        ...

    def store_is_down(self) -> bool:
        """Return whether the database is gone at this moment."""
        ...

    def interrupted(self, name: InstanceName, until: float) -> None:
        """Note that a process was interrupted, from now on until a moment."""
        ...


class Mortal:
    """A process, as far as anything can befall it.

    Attributes:
        name: Its name, the same in each of its lives.
        crashed: Set by a crash; `downtime` says how long until the next start.
    """

    def __init__(self, fates: Fates, name: InstanceName) -> None:
        self._fates = fates
        self.name = name
        self.crashed = asyncio.Event()
        self.downtime = 0.0
        self._frozen_until = 0.0

    async def _point(self) -> Interruption | None:
        """Pass a point of waiting: here a process may die or stand still."""
        await asyncio.sleep(0)
        self._alive()
        event = self._fates.befalls()
        now = asyncio.get_running_loop().time()
        if event is not None and event.kind == "crash":
            self._fates.interrupted(self.name, now)
            self.downtime = event.seconds
            self.crashed.set()
            self._alive()
        if event is not None and event.kind == "stall":
            self._frozen_until = now + event.seconds
            self._fates.interrupted(self.name, self._frozen_until)
        while (now := asyncio.get_running_loop().time()) < self._frozen_until:
            # A remainder too small to be added to the time would never pass.
            await asyncio.sleep(max(self._frozen_until - now, 0.001))
            self._alive()
        return event

    def _alive(self) -> None:
        if self.crashed.is_set():
            raise asyncio.CancelledError

    async def _store_gate(self) -> None:
        event = await self._point()
        if event is not None and event.kind == "outage":
            self._fates.outage(event.seconds)
        if self._fates.store_is_down() or (event is not None and event.kind == "lost_answer"):
            raise StoreDownError("the database does not answer")

    async def _peer_gate(self) -> None:
        await self._point()
