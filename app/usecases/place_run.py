"""Place a run: send it to the server whose slot it is given, once.

The pictures that it names are handed over first, while it is still ``pending``: whatever comes
of that, nothing was sent. Then one write takes the slot and names the run, and only whoever made
that write may send it. What becomes of a sending that is never answered is for the server to
say: it knows the run by the name that we gave it, or never had it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.errors import (
    ContendedError,
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
    StoreDownError,
)
from app.ports import Fleet
from app.usecases.hand_over import HandOver
from app.usecases.places import Places
from app.usecases.records import Decide, Records, acknowledged
from app.usecases.taking import Taking
from processors import debts, runs
from processors.runs import Ending
from processors.scheduling import Place
from schemas.base import RunId
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.run import RunAt, RunStatus
from schemas.timing import Timing

Send = Callable[[Generation], Awaitable[Sequence[str]]]
"""Sends a placed generation; see `Fleet.prepare`."""

PAUSE: Final = 0.3
"""Seconds before another try while the database does not answer."""


class PlaceRun:
    """Discharges ``submit`` of an engine that is several servers.

    Args:
        records: The generations.
        fleet: The servers.
        places: Gives their slots away.
        hand_over: Gives a server the pictures that inputs name.
        taking: Who this process is.
        timing: Limits.
    """

    def __init__(
        self,
        records: Records,
        fleet: Fleet,
        places: Places,
        *,
        hand_over: HandOver,
        taking: Taking,
        timing: Timing,
    ) -> None:
        self._records = records
        self._clock = records.clock
        self._fleet = fleet
        self._places = places
        self._hand_over = hand_over
        self._taking = taking
        self._timing = timing
        self._log = structlog.get_logger()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Send a run that is given a slot; without one it waits in the line.

        What was sent already is not sent again, whoever did it: it is asked about.
        """
        if generation.metadata.run_id is not None:
            return acknowledged(debt)
        if runs.overdue(generation, self._clock.now(), self._timing):
            return self._over(debt, "overdue", status=RunStatus.TIMEOUT)
        place = await self._places.of(generation)
        if place is None:
            return self._parked(debt)
        asked, receiver = generation.request_payload.inputs, self._fleet.receiver(place.server)
        try:
            inputs = await self._hand_over(receiver, asked, debt.next_at)
            if inputs is None:
                return self._taking.renewed(debt.key, debt.n)
            send = await self._fleet.prepare(generation, place.server, inputs)
        except (PeerBusyError, PeerDownError, PeerMissingError, PeerRefusedError) as error:
            if isinstance(error, PeerBusyError) and error.peer != receiver.name:
                raise
            return self._unsent(generation, debt, place, error)
        return await self._send(generation, debt, place, send)

    def _unsent(self, generation: Generation, debt: Debt, place: Place, error: PeerError) -> Decide:
        """Decide about what cannot be sent: it is over, or waits for a server that is well."""
        self._log.warning("a run cannot be sent", error=str(error))
        match error:
            case PeerBusyError():
                return self._spurned(generation, debt, place, error)
            case PeerMissingError():
                return self._over(debt, "input_gone")
            case PeerRefusedError():
                return self._over(debt, error.said, by_engine=True)
            case _:
                return self._parked(debt)

    def _spurned(
        self, generation: Generation, debt: Debt, place: Place, error: PeerBusyError
    ) -> Decide:
        """Decide about a run whose pictures a server did not take, though it seems to be well.

        As if it had been sent and not taken: it would be given the same free slot again and again.
        """
        self._places.give_back(generation.id)
        at = RunAt(_named(self._clock.new_id()), place.server)
        reason = f"its server did not take a picture: {error.said}"
        return lambda record, now: runs.spurned(
            record, debt, at, reason, now=now, taker=self._taking.taker(now)
        )

    async def _send(
        self, generation: Generation, debt: Debt, place: Place, send: Send
    ) -> Decide | None:
        """Write that it is sent, and send it."""
        client_id, run_id = self._fleet.client_id(place.server), _named(self._clock.new_id())
        if client_id is None:
            return self._parked(debt)
        sent = await self._written(generation, debt, place, run_id, client_id)
        if sent is None:
            self._places.give_back(generation.id)
            return self._parked(debt)
        self._records.remember(sent)
        if debt.next_at - self._clock.now() < self._timing.submit_limit:
            return self._unplaced(debt)
        return await self._posted(sent, debt, RunAt(run_id, place.server), send)

    async def _posted(self, sent: Generation, debt: Debt, run: RunAt, send: Send) -> Decide:
        """Send what has been written as sent; decide by what came of it."""
        try:
            warnings = await send(sent)
        except PeerUnknownError as error:
            self._log.warning("a server never answered to a run", error=str(error))
            return lambda record, now: runs.unanswered(record, debt, now)
        except PeerError as error:
            self._log.warning("a server did not take a run", error=str(error))
            self._fleet.drop(run)
            if isinstance(error, PeerRefusedError):
                return self._over(debt, error.said, by_engine=True)
            if isinstance(error, PeerDownError):
                return self._unplaced(debt)
            return self._untaken(debt, error.said)
        return self._taken(run.run_id, tuple(warnings))

    async def _written(
        self, generation: Generation, debt: Debt, place: Place, run_id: RunId, client_id: str
    ) -> Generation | None:
        """Write that it is being sent, however long the database takes; None where it is not."""

        def placed(record: Generation, now: datetime) -> Generation:
            if record.ended or not debts.held(record.owed, debt.key, debt.n):
                return record
            return runs.placed(
                record, place, run_id=run_id, client_id=client_id, now=now, timing=self._timing
            )

        while True:
            try:
                after = await self._records.change(generation.id, placed, generation)
            except StoreDownError:
                # It may have been written. Tried anew as a whole, this debt would be taken for
                # one whose run is on its way.
                await asyncio.sleep(PAUSE)
            except ContendedError:
                # The slot is somebody else's.
                return None
            else:
                ours = after is not None and after.metadata.run_id == run_id
                return after if ours and after is not None and not after.ended else None

    def _parked(self, debt: Debt) -> Decide:
        """Have it wait in the line; where the claim is lost, nothing changes."""
        return lambda record, now: runs.parked(record, debt, now, self._timing)

    def _unplaced(self, debt: Debt) -> Decide:
        return lambda record, now: runs.unplaced(record, debt, now, self._timing)

    def _untaken(self, debt: Debt, reason: str) -> Decide:
        return lambda record, now: runs.untaken(
            record, debt, reason, now=now, taker=self._taking.taker(now)
        )

    def _taken(self, run_id: RunId, warnings: tuple[str, ...]) -> Decide:
        def taken(record: Generation, now: datetime) -> Generation:
            taker = self._taking.taker(now)
            return runs.taken(record, run_id, warnings, now=now, timing=self._timing, taker=taker)

        return taken

    def _over(
        self,
        debt: Debt,
        reason: str,
        *,
        status: RunStatus = RunStatus.FAILED,
        by_engine: bool = False,
    ) -> Decide:
        def over(record: Generation, now: datetime) -> Generation:
            if record.ended or not debts.held(record.owed, debt.key, debt.n):
                return record
            ending = Ending(status=status, by="engine" if by_engine else "us", reason=reason)
            return runs.ended(record, ending, now=now, taker=self._taking.taker(now))

        return over


def _named(new_id: str) -> RunId:
    """Return an id as ComfyUI takes it: a lower-case uuid with hyphens (0.25.0 and later)."""
    return RunId(str(UUID(new_id)))
