"""Tell the line: everybody who waits for a server learns their place in it, and how long.

One process does it at a time. What moves is written only where it is news to somebody: far back
in the line, one place more or less is none.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from typing import Final, NoReturn

import structlog

from app.errors import UnavailableError
from app.ports import ServerBoard, Turns
from app.usecases.duty import Duty
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors import runs, scheduling
from processors.scheduling import Waiting
from schemas.base import EngineName, GenerationId
from schemas.generation import Generation
from schemas.timing import Timing

TOLD: Final = 200
"""Runs at the head of the line that are told; who comes after them reads their last news."""
LOOKED_AT: Final = 10
"""Runs of a preset by which it is known how long one takes."""
USUAL: Final = timedelta(seconds=60)
"""What a run takes of which nothing is known."""
KNOWN_FOR: Final = timedelta(minutes=1)
"""How long it is gone by what a preset's runs took, before it is looked again."""


class TellLine:
    """Tells those who wait for a server.

    Args:
        records: The generations.
        turns: When each user was served last.
        board: The servers as they were seen last.
        engine: Whose servers.
        duty: The exclusive duty of it.
        taking: Who this process is.
        timing: Limits.
    """

    def __init__(
        self,
        records: Records,
        turns: Turns,
        board: ServerBoard,
        engine: EngineName,
        *,
        duty: Duty,
        taking: Taking,
        timing: Timing,
    ) -> None:
        self._records = records
        self._generations = records.generations
        self._clock = records.clock
        self._turns = turns
        self._board = board
        self._engine = engine
        self._duty = duty
        self._taking = taking
        self._timing = timing
        self._log = structlog.get_logger()
        self._durations = dict[str, tuple[datetime, timedelta]]()

    async def run(self) -> NoReturn:
        """Tell them now and then, until cancelled; nobody waits longer for what goes wrong here."""
        while True:
            await self._duty.renew()
            try:
                if self._duty.held():
                    await self.once()
            except UnavailableError as error:
                self._log.info("the line is not told now", error=str(error))
            except Exception:  # noqa: BLE001 - the task runner: it is told the next time
                self._log.exception("the line could not be told")
            await asyncio.sleep(self._timing.line_every.total_seconds())

    async def once(self) -> None:
        """Tell everybody who waits what is news to them.

        Raises:
            StoreDownError: The database does not answer.
        """
        waiting = await self._generations.waiting(self._engine)
        if not waiting:
            return
        served = await self._turns.last(sorted({each.user for each in waiting}))
        line = scheduling.line(waiting, served)
        starts = await self._expected(line)
        head = line[:TOLD]
        records = await self._records.readable([each.generation for each in head])
        for place, each in enumerate(head, 1):
            record = records.get(each.generation)
            at = starts.get(each.generation)
            if record is not None and runs.line_news(record, place, at):
                await self._records.change(each.generation, partial(self._told, place, at), record)

    async def give_up(self) -> None:
        """Let another process have the duty at once."""
        await self._duty.give_up()

    def _told(
        self, place: int, at: datetime | None, record: Generation, now: datetime
    ) -> Generation:
        return runs.lined_up(record, place, at, now, self._taking.taker(now))

    async def _expected(self, line: Sequence[Waiting]) -> Mapping[GenerationId, datetime]:
        """Return when each run in the line is expected to begin."""
        now = self._clock.now()
        slots = await self._generations.slots()
        running = await self._records.readable(list(slots.values()))
        presets = {each.preset for each in line} | {
            each.metadata.preset for each in running.values()
        }
        # Programs name presets as they like: what is not looked at any more is forgotten.
        self._durations = {
            name: known for name, known in self._durations.items() if now - known[0] < KNOWN_FOR
        }
        usual = {name: await self._duration(name, now) for name in presets if name is not None}
        over = [
            (each.started_at or now) + usual.get(each.metadata.preset or "", USUAL)
            for each in running.values()
        ]
        return scheduling.expected_starts(
            line, over, usual, usual=USUAL, slots=await self._slots(now), now=now
        )

    async def _slots(self, now: datetime) -> int:
        """Return how many slots there are at servers that are well."""
        ours = (each for each in await self._board.all() if each.engine == self._engine)
        return sum(each.slots for each in ours if scheduling.well(each, now, self._timing))

    async def _duration(self, preset: str, now: datetime) -> timedelta:
        """Return what a run of a preset usually takes."""
        known = self._durations.get(preset)
        if known is not None:
            return known[1]
        last = await self._generations.last_durations(preset, LOOKED_AT)
        usual = timedelta(seconds=median(last)) if last else USUAL
        self._durations[preset] = (now, usual)
        return usual
