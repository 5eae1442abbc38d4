"""Places: who of those that wait is given which slot of which server.

Only the process that has a server's duty gives its slots away. What it has chosen it keeps in
mind as long as it has the run's submit claimed, and no longer than that claim holds; from then on
the record itself says so, under a unique index. So a slot can neither leak nor be held by a
process that is gone.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from app.errors import ContendedError, StoreDownError
from app.ports import Alerts, Fleet, Turns
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors import debts, runs, scheduling
from processors.scheduling import Place, ServerState, Waiting
from schemas.base import GenerationId, InstanceName
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.timing import Timing

AT_ONCE: Final = 50
"""Runs of the line that are read at once."""


class _Chosen(NamedTuple):
    """What a run is given.

    Attributes:
        place: Its slot.
        until: When our claim of its submit runs out, and the slot is anybody's again.
        version: Of the record from that claim on. What is told of an older one is no news.
    """

    place: Place
    until: datetime
    version: int


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
        self._chosen = dict[GenerationId, _Chosen]()
        self._choosing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._line = True

    async def of(self, generation: Generation) -> Place | None:
        """Return the slot chosen for a run whose submit we have claimed.

        Where nobody waits in line it is given a free one at once; None where it has to wait.
        """
        known = self._chosen.get(generation.id)
        if known is not None:
            return known.place
        async with self._choosing:
            states = () if self._line else self._healthy()
            place = self._choice(generation, states, await self._taken()) if states else None
            if place is None:
                self.wake()
                return None
            await self._served(generation)
            debt = debts.find(generation.owed, runs.SUBMIT)
            until = debt.next_at if debt is not None else self._clock.now()
            self._chosen[generation.id] = _Chosen(place, until, generation.version)
            return place

    def give_back(self, generation_id: GenerationId) -> None:
        """Take note that a run does not take the slot that was chosen for it."""
        if self._chosen.pop(generation_id, None) is not None:
            self._wake.set()

    def wake(self) -> None:
        """Look at the line now: a run has joined it, or a slot or a server is there again."""
        self._line = True
        self._wake.set()

    def noticed(self, before: Generation | None, after: Generation) -> None:
        """Take note of a change: what was chosen is written or given up, or a slot is free."""
        debt = debts.find(after.owed, runs.SUBMIT)
        chosen = self._chosen.get(after.id)
        if chosen is not None and after.version >= chosen.version:
            if debt is not None and _waits(after, debt, self._taking.name):
                self._chosen[after.id] = chosen._replace(until=debt.next_at)
            elif after.slot is None:
                self.give_back(after.id)
            else:
                del self._chosen[after.id]
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
            self._forget_old()
            line = [each for each in waiting if each.generation not in self._chosen]
            self._line = bool(line) or not states
            if line:
                served = await self._turns.last(sorted({each.user for each in line}))
                await self._serve(scheduling.line(line, served), states)

    async def _serve(self, line: Sequence[Waiting], states: Sequence[ServerState]) -> None:
        taken = await self._taken()
        for start in range(0, len(line), AT_ONCE):
            ids = [each.generation for each in line[start : start + AT_ONCE]]
            records = await self._records.readable(ids)
            for each in ids:
                if scheduling.choice(states, taken, workflow=None) is None:
                    return
                record = records.get(each)
                place = None if record is None else await self._given(record, states, taken)
                if place is not None:
                    taken.add(place.slot)

    async def _given(
        self, record: Generation, states: Sequence[ServerState], taken: set[str]
    ) -> Place | None:
        """Give a run the best slot there is for it; None where it is not ours to send."""
        place, now = self._choice(record, states, taken), self._clock.now()
        if place is None or runs.summoned(record, now, self._taking.taker(now)) is record:
            return None
        ours = False
        try:
            ours = await self._summoned(record, place)
        except ContendedError as error:
            self._log.info("a run cannot be given a server now", error=str(error))
        finally:
            if not ours:
                self._chosen.pop(record.id, None)
        if not ours:
            return None
        await self._served(record)
        return place

    async def _summoned(self, record: Generation, place: Place) -> bool:
        """Claim a run's submit for a place; return whether that is what was written."""
        claimed = False

        def summoned(known: Generation, now: datetime) -> Generation:
            nonlocal claimed
            taker = self._taking.taker(now)
            after = runs.summoned(known, now, taker)
            claimed = after is not known
            if claimed:
                # Before the claim, since who takes it up may look at once; and each time anew:
                # a change that came first, such as a new place in the line, had us forget it.
                self._chosen[known.id] = _Chosen(place, taker.until, known.version + 1)
            return after

        return await self._records.change(record.id, summoned, record) is not None and claimed

    async def _served(self, generation: Generation) -> None:
        await self._turns.served(scheduling.user_of(generation), self._clock.now())

    def _forget_old(self) -> None:
        """Forget what was chosen under claims that have run out: whoever has them now chooses."""
        now = self._clock.now()
        for generation_id in [each for each, it in self._chosen.items() if it.until <= now]:
            del self._chosen[generation_id]

    def _healthy(self) -> tuple[ServerState, ...]:
        return tuple(each for each in self._fleet.states() if each.healthy)

    async def _taken(self) -> set[str]:
        """Return the slots that are written down as taken, or chosen for somebody."""
        self._forget_old()
        chosen = {each.place.slot for each in self._chosen.values()}
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


def _waits(generation: Generation, debt: Debt, by: InstanceName) -> bool:
    """Return whether a run is still to be sent, under a claim of this process."""
    return generation.status is RunStatus.PENDING and debt.by == by
