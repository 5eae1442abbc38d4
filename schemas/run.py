"""The engine-neutral vocabulary of a run: what every engine's messages are translated into."""

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import Field

from schemas.base import (
    EngineName,
    GenerationId,
    Progress,
    Record,
    RunId,
    Time,
    Value,
)


class RunStatus(StrEnum):
    """How far a run has come, in the order it climbs."""

    WAITING = "waiting"
    """A step of a chain whose turn has not come."""
    PENDING = "pending"
    """Stored, and not sent to the engine."""
    SUBMITTING = "submitting"
    """Being sent; whether the engine has it is not known."""
    QUEUED = "queued"
    """The engine has it."""
    STARTED = "started"
    """A machine has it."""
    RUNNING = "running"
    """The workflow executes; the clock that costs money runs."""
    UPLOADING = "uploading"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"


TERMINAL: Final = frozenset(
    {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.TIMEOUT}
)
OPEN: Final = frozenset(RunStatus) - TERMINAL


class OutputKind(StrEnum):
    """What an output is, judged by its extension and format, not by where it came."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    FILE = "file"
    MODEL = "model"


DATA: Final = "data:"
"""Begins an address that is the file itself (RFC 2397)."""


class Output(Record):
    """One thing a run made."""

    id: str
    """``{engine's output id}/{key}/{index}``: the same output told twice has the same id."""
    kind: OutputKind
    url: str | None = None
    """The engine's address of the bytes; it may expire."""
    key: str | None = None
    """Where our copy lies in storage."""
    not_kept: str | None = None
    """Why there is no copy and will be none: ``gone`` (the engine has it no more),
    ``too_large``, ``forbidden`` (it is nowhere that files are fetched from), or ``expired`` (we
    had one for as long as we keep them)."""
    content_type: str | None = None
    filename: str | None = None
    node_id: str | None = None
    text: str | None = None
    received_at: Time | None = None
    """When a heard output arrived; absent on what the engine said when asked."""

    @property
    def inline(self) -> bool:
        """Whether its address is the file itself, or what is left of that once there is a copy."""
        return self.url is not None and self.url.startswith(DATA)


class Delivery(Record):
    """One message of an engine as it came: what the inbox keeps."""

    generation: GenerationId
    attempt: int
    engine: EngineName
    at: Time
    """When we received it."""
    raw: bytes
    """The body, untouched; empty when the sender only gave a sign of life."""


class Batch(Record):
    """Deliveries of one moment, stored by one insert."""

    id: str = Field(validation_alias="_id", serialization_alias="_id")
    at: Time
    events: tuple[Delivery, ...]
    applied: bool = False


class RunEvent(NamedTuple):
    """One thing an engine told us about a run, its token verified, in our words.

    A plain tuple, for there are thousands a second, and a protocol has checked every part.
    """

    engine: EngineName
    generation_id: GenerationId
    attempt: int
    run_id: RunId | None
    """None for a sign of life without a body."""
    status: RunStatus | None
    """None where the engine used a status that we do not know, or gave none."""
    received_at: datetime
    progress: float = 0.0
    """Share of the run that is done, 0.0 to 1.0."""
    live_status: str | None = None
    outputs: tuple[Output, ...] = ()
    unknown_status: str | None = None
    """The engine's word for a status that we do not know, short and printable; else None."""
    source: str = "webhook"
    """How we heard of it: ``webhook``, or ``server`` where we follow it there ourselves."""
    vouched: bool = False
    """Whether the engine has signed it: a run that names us so is ours."""


class RunAt(NamedTuple):
    """A run, and where it is."""

    run_id: RunId
    server: str | None = None
    """Of an engine that is several servers: the one that has it."""


class RunReport(Value):
    """What the engine said of a run when we asked. This is the truth about it."""

    run_id: RunId
    status: RunStatus
    progress: Progress = 0.0
    live_status: str | None = None
    queue_position: int | None = None
    created_at: Time | None = None
    queued_at: Time | None = None
    started_at: Time | None = None
    ended_at: Time | None = None
    outputs: tuple[Output, ...] = ()
    cut: bool = False
    """Whether it made more than are kept."""
    webhook: str | None = None
    """The webhook URL this run was submitted with: how a run is known to be ours."""
    alike: bool = False
    """Whether it was made of what we asked for, where its engine does not say whose it is."""
    duration_seconds: float | None = None
    """How long it computed, where the engine says so itself."""
    gone: bool = False
    """Whether it completed and the engine has removed what it made."""
    computed: bool = False
    """True where the engine did not see this end but concluded it from silence."""
    error: str | None = None
    passing: bool = False
    """Whether it is a failure that another try, best at another server, may not have."""
    unknown_status: str | None = None
    """The engine's word for a status that we do not know, short and printable; else None."""
