"""What the API of live streams takes and tells."""

from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from schemas.live import OPEN_WORD
from schemas.run import RunStatus
from schemas.wire.api import Said
from schemas.wire.jobs import UserName

JobName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
EventId = Annotated[str, StringConstraints(max_length=64)]
_STATUSES: Final = frozenset({OPEN_WORD, *(each.value for each in RunStatus)})


def _known(given: str) -> str:
    if given not in _STATUSES:
        raise ValueError(f"is none of {', '.join(sorted(_STATUSES))}")
    return given


Standing = Annotated[str, StringConstraints(max_length=32), AfterValidator(_known)]


class StreamQuery(Said):
    """Where a stream goes on."""

    model_config = ConfigDict(strict=False)

    after: EventId | None = None
    """Id of the last event that was seen, where no ``Last-Event-ID`` can be sent."""


class EventsQuery(StreamQuery):
    """What to tell of; all of them must match."""

    user: UserName | None = None
    """Whose; everybody's where it is not given."""
    job: JobName | None = None
    """The job and its generations."""
    status: Standing | None = None
    """A status of a generation, or ``open`` for all that are no end."""


class SocketQuery(EventsQuery):
    """The same for a socket, which is one for everything."""

    generation: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    """One generation."""


class StreamHeaders(Said):
    """Headers of a reader that comes again."""

    model_config = ConfigDict(strict=False)

    last_event_id: Annotated[EventId | None, Field(alias="Last-Event-ID")] = None
    """Id of the last event that was seen: what has changed since is told."""
