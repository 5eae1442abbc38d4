"""Refuse orders of somebody who has ordered as much as one may for now.

Whoever is limited takes turns: the last turn is read before their orders are counted, and the
order is stored under the next, which is unique. So an order that came in between, of whatever
process, makes the insert fail, and they are counted again.

What engines tell us is never limited: this is asked before an order is taken, and nowhere else.
"""

from datetime import datetime, timedelta
from typing import Final, Protocol

from app.clock import Clock
from app.errors import ConflictError, LimitReachedError
from processors import limits
from processors.limits import Bounds, Past
from schemas.base import UserId
from schemas.quota import Quota
from schemas.user import User

LOOKED_BACK: Final = timedelta(hours=36)
"""Longer than a day, and than any job takes: 6 hours of waiting and a preset's longest limit."""
READ_MOST: Final = 1_000
"""Orders of one person that are looked at, the last ones."""


class Recent(Protocol):
    """What people have ordered, as it is needed here. May raise StoreDownError."""

    async def recent(self, user: UserId, since: datetime, limit: int) -> tuple[Past, ...]:
        """Return somebody's orders since a time, the last first, but none that was refused."""
        ...

    async def turn(self, user: UserId) -> int:
        """Return the last turn that was taken by an order of somebody's; 0 before the first."""
        ...


class Limits:
    """What is asked before an order is taken.

    Args:
        recent: What was ordered.
        clock: The time.
        at_once: How many jobs of somebody may run at a time.
        per_minute: How many they may order in a minute.
        per_day: How many they may order in 24 hours.
    """

    def __init__(
        self, recent: Recent, clock: Clock, *, at_once: Quota, per_minute: Quota, per_day: Quota
    ) -> None:
        self._recent = recent
        self._clock = clock
        self._quotas = (at_once, per_minute, per_day)

    async def __call__(self, user: User) -> int | None:
        """Let an order pass; return the turn that it has to take, None where it needs none.

        Raises:
            ConflictError: This person is being forgotten, or is.
            LimitReachedError: They have ordered as much as they may.
        """
        if user.forget_wanted_at or user.forgotten_at:
            raise ConflictError("this person is forgotten, as they wished")
        bounds = Bounds(*(each.of(user.roles) for each in self._quotas))
        if not any(each is not None for each in bounds):
            return None
        turn = await self._recent.turn(user.id)
        now = self._clock.now()
        past = await self._recent.recent(user.id, now - LOOKED_BACK, READ_MOST)
        found = limits.reached(past, bounds, now)
        if found is not None:
            raise LimitReachedError(found.limit, found.most, found.retry_after)
        return turn + 1
