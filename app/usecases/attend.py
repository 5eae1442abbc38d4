"""Attend to a request that brings news: what it causes is done before its sender is answered.

For hosts where nothing runs between requests. The news is on disk first; whatever cannot be done
in time is left to the next call.
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

import structlog

from app.errors import ContendedError, UnavailableError, UnreadableError
from app.usecases.hands import Hands
from app.usecases.records import Records, RecordsOf
from app.usecases.shift import Shift
from app.usecases.taking import Taking
from processors import chains, debts
from schemas.base import GenerationId
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.job import Job
from schemas.timing import Timing


class Lanes(Protocol):
    """What handles updates."""

    async def quiet(self) -> None:
        """Return once nothing is being handled, or was woken to be."""
        ...


class Attend:
    """Does what news brings, for `Timing.attend_limit` at most.

    Args:
        shift: Opens the hands.
        records: The generations.
        orders: The jobs.
        discharger: Does what generations owe.
        job_hands: Does what jobs owe.
        lanes: What handles updates.
        taking: What this process may do now.
        timing: How long a sender waits.
    """

    def __init__(
        self,
        shift: Shift,
        records: Records,
        orders: RecordsOf[Job],
        *,
        discharger: Hands[Generation],
        job_hands: Hands[Job],
        lanes: Lanes,
        taking: Taking,
        timing: Timing,
    ) -> None:
        self._shift = shift
        self._records = records
        self._clock = records.clock
        self._orders = orders
        self._discharger = discharger
        self._job_hands = job_hands
        self._lanes = lanes
        self._taking = taking
        self._limit = timing.attend_limit.total_seconds()
        self._log = structlog.get_logger()

    async def event(self, generation_id: GenerationId, accepted: Awaitable[None]) -> None:
        """Wait until an event is on disk, and until what it causes is done.

        That is what its generation comes to owe, and after its end its job, too, and what waits
        for it. Other generations of the job have news of their own. That a state is shown is not
        waited for: a chat may have its turn in some seconds only.

        Raises:
            UnavailableError: It could not be written within its limit.
        """
        until = asyncio.get_running_loop().time() + self._limit
        async with self._shift.open():
            await accepted
            try:
                await self._settled(generation_id, until)
            except (ContendedError, UnavailableError, UnreadableError) as error:
                self._log.warning("what an event brings is left for later", error=str(error))

    async def update(self, taken: Awaitable[None]) -> None:
        """Wait until an update is on disk, and until it and what it causes are done.

        Raises:
            UnavailableError: It could not be written within its limit.
        """
        until = asyncio.get_running_loop().time() + self._limit
        async with self._shift.open():
            await taken
            await self._shift.attended(until)
            try:
                async with asyncio.timeout_at(until):
                    await self._lanes.quiet()
            except TimeoutError:
                self._log.warning("an update is left for later")
            await self._shift.quiet(until)

    async def _settled(self, generation_id: GenerationId, until: float) -> None:
        await self._shift.attended(until)
        if not await self._shift.quiet(until, {generation_id}):
            return
        while asyncio.get_running_loop().time() < until:
            taken_up, family = await self._take_up(generation_id)
            if not await self._shift.quiet(until, family) or not taken_up:
                return

    async def _take_up(self, generation_id: GenerationId) -> tuple[bool, frozenset[str]]:
        """Claim what an event's record owes, and those that its end leads to.

        Returns:
            Whether there was anything, and the ids of all these records.
        """
        now, kinds = self._clock.now(), self._taking.kinds() - {DebtKind.SHOW}
        generation = await self._records.kept.get(generation_id)
        job_id = generation.job_id if generation is not None and generation.ended else None
        job = None if job_id is None else await self._orders.kept.get(job_id)
        ids = {generation_id, *(chains.following(job, generation_id) if job else ())}
        found = (await self._records.readable(sorted(ids))).values()
        due = [each.id for each in found if debts.due(each.owed, now, kinds)]
        for each in due:
            await self._discharger.claim(each, kinds)
        if job is None:
            return bool(due), frozenset(ids)
        owing = bool(debts.due(job.owed, now, kinds))
        if owing:
            await self._job_hands.claim(job.id, kinds)
        return bool(due) or owing, frozenset({*ids, job.id})
