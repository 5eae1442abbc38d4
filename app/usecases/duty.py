"""Duties that one process has at a time: of all, the one that holds the lease."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final, NoReturn

from app.clock import Clock
from app.errors import UnavailableError
from app.ports import Lease, Leases
from app.usecases.calls import Calls
from schemas.base import InstanceName
from schemas.timing import Timing

NAME: Final = "telegram-sender"
"""Of the one that sends."""
UPDATES: Final = "telegram-updates"
"""Of the one that fetches updates, or sees to it that they are brought."""
LINE: Final = "line"
"""Of the one that tells those who wait for a server how long it may take."""
RENEWALS: Final = 3
"""Times that a lease is renewed within its length: two may fail."""


class Duty:
    """An exclusive duty, kept as long as the database lets us.

    Args:
        leases: Where duties are taken.
        me: This process.
        clock: The time.
        timing: How long a lease is.
        name: Of the duty.
        lasting: How long its lease is; as the sender's where nothing is said.
    """

    def __init__(
        self,
        leases: Leases,
        me: InstanceName,
        clock: Clock,
        timing: Timing,
        name: str = NAME,
        *,
        lasting: timedelta | None = None,
    ) -> None:
        self._name = name
        self._leases = leases
        self._me = me
        self._clock = clock
        self._lasting = lasting or timing.sender_lease
        self._lease: Lease | None = None
        self._tried, self._free = asyncio.Event(), asyncio.Event()
        self._free.set()

    def held(self) -> bool:
        """Return whether the duty is ours at this moment; a lease that has run out is lost."""
        return self._lease is not None and self._clock.now() < self._lease.until

    async def keep(self) -> NoReturn:
        """Take the duty whenever it is free, and renew it for ever."""
        while True:
            await self.renew()
            await self.rest()

    async def keep_during(self, calls: Calls) -> NoReturn:
        """Take the duty whenever it is free and a call is open; give it up after the last."""
        while True:
            await calls.begun()
            self._free.clear()
            await self.renew()
            self._tried.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._lasting.total_seconds() / RENEWALS):
                    await calls.over()
            if not calls.any:
                self._tried.clear()
                await self.give_up()
                self._free.set()

    async def tried(self) -> None:
        """Return once it was tried to take the duty for the calls that are open."""
        await self._tried.wait()

    async def free(self) -> None:
        """Return once the duty was given up after the last call."""
        await self._free.wait()

    async def renew(self) -> None:
        """Take the duty if it is free, or hold it on."""
        now = self._clock.now()
        # While the database does not answer, what we hold holds until it runs out.
        with suppress(UnavailableError):
            self._lease = await self._leases.acquire(self._name, self._me, now, now + self._lasting)

    async def rest(self) -> None:
        """Wait until it is time to renew it."""
        await asyncio.sleep(self._lasting.total_seconds() / RENEWALS)

    async def give_up(self) -> None:
        """Let another process have it at once, if the database can be told."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        with suppress(UnavailableError):
            await self._leases.release(lease)


@asynccontextmanager
async def alone(
    leases: Leases, name: str, me: InstanceName, clock: Clock, lasting: timedelta
) -> AsyncGenerator[bool]:
    """Have a duty for the length of a block; say whether it was free.

    Each block is a holder of its own, so that two of one process exclude each other, too. Who
    dies in it leaves it to others after `lasting`.

    Raises:
        StoreDownError: The database does not answer.
    """
    lease = await begun(leases, name, me, clock, lasting)
    try:
        yield lease is not None
    finally:
        if lease is not None:
            with suppress(UnavailableError):
                await leases.release(lease)


async def begun(
    leases: Leases, name: str, me: InstanceName, clock: Clock, lasting: timedelta
) -> Lease | None:
    """Return the lease of what begins now; None where anybody began it within `lasting`.

    Raises:
        StoreDownError: The database does not answer.
    """
    now = clock.now()
    holder = InstanceName(f"{me}:{clock.new_id()}")
    return await leases.acquire(name, holder, now, now + lasting)
