"""Places: who of those that wait is given which slot of which server.

Only the process that has a server's duty gives its slots away. What it has chosen it keeps in
mind as long as it has the run's submit claimed; from then on the record itself says so, under a
unique index. So a slot can neither leak nor be held by a process that is gone.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from app.errors import StoreDownError
from app.ports import Alerts, Fleet, Turns
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors import debts, runs, scheduling
from processors.scheduling import Place, ServerState, Waiting
from schemas.base import GenerationId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.timing import Timing

PASSED_OVER: Final = 50
"""Runs at the head of the line that may be passed over in one round: others have them."""


class Places:
    """This process's slots, and the line in front of them.

    Args:
        records: The generations.
        fleet: The servers.
        turns: When each user was served last.
        taking: Who this process is.
        timing: Limits.
        alerts: Told where the line cannot be served.
    """

    def __init__(
        self,
        records: Records,
        fleet: Fleet,
        turns: Turns,
        *,
        taking: Taking,
        timing: Timing,
        alerts: Alerts,
    ) -> None:
        self._records = records
        self._generations = records.generations
        self._clock = records.clock
        self._fleet = fleet
        self._turns = turns
        self._taking = taking
        self._timing = timing
        self._alerts = alerts
        self._log = structlog.get_logger()
        self._chosen = dict[GenerationId, Place]()
        self._choosing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._line = True

    async def of(self, generation: Generation) -> Place | None:
        """Return the slot chosen for a run whose submit we have claimed.

        Where nobody waits in line it is given a free one at once; None where it has to wait.
        """
        known = self._chosen.get(generation.id)
        if known is not None:
            return known
        async with self._choosing:
            states = () if self._line else self._healthy()
            place = self._choice(generation, states, await self._taken()) if states else None
            if place is None:
                self.wake()
                return None
            await self._turns.served(scheduling.user_of(generation), self._clock.now())
            self._chosen[generation.id] = place
            return place

    def wake(self) -> None:
        """Look at the line now: a run has joined it, or a slot or a server is there again."""
        self._line = True
        self._wake.set()

    def noticed(self, before: Generation | None, after: Generation) -> None:
        """Take note of a change: what was chosen is written or given up, or a slot is free."""
        debt = debts.find(after.owed, runs.SUBMIT)
        ours = after.status is RunStatus.PENDING and debt is not None
        if debt is None or not ours or debt.by != self._taking.name:
            self._chosen.pop(after.id, None)
        if before is not None and before.slot is not None and after.slot is None:
            self._wake.set()

    async def run(self) -> None:
        """Give free slots to the line whenever there may be any, until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.once()
            except StoreDownError as error:
                self._log.warning("the line waits for the database", error=str(error))
            except Exception as error:  # noqa: BLE001 - the task runner: the line must be served the next time
                self._log.exception("the line could not be served")
                self._alerts.alert("line_broken", type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.place_every.total_seconds()):
                    await self._wake.wait()

    async def once(self) -> None:
        """Give every free slot to whoever is next in the line.

        Raises:
            StoreDownError: The database does not answer.
        """
        async with self._choosing:
            states = self._healthy()
            waiting = await self._generations.waiting(self._fleet.name) if states else ()
            line = [each for each in waiting if each.generation not in self._chosen]
            self._line = bool(line) or not states
            if line:
                served = await self._turns.last(sorted({each.user for each in line}))
                await self._serve(scheduling.line(line, served), states)

    async def _serve(self, line: Sequence[Waiting], states: Sequence[ServerState]) -> None:
        taken, passed_over = await self._taken(), 0
        for each in line:
            free = scheduling.choice(states, taken, workflow=None)
            if free is None or passed_over > PASSED_OVER:
                return
            place = await self._given(each.generation, states, taken)
            if place is None:
                passed_over += 1
            else:
                taken.add(place.slot)

    async def _given(
        self, generation_id: GenerationId, states: Sequence[ServerState], taken: set[str]
    ) -> Place | None:
        """Give a run the best slot there is for it; None where it is not ours to send."""
        record = await self._generations.get(generation_id)
        place = None if record is None else self._choice(record, states, taken)
        if record is None or place is None or self._claimed(record) is None:
            return None
        await self._turns.served(scheduling.user_of(record), self._clock.now())
        self._chosen[record.id] = place
        after = await self._records.change(
            record.id,
            lambda known, now: runs.summoned(known, now, self._taking.taker(now)),
            record,
        )
        before, debt = self._submit_of(record), self._submit_of(after)
        if before is not None and debt is not None and debt.n > before.n:
            return place
        del self._chosen[record.id]
        return None

    def _claimed(self, record: Generation) -> Generation | None:
        """Return the record with its submit claimed by us; None where it cannot be."""
        now = self._clock.now()
        claimed = runs.summoned(record, now, self._taking.taker(now))
        return None if claimed is record else claimed

    def _submit_of(self, record: Generation | None) -> Debt | None:
        return debts.find(record.owed, runs.SUBMIT) if record is not None else None

    def _healthy(self) -> tuple[ServerState, ...]:
        return tuple(each for each in self._fleet.states() if each.healthy)

    async def _taken(self) -> set[str]:
        """Return the slots that are written down as taken, or chosen for somebody."""
        chosen = {place.slot for place in self._chosen.values()}
        return {*(await self._generations.slots()), *chosen}

    def _choice(
        self, generation: Generation, states: Sequence[ServerState], taken: set[str]
    ) -> Place | None:
        return scheduling.choice(
            states,
            taken,
            workflow=generation.request_payload.workflow,
            avoided={each.server for each in generation.runs if each.server is not None},
        )
