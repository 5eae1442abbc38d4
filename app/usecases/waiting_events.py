"""Events that wait to be applied, by generation.

What we fetch ourselves lies in no inbox. It takes no room from what does, and of what only tells
how far a run has come nothing is kept that the rest makes up for: servers tell it at every step,
and the database may be away for long.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from processors import runs
from schemas.base import GenerationId
from schemas.run import TERMINAL, RunEvent


class WaitingEvent(NamedTuple):
    """One event."""

    key: Hashable
    """No other that waits for the same generation has it."""
    batch_id: str | None
    """None where we fetched it ourselves: nothing is to be marked, and it can be asked again."""
    event: RunEvent


class WaitingEvents:
    """All of them, the generations in the order in which they began to wait.

    Attributes:
        number: How many there are.
    """

    def __init__(self) -> None:
        self.number = 0
        self._fetched = 0
        self._numbers = count()
        self._waiting: dict[GenerationId, dict[Hashable, WaitingEvent]] = {}

    def __iter__(self) -> Iterator[GenerationId]:
        """Yield the generations that have some."""
        return iter(self._waiting)

    def __len__(self) -> int:
        """Return how many generations have some."""
        return len(self._waiting)

    def __contains__(self, generation_id: object) -> bool:
        """Return whether a generation has some."""
        return generation_id in self._waiting

    @property
    def accepted(self) -> int:
        """How many of them lie in the inbox."""
        return self.number - self._fetched

    def of(self, generation_id: GenerationId) -> tuple[WaitingEvent, ...]:
        """Return those of a generation that has some."""
        return tuple(self._waiting[generation_id].values())

    def accept(self, batch_id: str, event: RunEvent) -> None:
        """Take up one of the inbox."""
        self._put(WaitingEvent(next(self._numbers), batch_id, event))

    def fetch(self, event: RunEvent) -> None:
        """Take up one that we fetched ourselves, unless those that wait tell all that it does.

        Of those that tell progress alone the first of each status waits, and the furthest one.
        Together they join to what all of them would have: it began then, and came so far.
        """
        if not is_minor(event) or event.outputs:
            self._put(WaitingEvent(next(self._numbers), None, event))
            return
        waiting = self._waiting.get(event.generation_id, {})
        first, furthest = (event.attempt, event.run_id, event.status), (event.attempt, event.run_id)
        known = waiting.get(furthest)
        if first not in waiting:
            self._put(WaitingEvent(first, None, event))
        elif known is None or _is_further(event, known.event):
            self._put(WaitingEvent(furthest, None, event))

    def take_off(
        self, generation_id: GenerationId, done: Sequence[WaitingEvent]
    ) -> tuple[WaitingEvent, ...]:
        """Forget what `of` returned; return what came meanwhile, or in its place, and waits on."""
        rest = self._waiting.pop(generation_id)
        for each in done:
            if rest[each.key] is each:
                del rest[each.key]
                self.number -= 1
                self._fetched -= each.batch_id is None
        if rest:
            self._waiting[generation_id] = rest
        return tuple(rest.values())

    def _put(self, each: WaitingEvent) -> None:
        waiting = self._waiting.setdefault(each.event.generation_id, {})
        if each.key not in waiting:
            self.number += 1
            self._fetched += each.batch_id is None
        waiting[each.key] = each


def is_minor(event: RunEvent) -> bool:
    """Return whether an event tells of no end, and of no doubt."""
    return event.run_id is not None and event.status not in TERMINAL


def _is_further(event: RunEvent, known: RunEvent) -> bool:
    was = known.progress, known.live_status
    return runs.further(was, (event.progress, event.live_status)) != was
