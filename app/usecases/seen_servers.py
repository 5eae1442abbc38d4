"""Which servers somebody sees to, as the board tells."""

from datetime import datetime
from typing import Final

from app.clock import Clock
from app.ports import ServerBoard
from schemas.base import EngineName, InstanceName
from schemas.server import ServerSeen
from schemas.timing import Timing

FRESH: Final = 4
"""Times that a server may fail to be seen before what was seen of it says nothing any more."""


class SeenServers:
    """The servers of an engine that other processes see to.

    Args:
        board: The servers as they were seen last.
        engine: Whose servers.
        me: This process.
        clock: The time.
        timing: How often a server is looked at.
    """

    def __init__(
        self,
        board: ServerBoard,
        engine: EngineName,
        *,
        me: InstanceName,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.lasting = timing.health_every * FRESH
        self._board = board
        self._engine = engine
        self._me = me
        self._clock = clock
        self._timing = timing

    async def elsewhere(self) -> frozenset[str]:
        """Return the names of those that another process has seen lately, however it found them.

        Raises:
            StoreDownError: The database does not answer.
            UnreadableError: A record is of a newer version, or damaged.
        """
        now = self._clock.now()
        return frozenset(
            each.name
            for each in await self._board.all()
            if each.engine == self._engine
            and each.by != self._me
            and is_fresh(each, now, self._timing)
        )


def is_fresh(seen: ServerSeen, now: datetime, timing: Timing) -> bool:
    """Return whether what was seen of a server still says how it is."""
    return seen.at > now - timing.health_every * FRESH
