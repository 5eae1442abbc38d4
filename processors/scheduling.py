"""Who goes next, and where: runs that wait for a server, and the servers' slots.

Whoever has waited longest for a turn goes next: within a priority, users take turns, so that
fifty runs of one do not hold up another's one. A slot belongs to a server and is one run's at a
time; which slots are taken is written in the records alone.
"""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.server import ServerSeen
from schemas.timing import Timing

FRESH: Final = 4
"""Times that a server may fail to be seen before what was seen of it says nothing any more."""
_Turn = tuple[int, float]
"""When a user had a turn, compared as it stands: never, at a time, or at a place in the line."""
_NEVER: Final[_Turn] = (0, 0.0)
_BEFORE: Final = 1
_IN_LINE: Final = 2


class Waiting(NamedTuple):
    """A run that waits for a server.

    Attributes:
        generation: Whose; ids sort by the time of their order.
        user: Who takes turns: a person, a chat, or everybody who is neither.
        priority: The higher goes first.
        preset: What was ordered, where it has a name.
        workflow: Digest of what is run: a server that ran it last has its models loaded.
    """

    generation: GenerationId
    user: str
    priority: int
    preset: str | None
    workflow: str | None


class ServerState(NamedTuple):
    """A server as it stands.

    Attributes:
        name: The server.
        slots: Runs of ours that it may have at a time.
        healthy: Whether new runs may go there.
        load: Runs in its queue, whoever's they are.
        warm: Digest of the workflow that it ran last, None where that is not known.
    """

    name: str
    slots: int
    healthy: bool = True
    load: int = 0
    warm: str | None = None


class Place(NamedTuple):
    """A slot of a server."""

    server: str
    number: int
    """From 1."""

    @property
    def slot(self) -> str:
        """The slot's name in a record."""
        return f"{self.server}#{self.number}"


def user_of(generation: Generation) -> str:
    """Return who takes turns with a generation: its person, else its chat, else nobody."""
    return turn_of(generation.metadata.user_id, generation.metadata.telegram_chat_id)


def turn_of(user: str | None, chat: int | None) -> str:
    """Return whose turn it is that a person has, else their chat, else everybody together."""
    return user or ("" if chat is None else f"chat:{chat}")


def fresh(seen: ServerSeen, now: datetime, timing: Timing) -> bool:
    """Return whether what was seen of a server still says how it is."""
    return seen.at > now - timing.health_every * FRESH


def well(seen: ServerSeen, now: datetime, timing: Timing) -> bool:
    """Return whether a server is given runs, as far as anybody knows."""
    return seen.healthy and seen.slots > 0 and fresh(seen, now, timing)


def server_of(slot: str) -> str:
    """Return the server whose slot it is."""
    return slot.rpartition("#")[0]


def line(waiting: Iterable[Waiting], served: Mapping[str, datetime]) -> tuple[Waiting, ...]:
    """Return the runs in the order in which they go.

    Within a priority the user goes next who was served the longest ago, those first who never
    were; among these whoever has the oldest order. Each user's own go in the order they came.

    Args:
        waiting: In any order.
        served: When a user's last run was given a server; absent for those who never had one.
    """
    by_priority = defaultdict[int, list[Waiting]](list)
    for each in sorted(waiting, key=lambda one: one.generation):
        by_priority[each.priority].append(each)
    turns = {user: (_BEFORE, at.timestamp()) for user, at in served.items()}
    ordered = list[Waiting]()
    for priority in sorted(by_priority, reverse=True):
        _join(ordered, by_priority[priority], turns)
    return tuple(ordered)


def choice(
    servers: Sequence[ServerState],
    taken: Collection[str],
    *,
    workflow: str | None,
    avoided: Collection[str] = (),
    barred: Collection[str] = (),
) -> Place | None:
    """Return the slot that a run is given; None where no healthy server has one free.

    A server that the run has failed at comes last. Then the least busy is chosen, and of equals
    the one that ran this workflow last: its models are loaded.

    Args:
        servers: Those that may be chosen.
        taken: Names of the slots that are taken.
        workflow: What is run.
        avoided: Servers that the run has been at before.
        barred: Servers that it is not given: it waits for another.
    """
    occupied = Counter(server_of(slot) for slot in taken)
    open_ = [each for each in servers if each.healthy and each.name not in barred]
    free = [place for each in open_ if (place := _free(each, taken))]
    states = {each.name: each for each in servers}

    def badness(place: Place) -> tuple[bool, int, bool, str]:
        state = states[place.server]
        cold = workflow is None or state.warm != workflow
        busy = max(occupied[place.server], state.load)
        return (place.server in avoided, busy, cold, place.server)

    return min(free, key=badness, default=None)


def expected_starts(
    ordered: Sequence[Waiting],
    running: Sequence[datetime],
    durations: Mapping[str, timedelta],
    *,
    usual: timedelta,
    slots: int,
    now: datetime,
) -> dict[GenerationId, datetime]:
    """Return when each run in the line may be expected to begin.

    Args:
        ordered: The line.
        running: When each run that has a slot is expected to be over.
        durations: What a run of a preset usually takes, by preset.
        usual: What any other run takes.
        slots: How many there are at healthy servers; nothing is expected where there are none.
        now: The time.
    """
    if slots <= 0:
        return {}
    # One moment for each slot: when it is free for the next.
    busy = [max(now, each) for each in sorted(running)[-slots:]]
    free = [now] * (slots - len(busy)) + busy
    heapq.heapify(free)
    starts = dict[GenerationId, datetime]()
    for each in ordered:
        at = heapq.heappop(free)
        starts[each.generation] = at
        heapq.heappush(free, at + durations.get(each.preset or "", usual))
    return starts


def _join(ordered: list[Waiting], waiting: list[Waiting], turns: dict[str, _Turn]) -> None:
    """Have users take turns, who then join the line; `turns` is brought up to date."""
    queues = dict[str, deque[Waiting]]()
    for each in waiting:
        queues.setdefault(each.user, deque()).append(each)
    heap = [(turns.get(user, _NEVER), queue[0].generation, user) for user, queue in queues.items()]
    heapq.heapify(heap)
    while heap:
        _, _, user = heapq.heappop(heap)
        queue = queues[user]
        ordered.append(queue.popleft())
        turns[user] = (_IN_LINE, len(ordered))
        if queue:
            heapq.heappush(heap, (turns[user], queue[0].generation, user))


def _free(state: ServerState, taken: Collection[str]) -> Place | None:
    places = (Place(state.name, number) for number in range(1, state.slots + 1))
    return next((place for place in places if place.slot not in taken), None)
