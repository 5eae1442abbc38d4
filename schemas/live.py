"""What changes while people look: of what, when, and whom it is for."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Self

from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import JOB_OPEN, Job, JobId, JobStatus
from schemas.run import OPEN, RunStatus

OPEN_WORD: Final = "open"
"""What stands for all statuses that are no end."""
_POSITION: Final = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})")
_MOST: Final = 2**32 - 1


class Position(NamedTuple):
    """An operation time of the database: the same to every process, and it only rises."""

    seconds: int
    """Since 1970."""
    increment: int
    """Which operation of that second."""

    def __str__(self) -> str:
        """Write it as an event's id: ``SECONDS.INCREMENT``."""
        return f"{self.seconds}.{self.increment}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the position that an event's id says; None where it says none."""
        found = _POSITION.fullmatch(text)
        if found is None:
            return None
        seconds, increment = int(found[1]), int(found[2])
        return cls(seconds, increment) if max(seconds, increment) <= _MOST else None


BEGINNING: Final = Position(0, 0)
"""Before every other."""


class Kind(StrEnum):
    """What has changed."""

    GENERATION = "generation"
    JOB = "job"
    PREVIEW = "preview"
    """The newest picture of a generation."""


class Change(NamedTuple):
    """That something has changed; what it is like now is to be read."""

    kind: Kind
    id: str
    """Of the record; of a preview its generation's."""
    at: Position
    moved: bool = False
    """Whether its status has changed, or it is new."""
    drawn: datetime | None = None
    """When a preview came."""

    def after(self, older: "Change | None") -> "Change":
        """Return what this one and an older one of the same record come to."""
        return self._replace(moved=True) if older is not None and older.moved else self


class Wanted(NamedTuple):
    """What somebody looks at: what is of all that are given."""

    user: str | None = None
    job: JobId | None = None
    generation: GenerationId | None = None
    status: str | None = None
    """A status of a run, or `OPEN_WORD`."""

    def generation_statuses(self) -> frozenset[RunStatus]:
        """Return the statuses of generations that are wanted."""
        if self.status is None:
            return frozenset(RunStatus)
        return OPEN if self.status == OPEN_WORD else frozenset({RunStatus(self.status)})

    def job_statuses(self) -> frozenset[JobStatus]:
        """Return the statuses of jobs that are wanted."""
        if self.status is None:
            return frozenset(JobStatus)
        if self.status == OPEN_WORD:
            return JOB_OPEN
        return frozenset(each for each in JobStatus if each.value == self.status)

    def of_generation(self, record: Generation) -> bool:
        """Return whether a generation is what is looked at, whatever its status."""
        return (
            self.generation in (None, record.id)
            and self.job in (None, record.job_id)
            and self.user in (None, record.metadata.user_id)
        )

    def of_job(self, record: Job) -> bool:
        """Return whether a job is, whatever its status."""
        return (
            self.generation is None
            and self.job in (None, record.id)
            and self.user in (None, record.user_id)
        )
