"""What people order, and what there is to order."""

from collections.abc import (
    Sequence,
)
from datetime import datetime
from typing import NamedTuple, Protocol

from app.ports.records import Debtors
from processors.limits import Bounds, Past
from schemas.base import UserId
from schemas.job import Job, JobStatus
from schemas.preset import Preset


class JobPage(NamedTuple):
    """One page of jobs, newest first, and where the next one begins."""

    items: tuple[Job, ...]
    next: str | None


class Oldest(NamedTuple):
    """The oldest of several records."""

    id: str
    since: datetime
    """When it was ordered."""


class OpenJobs(NamedTuple):
    """The jobs that have not ended.

    Attributes:
        number: How many there are.
        paused: How many of them wait for their person's word.
        oldest: None where there is none.
    """

    number: int
    paused: int
    oldest: Oldest | None


class Jobs(Debtors[Job], Protocol):
    """The jobs we keep."""

    async def page(
        self,
        user: UserId | None,
        cursor: str | None,
        limit: int,
        *,
        statuses: frozenset[JobStatus] | None = None,
    ) -> JobPage:
        """Return a page of jobs, newest first.

        Args:
            user: Whose; None for everybody's.
            cursor: `next` of the page before, or None for the first.
            limit: 1 to 200.
            statuses: Only those in one of these; None for all.
        """
        ...

    async def past(self, user: UserId, bounds: Bounds, now: datetime) -> Past:
        """Return what somebody has ordered, as far as bounds ask for it; see processors.limits.

        Jobs that were refused do not count.
        """
        ...

    async def turn(self, user: UserId) -> int:
        """Return the last turn that was taken by an order of somebody's; 0 before the first."""
        ...

    async def silent(self, before: datetime, limit: int) -> tuple[Job, ...]:
        """Return jobs that have not ended, nor changed since `before`, oldest first.

        Not those that wait for their person's word: that is theirs to give, or to let be.
        """
        ...

    async def count_open(self) -> OpenJobs:
        """Count the jobs that have not ended."""
        ...


class PresetWrite(NamedTuple):
    """`after` in place of `before`, if that still stands; None where there was none."""

    before: Preset | None
    after: Preset


class Presets(Protocol):
    """The presets we keep. Every method may raise StoreDownError."""

    async def get(self, name: str) -> Preset | None:
        """Return a preset, active or not, or None.

        Raises:
            UnreadableError: It is of a newer version, or damaged.
        """
        ...

    async def all(self) -> tuple[Preset, ...]:
        """Return every preset, active or not, by name; those that cannot be read are left out."""
        ...

    async def write(self, writes: Sequence[PresetWrite]) -> bool:
        """Commit all of these writes or none; return whether they are committed.

        They are not if one of the presets is no longer as it was, or has come to be.
        """
        ...
