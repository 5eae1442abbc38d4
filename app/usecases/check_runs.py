"""Check the open runs, within a budget: for webhooks that never come, where nobody else asks.

All of them are asked about, the longest without news first, as many at a time as there are
hands; the engines' clients keep to their limits. What follows from the answers is done in the
same call: an end is settled, a chain goes on, what an engine has no more is tried again or fails.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from app.errors import ContendedError, UnavailableError, UnreadableError
from app.observability.logs import about
from app.ports import Leases
from app.usecases.apply_events import Applier
from app.usecases.duty import alone
from app.usecases.hands import Hands
from app.usecases.records import Records
from app.usecases.shift import Shift
from app.usecases.taking import Taking
from app.usecases.work_off import Counts, last_taken, left
from processors import debts, runs
from schemas.base import GenerationId, InstanceName
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.timing import Timing

CHECKER: Final = "cron-checker"
"""The duty of whoever checks."""
AT_ONCE: Final = 16
"""Runs whose turn to be asked about is written at once."""

_ASKS: Final = frozenset({DebtKind.ASK})
_LOST: Final = frozenset({RunStatus.FAILED, RunStatus.TIMEOUT})


class Checked(NamedTuple):
    """What a call did."""

    checked: int
    """Runs that the engine was asked about."""
    advanced: int
    """Steps of chains whose turn came."""
    failed: int
    """Generations that ended as failed or timed out."""
    reset: int
    """Runs that are tried again, or were found never to have been sent."""
    left: int
    """Open runs that were not asked about for want of time, and records that owe what is due."""
    seconds: float


class Seen:
    """What the changes of generations came to since the start; see `RecordsOf.watched_by`.

    Attributes:
        advanced: Steps whose turn came.
        failed: Generations that ended as failed or timed out.
        reset: Runs that are tried again.
    """

    def __init__(self) -> None:
        self.advanced = self.failed = self.reset = 0

    def noticed(self, before: Generation | None, after: Generation) -> None:
        """Count a change."""
        if before is None:
            return
        pending = after.status is RunStatus.PENDING
        again = after.attempt > before.attempt
        self.reset += again or (pending and before.status is RunStatus.SUBMITTING)
        self.advanced += pending and before.status is RunStatus.WAITING
        self.failed += not before.ended and after.status in _LOST


class CheckRuns:
    """Asks about all open runs, in one call at a time.

    Args:
        records: The generations.
        discharger: What asks.
        shift: Opens the hands.
        applier: Applies events.
        hands: Everybody who does what is owed.
        taking: Who this process is.
        leases: Where it is kept who is at it.
        timing: How much longer than its budget a call may last.
    """

    def __init__(
        self,
        records: Records,
        discharger: Hands[Generation],
        shift: Shift,
        applier: Applier,
        hands: Sequence[Hands[Any]],
        *,
        taking: Taking,
        leases: Leases,
        timing: Timing,
    ) -> None:
        self._records = records
        self._clock = records.clock
        self._discharger = discharger
        self._shift = shift
        self._applier = applier
        self._hands = tuple(hands)
        self._taking = taking
        self._leases = leases
        self._timing = timing
        self._log = structlog.get_logger()
        self._seen = Seen()
        records.watched_by(self._seen.noticed)

    async def __call__(self, budget: timedelta) -> Checked | None:
        """Ask about all open runs, and do what follows, within `budget`.

        Returns:
            What was done; None where another call is at it.

        Raises:
            StoreDownError: The database does not answer; what was done until then is done.
        """
        now = asyncio.get_running_loop().time
        began, lasting = now(), budget + self._timing.call_over
        me: InstanceName = self._taking.name
        async with alone(self._leases, CHECKER, me, self._clock, lasting) as free:
            if not free:
                return None
            seen, end = self._seen, began + budget.total_seconds()
            before = seen.advanced, seen.failed, seen.reset
            counts, until = Counts(self._applier, self._hands), last_taken(end, budget)
            async with self._shift.open():
                await self._shift.attended(until)
                unasked = await self._ask_all(until)
                await self._shift.work(until)
            await self._shift.quiet(end)
            return Checked(
                counts.discharged[DebtKind.ASK],
                seen.advanced - before[0],
                seen.failed - before[1],
                seen.reset - before[2],
                unasked + await left(self._hands, self._clock),
                round(now() - began, 3),
            )

    async def _ask_all(self, until: float) -> int:
        """Have all open runs asked about; return how many there was no time for."""
        waiting = list(reversed(await self._records.generations.unheard()))

        async def ask() -> None:
            while waiting and asyncio.get_running_loop().time() < until:
                if await self._room(until) and waiting:
                    await self._asked(waiting.pop())

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(ask())
        return len(waiting)

    async def _room(self, until: float) -> bool:
        try:
            async with asyncio.timeout_at(until):
                await self._discharger.room(_ASKS)
        except TimeoutError:
            return False
        return True

    async def _asked(self, generation_id: GenerationId) -> None:
        """Have one run asked about; one that cannot be is left to the next call."""
        try:
            await self._ask(generation_id)
        except (ContendedError, UnavailableError, UnreadableError) as error:
            with about(generation_id):
                self._log.warning("a run could not be checked", error=str(error))

    async def _ask(self, generation_id: GenerationId) -> None:
        """Claim the asking about a run, whenever it was due, unless somebody is at it now."""

        def claimed(record: Generation, now: datetime) -> Generation:
            known = debts.find(record.owed, runs.ASK)
            under_way = known is not None and known.by is not None and known.next_at > now
            if record.ended or record.metadata.run_id is None or under_way:
                return record
            wanted = runs.looked_into(record, now)
            return debts.put(wanted, debts.claim(wanted.owed, runs.ASK, self._taking.taker(now)))

        await self._records.change(generation_id, claimed)
