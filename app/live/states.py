"""What is told to readers: the newest state of a record, and the words around it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from schemas.generation import Generation
from schemas.job import JOB_OPEN, Job
from schemas.live import BEGINNING, Change, Kind, Position, Wanted
from schemas.run import OPEN

Why = Literal["new", "too_old", "too_much", "unknown", "lost"]
"""Why a reader is shown everything anew: they know nothing, were away for too long, know what we do
not, or we missed something ourselves."""
Farewell = Literal["expired", "stopping", "slow", "signed_out", "gone"]
"""Why a stream is ended by us; the last: there is nobody any more to tell it to."""


class State:
    """How a record stands: one object for all who are told, so that it is written out once.

    Attributes:
        kind: Of what; of a preview, `record` is its generation.
        record: As it stands.
        at: When it changed; None in a snapshot, where that is not known.
        moved: Whether its status has changed since it was told last, or may have.
        drawn: When a preview came.
        written: What it is written as, by whoever writes it out.
    """

    __slots__ = ("at", "drawn", "kind", "moved", "record", "written")

    def __init__(
        self,
        kind: Kind,
        record: Generation | Job,
        at: Position | None = None,
        *,
        moved: bool = False,
        drawn: datetime | None = None,
    ) -> None:
        self.kind = kind
        self.record = record
        self.at = at
        self.moved = moved
        self.drawn = drawn
        self.written = dict[str, bytes]()

    @classmethod
    def of(cls, change: Change, record: Generation | Job) -> "State":
        """Return how what has changed stands by now."""
        return cls(change.kind, record, change.at, moved=change.moved, drawn=change.drawn)

    def placed(self, at: Position | None) -> "State":
        """Return the same as of another time: what has not been told by then comes later."""
        return State(self.kind, self.record, at, moved=self.moved, drawn=self.drawn)

    @property
    def name(self) -> tuple[Kind, str]:
        """What it is a state of."""
        return self.kind, self.record.id

    @property
    def version(self) -> int:
        """Of the record: it only rises."""
        return self.record.version

    @property
    def since(self) -> Position:
        """When it changed, to sort by: a snapshot comes before everything."""
        return self.at or BEGINNING


class Reset(NamedTuple):
    """What follows is everything anew."""

    why: Why


class Ready(NamedTuple):
    """Everything up to a position has been told."""

    at: Position


class Beat(NamedTuple):
    """Nothing has happened, and we are there."""


class Bye(NamedTuple):
    """The last word."""

    why: Farewell
    again: bool
    """Whether it is worth coming again with the same token."""


Word = Reset | State | Ready | Beat | Bye
Words = Sequence[Word]


def is_for(state: State, wanted: Wanted) -> bool:
    """Return whether somebody who looks at something is to be told of a state.

    What leaves the statuses that they look at is told to them as well: else they would show it
    as it was for ever.
    """
    record = state.record
    if isinstance(record, Job):
        if not wanted.of_job(record):
            return False
        statuses = wanted.job_statuses()
        return record.status in statuses or (state.moved and bool(statuses & JOB_OPEN))
    if not wanted.of_generation(record):
        return False
    if wanted.status is None:
        return True
    statuses = wanted.generation_statuses()
    if record.status in statuses:
        return True
    # Of an open one nobody but those who look at open ones may have missed its first states.
    was = frozenset(each.status for each in record.history)
    return state.moved and bool(statuses & (was | OPEN if record.ended else was))
