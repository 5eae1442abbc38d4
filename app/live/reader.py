"""One reader: what it has still to be told, the newest state of each record only."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from app.live.states import Farewell, State, Why, is_for
from schemas.live import Kind, Position, Wanted


class Reader:
    """Somebody who is told of changes, as fast as they read and no faster.

    Attributes:
        wanted: What they look at.
        after: Up to where they know everything; None for nothing.
        until: When they are sent away; None for never.
        cut: Ends their connection at once, whatever has not been sent.
        anew: Why they are to be shown everything anew; None where they need not.
        bye: Why they are sent away; None where they are not.
        beat: Whether it is time to say that we are there.
        busy_since: Since when something is being sent to them, in seconds of the monotonic
            clock; None where nothing is.
    """

    __slots__ = (
        "_news",
        "_pending",
        "after",
        "anew",
        "beat",
        "busy_since",
        "bye",
        "cut",
        "until",
        "wanted",
    )

    def __init__(
        self,
        wanted: Wanted,
        *,
        after: Position | None = None,
        until: datetime | None = None,
        cut: Callable[[], None],
    ) -> None:
        self.wanted = wanted
        self.after = after
        self.until = until
        self.cut = cut
        self.anew: Why | None = None
        self.bye: Farewell | None = None
        self.beat = False
        self.busy_since: float | None = None
        self._pending = dict[tuple[Kind, str], State]()
        self._news = asyncio.Event()

    @property
    def pending(self) -> Sequence[State]:
        """What is still to be told."""
        return tuple(self._pending.values())

    def offer(self, state: State, most: int) -> bool:
        """Have a state told, if it is for them, in place of an older one of the same record.

        One that has more than `most` records to be told of is sent away.

        Returns:
            Whether an older one is never told.
        """
        if self.bye is not None:
            return False
        older = self._pending.get(state.name)
        if older is None and not is_for(state, self.wanted):
            return False
        if older is not None:
            if older.version > state.version:
                return False
            # Taken out first: what changed last is told last, or an id would say too much.
            del self._pending[state.name]
        self._pending[state.name] = state
        if len(self._pending) > most:
            self.send_away("slow")
        self._news.set()
        return older is not None

    def take(self) -> Sequence[State]:
        """Return what is still to be told, in the order of the changes; it is told by that."""
        taken = tuple(self._pending.values())
        self._pending.clear()
        return taken

    def forget(self, states: Sequence[State]) -> None:
        """Have those not told that are known by being as new as these."""
        for each in states:
            pending = self._pending.get(each.name)
            if pending is not None and pending.version <= each.version:
                del self._pending[each.name]

    def show_anew(self, why: Why) -> None:
        """Have them shown everything anew."""
        self.anew = why
        self._pending.clear()
        self._news.set()

    def send_away(self, why: Farewell) -> None:
        """Have them told to go, before anything else; the first reason counts."""
        if self.bye is None:
            self.bye = why
        self._pending.clear()
        self._news.set()

    def say_beat(self) -> None:
        """Have them told that we are there."""
        self.beat = True
        self._news.set()

    async def news(self) -> None:
        """Return once there is something to tell."""
        await self._news.wait()
        self._news.clear()
