"""Refuse orders of somebody who has ordered as much as one may for now.

Whoever is limited takes turns: the last turn is read before their orders are counted, and the
order is stored under the next, which is unique. So an order that came in between, of whatever
process, makes the insert fail, and they are counted again.

What engines tell us is never limited: this is asked before an order is taken, and nowhere else.
"""

from datetime import datetime
from typing import Protocol

from app.clock import Clock
from app.errors import ConflictError, LimitReachedError
from processors import limits
from processors.limits import Bounds, Past
from schemas.base import UserId
from schemas.quota import Quota
from schemas.user import User


class Recent(Protocol):
    """What people have ordered, as it is needed here. May raise StoreDownError."""

    async def past(self, user: UserId, bounds: Bounds, now: datetime) -> Past:
        """Return what somebody has ordered, as far as bounds ask for it."""
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
        if user.gone:
            raise ConflictError("this person is forgotten, as they wished")
        bounds = Bounds(*(each.of(user.roles) for each in self._quotas))
        if not any(each is not None for each in bounds):
            return None
        turn = await self._recent.turn(user.id)
        now = self._clock.now()
        past = await self._recent.past(user.id, bounds, now)
        found = limits.reached(past, bounds, now)
        if found is not None:
            raise LimitReachedError(found.limit, found.most, found.retry_after)
        return turn + 1
