"""What hours came to, and what they are added up from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from schemas.totals import Ended, HourTotals


class Totals(Protocol):
    """The totals of hours. Every method may raise StoreDownError."""

    async def ended(self, since: datetime, until: datetime) -> tuple[Ended, ...]:
        """Add up the generations that ended in a time, `until` not included, in any order."""
        ...

    async def kept(self, since: datetime, until: datetime) -> tuple[HourTotals, ...]:
        """Return what was kept of the hours that begin in a time, `until` not included.

        Oldest first; those that this version cannot read are left out.
        """
        ...

    async def keep(self, many: Sequence[HourTotals]) -> None:
        """Keep the totals of hours, each in place of what was added up of it no later."""
        ...
