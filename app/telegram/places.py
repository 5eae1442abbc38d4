"""Whose turn it is in one chat: what went away unsent keeps its place before what came later.

Only the sender's memory knows it. So it holds while one process is on duty, and for a limited
time: what does not come back must not keep its chat silent.
"""

from datetime import timedelta
from typing import Final, NamedTuple

HELD: Final = timedelta(seconds=45)
"""How long a place is kept past the moment its holder is expected: its first tries, by
`Timing.retry`, lie within it."""
SOON: Final = timedelta(seconds=5)
"""When one is expected back that did not say when it comes."""
NEXT: Final = timedelta(seconds=1)
"""How long after those before it one is to come back."""
PLACES_KEPT: Final = 100
"""Places kept for one chat; who comes beyond them has none."""


class _Place(NamedTuple):
    expected: float
    until: float


class Places:
    """The places of one chat, oldest first; times are seconds of `app.clock.monotonic`."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._places: dict[str, _Place] = {}

    @property
    def until(self) -> float:
        """When the last place is given up; 0.0 where there is none."""
        return max((place.until for place in self._places.values()), default=0.0)

    def ahead(self, who: str, now: float) -> timedelta | None:
        """Return after what time `who` is to come again, behind others; None: it is its turn."""
        expected = list[float]()
        for each, place in list(self._places.items()):
            if each == who:
                break
            if place.until <= now:
                del self._places[each]
            else:
                expected.append(place.expected)
        if not expected:
            return None
        return timedelta(seconds=max(0.0, max(expected) - now)) + NEXT

    def keep(self, who: str, now: float, wait: timedelta | None) -> None:
        """Keep the place of one that goes away unsent, or give it the last.

        Args:
            who: What is to be sent.
            now: The time.
            wait: After what time it comes again; None where that is not known.
        """
        if who not in self._places and len(self._places) >= PLACES_KEPT:
            return
        expected = now + (SOON if wait is None else wait).total_seconds()
        self._places[who] = _Place(expected, expected + HELD.total_seconds())

    def give_up(self, who: str) -> None:
        """Take away a place: its holder was sent, or never will be."""
        self._places.pop(who, None)
