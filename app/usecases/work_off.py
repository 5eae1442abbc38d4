"""Work off what is owed, within a budget: the call of a host without background processes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple

import structlog

from app.clock import Clock
from app.errors import AppError, UnavailableError
from app.ports import Leases
from app.usecases.apply_events import Applier
from app.usecases.duty import alone, begun
from app.usecases.hands import Hands
from app.usecases.shift import Shift
from app.usecases.taking import INWARD
from schemas.base import InstanceName
from schemas.debt import CHAT, DebtKind
from schemas.timing import Timing

WORKER: Final = "cron-worker"
"""The duty of whoever works off what is owed."""
FINISHING: Final = timedelta(seconds=3)
"""So long before the end of a budget nothing more is taken up, in a quarter of it at most."""


class Worked(NamedTuple):
    """What a call did."""

    applied: int
    """Events."""
    discharged: Mapping[DebtKind, int]
    failed: int
    """Tries that failed; each debt is tried again later."""
    left: int
    """Records that still owe something which is due."""
    seconds: float


class Chore(NamedTuple):
    """What is to be done now and then beside what is owed."""

    name: str
    every: timedelta
    do: Callable[[], Awaitable[object]]


class Counts:
    """What this process has done since it was last looked at.

    Args:
        applier: Applies events.
        hands: Everybody who does what is owed.
    """

    def __init__(self, applier: Applier, hands: Sequence[Hands[Any]]) -> None:
        self._applier = applier
        self._hands = tuple(hands)
        self._applied, self._failed = applier.applied, sum(each.failures for each in hands)
        self._done = self._so_far()

    @property
    def applied(self) -> int:
        """How many events were applied since."""
        return self._applier.applied - self._applied

    @property
    def failed(self) -> int:
        """How many tries have failed since."""
        return sum(each.failures for each in self._hands) - self._failed

    @property
    def discharged(self) -> Counter[DebtKind]:
        """How many debts of each kind were done since."""
        return self._so_far() - self._done

    def _so_far(self) -> Counter[DebtKind]:
        return sum((each.done for each in self._hands), Counter[DebtKind]())


class WorkOff:
    """Takes up what is due, and what follows from it, in one call at a time.

    Args:
        shift: Opens the hands.
        applier: Applies events.
        hands: Everybody who does what is owed.
        chores: What else is done, in what is left of the budget.
        leases: Where it is kept who is at it.
        me: This process.
        clock: The time.
        timing: How much longer than its budget a call may last.
    """

    def __init__(
        self,
        shift: Shift,
        applier: Applier,
        hands: Sequence[Hands[Any]],
        chores: Sequence[Chore],
        *,
        leases: Leases,
        me: InstanceName,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self._shift = shift
        self._applier = applier
        self._hands = tuple(hands)
        self._chores = list(chores)
        self._leases = leases
        self._me = me
        self._clock = clock
        self._timing = timing
        self._log = structlog.get_logger()

    async def __call__(self, budget: timedelta) -> Worked | None:
        """Work for as long as there is something to do, within `budget`.

        Returns:
            What was done; None where another call is at it.

        Raises:
            StoreDownError: The database does not answer; what was done until then is done.
        """
        now = asyncio.get_running_loop().time
        began, lasting = now(), budget + self._timing.call_over
        async with alone(self._leases, WORKER, self._me, self._clock, lasting) as free:
            if not free:
                return None
            counts, end = Counts(self._applier, self._hands), began + budget.total_seconds()
            async with self._shift.open():
                await self._shift.work(last_taken(end, budget))
                await self._do_chores(last_taken(end, budget))
            await self._shift.quiet(end)
            return Worked(
                counts.applied,
                counts.discharged,
                counts.failed,
                await left(self._hands, self._clock),
                round(now() - began, 3),
            )

    async def _do_chores(self, until: float) -> None:
        """Do what is due beside what is owed.

        What the budget breaks off is gone on with the next time, after all others.
        """
        for chore in tuple(self._chores):
            if asyncio.get_running_loop().time() >= until:
                return
            name = f"cron-{chore.name}"
            lease = await begun(self._leases, name, self._me, self._clock, chore.every)
            if lease is None:
                continue
            try:
                async with asyncio.timeout_at(until):
                    await chore.do()
            except AppError as error:
                self._log.warning("a chore failed", chore=chore.name, error=str(error))
            except TimeoutError:
                self._log.info("not all of it now", chore=chore.name)
                self._chores.remove(chore)
                self._chores.append(chore)
                with suppress(UnavailableError):
                    await self._leases.release(lease)


def last_taken(end: float, budget: timedelta) -> float:
    """Return until when things are taken up in a call that ends at `end`."""
    return end - min(FINISHING, budget / 4).total_seconds()


async def left(hands: Sequence[Hands[Any]], clock: Clock) -> int:
    """Return how many records still owe something which is due.

    Raises:
        StoreDownError: The database does not answer.
    """
    now = clock.now()
    return sum([await each.records.kept.number_due(now, INWARD | CHAT) for each in hands])
