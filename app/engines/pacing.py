"""Keep our own pace: never more calls in a minute than a peer allows, and some of them at once.

Each process paces itself. Several of one account can come to more together than it is allowed, and
the peer may allow less than it does as a rule; then it says so, and every call is held back.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from app.clock import monotonic

SHARE: Final = 0.1
"""Of what a minute allows: what may be taken at once, where nothing else is said."""


class Pacing:
    """Turns to make a call: some at once, and the others evenly over the minute.

    What is taken at once is part of what the minute allows, so that there is no minute with more.

    Args:
        per_minute: Calls that the peer allows in a minute.
        share: Of them: how many may be made at once after a rest, more than 0 and less than 1.
        now: Seconds that pass.
    """

    def __init__(
        self, per_minute: int, share: float = SHARE, *, now: Callable[[], float] = monotonic
    ) -> None:
        self._at_once = max(1, int(per_minute * share))
        self._every = 60 / max(1, per_minute - self._at_once)
        self._now = now
        self._next = float("-inf")
        self._held_until = float("-inf")

    @property
    def ahead(self) -> float:
        """Seconds until a turn comes that is taken now."""
        return max(0.0, self._turn() - self._now())

    @property
    def held(self) -> float:
        """Seconds until calls are no longer held back."""
        return max(0.0, self._held_until - self._now())

    def hold(self, seconds: float) -> None:
        """Hold every call back for so long: those whose turn has come already are told by `held`.

        Nothing is saved up meanwhile: afterwards the turns come evenly.
        """
        self._held_until = max(self._held_until, self._now() + seconds)
        self._next = max(self._next, self._held_until)

    def take(self) -> float:
        """Take the next turn; return in how many seconds it comes."""
        wait, self._next = self.ahead, self._turn() + self._every
        return wait

    async def turn(self) -> None:
        """Take the next turn, and wait until it comes."""
        wait = self.take()
        if wait:
            await asyncio.sleep(wait)

    def _turn(self) -> float:
        """When the next turn comes; of those that were not taken only so many are saved up."""
        return max(self._next, self._now() - self._every * (self._at_once - 1))
