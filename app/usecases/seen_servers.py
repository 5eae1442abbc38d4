"""Which servers somebody sees to, as the board tells."""

from app.clock import Clock
from app.ports import ServerBoard
from processors import scheduling
from schemas.base import EngineName, InstanceName
from schemas.timing import Timing


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
        self.lasting = timing.health_every * scheduling.FRESH
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
            and scheduling.fresh(each, now, self._timing)
        )
