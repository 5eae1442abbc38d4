"""What the API says of the servers of an engine, and of the line in front of them."""

from schemas.base import EngineName, GenerationId, InstanceName, Time
from schemas.wire.api import View


class SlotShown(View):
    """A place for one run at a server."""

    name: str
    """`{server}#{number}`."""
    generation: GenerationId | None
    """Who has it; null where it is free."""


class ServerShown(View):
    """A server as whoever sees to it saw it last."""

    name: str
    engine: EngineName
    configured: bool
    """Whether the settings of the process that answers name it."""
    healthy: bool
    """Whether it is given runs."""
    trouble: str | None
    """What is wrong with it; null where nothing is. One that is healthy may have some."""
    version: str | None
    """Of the server's software; null where it has not said."""
    device: str | None
    memory_total: int | None
    """Bytes of its device."""
    memory_free: int | None
    """Bytes of its device that were free."""
    slots: tuple[SlotShown, ...]
    taken: int
    """How many of its slots somebody has."""
    load: int
    """Runs in its queue, whoever's they are."""
    seen_at: Time | None
    """When it was seen last; null where nobody has seen it yet."""
    by: InstanceName | None
    """The process that saw it."""


class LineShown(View):
    """The runs that wait for a server."""

    waiting: int
    since: Time | None
    """When the oldest of them was ordered; null where none waits."""


class Servers(View):
    """The servers, those of the settings first, and the line in front of them."""

    items: tuple[ServerShown, ...]
    line: LineShown
