"""Add the last hours up: from what was kept of them, and from the records where that is old.

Any process may do it, and all come to the same.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.clock import Clock
from app.ports import Generations, Presets, Totals, Uses
from processors import totals
from schemas.totals import Figures, HourTotals, Usual

EVERY: Final = timedelta(seconds=10)
"""How old figures may be: so often at most is anything added up for those who look."""
KEPT_AHEAD: Final = 8
"""How many hours are looked after before anybody looks: until they stand, and one more."""
LOOKED_AT: Final = 20
"""Runs of a preset by which it is told how long the next one takes."""
PRESETS_MOST: Final = 200
"""Of how many presets that is told; programs name presets as they like."""


class AddUp:
    """Adds hours up.

    Args:
        kept: The totals of hours, and the ends they are made of.
        uses: What nodes took.
        generations: What runs took.
        presets: What can be ordered.
        clock: The time.
    """

    def __init__(
        self, kept: Totals, uses: Uses, generations: Generations, presets: Presets, clock: Clock
    ) -> None:
        self._totals = kept
        self._uses = uses
        self._generations = generations
        self._presets = presets
        self._clock = clock
        self._known = dict[int, Figures]()
        self._alone = asyncio.Lock()

    async def __call__(self, number: int) -> Figures:
        """Return the figures of so many hours, the one under way among them, up to `EVERY` old.

        Raises:
            StoreDownError: The database does not answer.
        """
        # Nothing is decided under it: who comes while somebody adds up waits for what comes out.
        async with self._alone:
            now = self._clock.now()
            self._known = {
                asked: each for asked, each in self._known.items() if now - each.at < EVERY
            }
            if number not in self._known:
                self._known[number] = await self._figures(number, now)
            return self._known[number]

    async def ahead(self) -> None:
        """Keep the totals of the last hours that are over, so that who looks need not wait.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = self._clock.now()
        await self._hours(totals.hours(now, KEPT_AHEAD)[:-1], now)

    async def _figures(self, number: int, now: datetime) -> Figures:
        hours = await self._hours(totals.hours(now, number), now)
        return Figures(now, hours, await self._usual(hours))

    async def _hours(self, starts: Sequence[datetime], now: datetime) -> tuple[HourTotals, ...]:
        found = await self._totals.kept(starts[0], starts[-1] + totals.HOUR)
        known = {each.start: each for each in found if totals.serves(each, now)}
        before = {each.start for each in found}
        added = {
            start: await self._hour(start, now, again=start in before)
            for start in starts
            if start not in known
        }
        await self._totals.keep(
            [each for each in added.values() if totals.finished(each.start, now)]
        )
        both = known | added
        return tuple(both[start] for start in starts)

    async def _hour(self, start: datetime, now: datetime, *, again: bool) -> HourTotals:
        end = start + totals.HOUR
        return totals.of(
            start,
            now,
            await self._totals.ended(start, end),
            await self._uses.report(start, end, "class"),
            await self._uses.report(start, end, "model"),
            again=again,
        )

    async def _usual(self, hours: Sequence[HourTotals]) -> tuple[Usual, ...]:
        spent = (line for each in hours for line in each.spend.by_preset)
        ran = dict.fromkeys(line.name for line in spent if line.name is not None)
        # What can be ordered comes first, should there be too many names.
        names = {each.name: None for each in await self._presets.all() if each.active} | ran
        return tuple(
            sorted(
                [
                    totals.usual(name, await self._generations.last_durations(name, LOOKED_AT))
                    for name in list(names)[:PRESETS_MOST]
                ]
            )
        )
