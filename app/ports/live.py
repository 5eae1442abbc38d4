"""What changes in the database, and what it is like by then: for those who look at it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import Job, JobId
from schemas.live import Change, Position, Wanted


class Ear(Protocol):
    """Who is told of changes."""

    def opened(self) -> None:
        """Know that every change from now on is told."""
        ...

    def heard(self, change: Change) -> None:
        """Hear of a change; what changed later is told later."""
        ...

    def lost(self) -> None:
        """Know that changes were missed: none is told until `opened` comes again."""
        ...


Untold = Literal["too_old", "too_much", "unknown"]
"""Why it is not known what has changed since a position."""


class MissedError(Exception):
    """What has changed since a position cannot be told.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: Untold) -> None:
        super().__init__(reason)
        self.reason: Untold = reason


class Changes(Protocol):
    """What changes in the database, whichever process changes it."""

    async def follow(self, ear: Ear) -> None:
        """Tell of every change until cancelled, and go on after every fault."""
        ...

    async def now(self) -> Position:
        """Return the position of now: what is read afterwards is at least as new.

        Raises:
            StoreDownError: The database does not answer.
        """
        ...

    async def since(self, position: Position, most: int) -> Sequence[Change]:
        """Return what has changed since a position, that included, in the order of the changes.

        Each record once, where it changed last.

        Args:
            position: From where on.
            most: Records that it may be.

        Raises:
            MissedError: It is not known any more, or too much.
            StoreDownError: The database does not answer.
        """
        ...


class Scene(NamedTuple):
    """What there is to see, oldest first."""

    generations: tuple[Generation, ...]
    jobs: tuple[Job, ...]


class Views(Protocol):
    """Records as people look at them, wholly read. Every method may raise StoreDownError.

    Those that this version cannot read are left out.
    """

    async def generations(self, ids: Collection[GenerationId]) -> Mapping[GenerationId, Generation]:
        """Return those of these generations that exist."""
        ...

    async def jobs(self, ids: Collection[JobId]) -> Mapping[JobId, Job]:
        """Return those of these jobs that exist."""
        ...

    async def drawn(self, ids: Collection[GenerationId]) -> Mapping[GenerationId, datetime]:
        """Return when the newest preview came of those of these generations that have one."""
        ...

    async def scene(self, wanted: Wanted, *, most_open: int, most_ended: int) -> Scene:
        """Return all that is wanted and has not ended, and what has ended last.

        Args:
            wanted: What is looked at. Of one job, all of its generations are returned.
            most_open: How many at most have not ended: the newest.
            most_ended: How many at most have: those that were ordered last.
        """
        ...
