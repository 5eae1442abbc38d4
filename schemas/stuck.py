"""What is stuck: what should have moved by itself, and has not."""

from datetime import datetime
from enum import StrEnum

from schemas.base import EngineName, GenerationId, Value


class StuckReason(StrEnum):
    """Why something counts as stuck."""

    NOT_STARTED = "not_started"
    """A job that was ordered long ago, and of which not everything is made."""
    NOT_ADVANCED = "not_advanced"
    """A step whose turn has come, and whom nobody lets begin."""
    NOT_ENDED = "not_ended"
    """A job of which everything is over, and which is not."""
    SUBMIT_UNKNOWN = "submit_unknown"
    """Sent, and nobody knows whether its engine has it."""
    SILENT = "silent"
    """A run whose time is up, and of which its engine says nothing."""
    CLAIM_RAN_OUT = "claim_ran_out"
    """Something that a process took up, and did not do."""
    NOBODY_WORKS = "nobody_works"
    """Something that is due, and that no process takes up."""
    FAILING = "failing"
    """Something that was tried often, and failed each time."""
    DEAD = "dead"
    """Something that was given up lately."""


class Stuck(Value):
    """One thing that is stuck, and since when."""

    reason: StuckReason
    since: datetime
    job: str | None = None
    generation: GenerationId | None = None
    """None where it is the job itself."""
    step: int | None = None
    """Of its job, from 1."""
    of: int | None = None
    """How many steps its job has."""
    engine: EngineName | None = None
    status: str
    """Of the generation, or of the job where it is the job itself."""
    debt: str | None = None
    """What it owes that is not done, by its key."""
    error: str | None = None
    """What was last said of that."""
    next: datetime | None = None
    """When it is tried again by itself; None where it is due already, or never will be."""
