"""Oversee the servers: how each stands, who has its slots, and who waits in front of them.

What is said of a server is what whoever has its duty saw last. That grows old where nobody has
it: then nobody knows how the server is, and it counts as one that takes no runs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from app.clock import Clock
from app.ports import Generations, ServerBoard
from processors import scheduling
from schemas.base import EngineName, GenerationId
from schemas.server import ServerSeen, ServerSettings
from schemas.timing import Timing
from schemas.wire.servers import LineShown, Servers, ServerShown, SlotShown

REMEMBERED: Final = timedelta(hours=1)
"""How long a server is told of that the settings do not name any more and that has no runs."""


_UNNAMED: Final = "is not among our COMFYUI_SERVERS"
_DRAINED: Final = "is given no more runs: its slots are 0"


class Slot(NamedTuple):
    """A slot of a server."""

    name: str
    generation: GenerationId | None
    """Who has it; None where it is free."""


class Station(NamedTuple):
    """A server as it stands.

    Attributes:
        engine: Whose server.
        name: The server.
        named: Whether our settings name it.
        seen: How it was seen last, by whoever; None where it never was.
        trouble: What is wrong with it, in words for people; None where nothing is. One that is
            healthy may have some.
        healthy: Whether it is given runs.
        slots: All it has, and those that are taken though it has them no more.
    """

    engine: EngineName
    name: str
    named: bool
    seen: ServerSeen | None
    trouble: str | None
    healthy: bool
    slots: tuple[Slot, ...]

    @property
    def taken(self) -> int:
        """How many of its slots somebody has."""
        return sum(each.generation is not None for each in self.slots)


class Overview(NamedTuple):
    """All servers of an engine, and the line in front of them.

    Attributes:
        servers: Those of the settings in their order, then others that were seen.
        waiting: How many runs wait in the line.
        since: When the oldest of them was ordered; None where none waits.
    """

    servers: tuple[Station, ...]
    waiting: int
    since: datetime | None


class Oversee:
    """Tells how the servers of an engine stand.

    Args:
        generations: Who has slots, and who waits.
        board: The servers as they were seen last.
        engine: Whose servers.
        servers: Those that our settings name.
        clock: The time.
        timing: How often a server is looked at.
    """

    def __init__(
        self,
        generations: Generations,
        board: ServerBoard,
        engine: EngineName,
        servers: Sequence[ServerSettings],
        *,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.servers = servers
        self._generations = generations
        self._board = board
        self._engine = engine
        self._clock = clock
        self._timing = timing

    async def __call__(self) -> Overview:
        """Look at all of them.

        Raises:
            StoreDownError: The database does not answer.
            UnreadableError: A record is of a newer version, or damaged.
        """
        taken = defaultdict[str, dict[str, GenerationId]](dict)
        for slot, generation in (await self._generations.slots()).items():
            taken[scheduling.server_of(slot)][slot] = generation
        board = await self._board.all()
        seen = {each.name: each for each in board if each.engine == self._engine}
        waiting = await self._generations.waiting(self._engine)
        # Ids sort by the time of their order.
        oldest = min((each.generation for each in waiting), default=None)
        record = None if oldest is None else await self._generations.get(oldest)
        return Overview(
            tuple(self._stations(seen, taken)),
            len(waiting),
            None if record is None else record.request_timestamp,
        )

    def _stations(
        self, seen: Mapping[str, ServerSeen], taken: Mapping[str, Mapping[str, GenerationId]]
    ) -> Iterator[Station]:
        named = {each.name: each.slots for each in self.servers}
        for name, slots in named.items():
            trouble, healthy = self._judged(seen.get(name))
            if healthy and not slots:
                trouble, healthy = _DRAINED, False
            has = _slots(name, slots, taken.get(name, {}))
            yield self._station(name, seen.get(name), has, trouble, healthy=healthy, named=True)
        for name in sorted({*seen, *taken} - {*named}):
            known, held = seen.get(name), taken.get(name, {})
            if held or (known is not None and known.at > self._clock.now() - REMEMBERED):
                has = _slots(name, 0 if known is None else known.slots, held)
                yield self._station(name, known, has, _UNNAMED, healthy=False, named=False)

    def _station(
        self,
        name: str,
        seen: ServerSeen | None,
        slots: tuple[Slot, ...],
        trouble: str | None,
        *,
        healthy: bool,
        named: bool,
    ) -> Station:
        return Station(self._engine, name, named, seen, trouble, healthy, slots)

    def _judged(self, seen: ServerSeen | None) -> tuple[str | None, bool]:
        """Return what is wrong with a server, and whether it is given runs all the same."""
        if seen is None:
            return "nobody has seen it yet", False
        if not scheduling.fresh(seen, self._clock.now(), self._timing):
            return "nobody looks at it any more", False
        return seen.trouble, seen.healthy


def _slots(server: str, number: int, taken: Mapping[str, GenerationId]) -> tuple[Slot, ...]:
    own = [scheduling.Place(server, each).slot for each in range(1, number + 1)]
    others = sorted(set(taken) - set(own))
    return tuple(Slot(each, taken.get(each)) for each in (*own, *others))


def shown(overview: Overview) -> Servers:
    """Return an overview as it is shown to programs."""
    return Servers(
        items=tuple(map(_server, overview.servers)),
        line=LineShown(waiting=overview.waiting, since=overview.since),
    )


def _server(station: Station) -> ServerShown:
    seen = station.seen
    return ServerShown(
        name=station.name,
        engine=station.engine,
        configured=station.named,
        healthy=station.healthy,
        trouble=station.trouble,
        version=seen and seen.version,
        device=seen and seen.device,
        memory_total=seen and seen.memory_total,
        memory_free=seen and seen.memory_free,
        slots=tuple(
            SlotShown(name=each.name, generation=each.generation) for each in station.slots
        ),
        taken=station.taken,
        load=seen.load if seen else 0,
        seen_at=seen and seen.at,
        by=seen and seen.by,
    )
