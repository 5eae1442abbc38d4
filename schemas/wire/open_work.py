"""What the API says of what is open and stuck, and of what a reset did."""

from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.base import EngineName, GenerationId, Time
from schemas.run import RunStatus
from schemas.stuck import StuckReason
from schemas.wire.api import Digits, Said, View


class OpenQuery(Said):
    """How much of what is stuck to show."""

    model_config = ConfigDict(strict=False)

    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50


class OldestView(View):
    """The oldest of what is open."""

    id: str
    since: Time
    """When it was ordered."""
    age_seconds: int


class OpenJobsView(View):
    """The jobs that have not ended."""

    open: int
    paused: int
    """Those that wait for their person's word to go on."""
    stuck: int
    """Jobs that are stuck, or something of theirs; one that has ended may still owe something."""
    oldest: OldestView | None
    """Null where none is open."""


class OpenRunsView(View):
    """The generations that have not ended, those of jobs and others."""

    open: int
    by_status: dict[RunStatus, int]
    """Only statuses that some are in."""
    by_engine: dict[EngineName, int]
    """Only engines that have some."""
    waiting: int
    """Steps whose turn has not come."""
    oldest: OldestView | None
    """Null where none is open."""


class StuckShown(View):
    """One thing that is stuck."""

    job: str | None
    """Null where it is a generation of no job."""
    generation: GenerationId | None
    """Null where it is the job itself."""
    step: int | None
    of: int | None
    """How many steps its job has."""
    engine: EngineName | None
    status: str
    """Of the generation; of the job where it is the job itself."""
    reason: StuckReason
    words: str
    """The same for people, with what was last said of it."""
    since: Time
    age_seconds: int
    next: Time | None
    """When it is tried again by itself; null where it is due already, or never will be."""


class OpenView(View):
    """What is open, what is stuck, and since when."""

    as_of: Time
    jobs: OpenJobsView
    generations: OpenRunsView
    stuck: tuple[StuckShown, ...]
    """Since the longest first."""


class DoneView(View):
    """One thing that a reset did."""

    record: str
    """Of the job, or of one of its generations."""
    did: str
    """`hurried`, `released`, `replayed`, `owed` or `ended`."""
    debt: str | None
    """Which; null where the job was ended."""


class ResetView(View):
    """What a reset did: nothing, where all that is owed was due already."""

    id: str
    done: tuple[DoneView, ...]
