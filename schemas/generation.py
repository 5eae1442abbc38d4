"""The record we keep: what was asked for, how far its run has come, and what we owe for it."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import BeforeValidator, Field, JsonValue, PlainSerializer, ValidationError

from schemas.base import (
    EngineName,
    GenerationId,
    Item,
    Money,
    Progress,
    Record,
    RunId,
    Time,
    newer,
    plain,
)
from schemas.debt import Owing
from schemas.hook import HookEvent
from schemas.run import TERMINAL, Output, RunStatus

CHANGES_KEPT = 20
"""How many status changes the history keeps."""
OUTPUTS_KEPT = 200
"""How many outputs a record keeps; records are hot and small."""


_HIDDEN = {
    "owed",
    "due_at",
    "heard",
    "hooked",
    "claimed_end",
    "idempotency_key",
    "idempotency_digest",
}

_DIGITS: Final = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?")


class RateUnit(StrEnum):
    """What a rate is paid for."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    RUN = "run"


def _in_digits(given: object) -> object:
    """Read a text in plain digits, or a number; what else Python takes for one is refused."""
    if isinstance(given, str) and not _DIGITS.fullmatch(given):
        raise ValueError("is not a number in plain digits, such as 25 or 0.5")
    # A strict model would take neither from JSON once a validator of ours has seen it.
    number = isinstance(given, str | int | float) and not isinstance(given, bool)
    return Decimal(str(given)) if number else given


class CostRate(Record):
    """What the engine costs us."""

    amount: Annotated[
        Decimal,
        Field(ge=0, allow_inf_nan=False, max_digits=13, decimal_places=9),
        BeforeValidator(_in_digits),
        PlainSerializer(plain, return_type=str, when_used="json"),
    ]
    currency: Literal["USD"] = "USD"
    unit: RateUnit


class Metadata(Record):
    """Whose it is, where its news goes, and how it is found."""

    run_id: RunId | None = Field(
        default=None, validation_alias="run_id", serialization_alias="run_id"
    )
    """The engine's name of the current attempt's run."""
    user_id: str | None = None
    telegram_chat_id: int | None = None
    telegram_message_id: int | None = None
    """The person's message, which ours reply to."""
    status_message_id: int | None = None
    """Our message that shows how far the run has come."""
    language: str | None = None
    """IETF tag of the person's language; English where there is none."""
    preset: str | None = None
    cost_rate: CostRate | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class EngineRun(Item):
    """One execution of the generation by its engine."""

    attempt: int
    run_id: RunId
    server: str | None = None
    """Of an engine that is several servers: the one that has it."""
    client_id: str | None = None
    """The socket that is told of it, by its name at the server."""
    submitted_at: Time
    duration_seconds: float | None = None
    """Of one that was given up for another: from its start, as we saw it, until then."""
    cost_usd: Money | None = None
    """Of one that was given up for another: what it cost us, where that is known."""
    gone: bool = False
    """Whether what it made was gone before we had a copy: then it serves no more."""


class Request(Record):
    """What the engine is asked to run."""

    deployment_id: str | None = Field(
        default=None, validation_alias="deployment_id", serialization_alias="deployment_id"
    )
    workflow: str | None = None
    """Digest of the stored workflow, of an engine that is sent one."""
    version: str | None = None
    """Of a model at Replicate: 64 hexadecimal digits, alone or after ``owner/name:``."""
    model: str | None = None
    """An official model at Replicate, ``owner/name``: it is run in its newest version."""
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    prompt_input: str | None = None
    """Which input is what a person wrote; None where it is the one that is named so."""


class Response(Record):
    """What the engine made of it."""

    outputs: tuple[Output, ...] = ()
    error: str | None = None


class ClaimedEnd(Record):
    """An end that we heard and that the engine has not confirmed."""

    status: RunStatus
    at: Time
    run_id: RunId


class Retry(StrEnum):
    """Why a run is tried again; the source of the change that returns it to ``pending``."""

    LOST = "lost"
    """Its server has it no more."""
    GONE = "gone"
    """Its server is not reached any more."""
    UNTAKEN = "untaken"
    """Its server is well and did not take it."""
    FAILED = "failed"
    """It failed in a way that another try may not, such as for want of memory."""
    OUTPUTS_GONE = "outputs_gone"
    """It completed, and what it made was gone before we had a copy."""


class StatusChange(Item):
    """One line of a generation's history."""

    status: RunStatus
    at: Time
    source: str
    """Who said so: ``api``, ``job``, ``submit``, ``webhook``, ``server`` (followed there),
    ``engine`` (asked), ``us``. Of a run that is tried again, why: a `Retry`."""


class Generation(Owing):
    """What was asked for, how far its run has come, and what we still owe for it."""

    id: GenerationId = Field(validation_alias="_id", serialization_alias="_id")  # pyright: ignore[reportIncompatibleVariableOverride] - nothing is ever assigned to it
    engine: EngineName
    job_id: str | None = None
    """The job that it is a part of. Only jobs move money."""
    step: int | None = None
    """Of its job, from 1."""
    item: int | None = None
    """Of its step, from 1."""
    steps: int = 1
    """How many its job has."""
    items: int = 1
    """How many its step has."""
    attempt: int = 1
    max_attempts: int = 1
    """Times that it is tried, counting the first."""
    runs: tuple[EngineRun, ...] = ()
    slot: str | None = None
    """``{server}#{k}``: its place at a server, unique while it has it."""
    priority: int = 0
    """Whose turn comes first where runs wait for a server: the higher goes first."""
    created_at: Time
    schema_version: int = 1
    idempotency_key: str | None = None
    """``{API key's digest}:{Idempotency-Key}``; unique, so that the insert is the claim."""
    idempotency_digest: str | None = None
    """Digest of the body that came with the key."""
    metadata: Metadata = Metadata()
    status: RunStatus = RunStatus.PENDING
    status_reason: str | None = None
    ended_by: Literal["engine", "us"] | None = None
    """Who said the end. One said by us is provisional."""
    confirmed: bool | None = None
    """False for an end that was heard and that the engine could not be asked about."""
    claimed_end: ClaimedEnd | None = None
    heard: tuple[Output, ...] = ()
    """Outputs heard and not confirmed; nobody sees them."""
    progress: Progress = 0.0
    live_status: str | None = None
    queue_position: int | None = None
    expected_start_at: Time | None = None
    """When it is expected to begin, as long as it waits; None where nobody knows."""
    warnings: tuple[str, ...] = ()
    """What the engine found wrong with the order and went on without."""
    cancel_wanted: bool = False
    cancel_wanted_at: Time | None = None
    request_timestamp: Time
    queued_at: Time | None = None
    started_at: Time | None = None
    """First sight of ``running``; the engine's own time once it has been asked."""
    response_timestamp: Time | None = None
    """The end."""
    duration_seconds: float | None = None
    duration_source: Literal["engine", "webhook"] | None = None
    request_payload: Request
    response_payload: Response = Response()
    cost_usd: Money | None = None
    cost_reason: str | None = None
    """Why the cost is not known, or how it came about."""
    price: Money | None = None
    """Credits that its person paid for it; None where it is of no job, or not settled yet."""
    price_reason: str | None = None
    """How the price came about."""
    time_limit: int | None = None
    """Seconds that the run may take from its start; None for the usual limit."""
    hooked: tuple[HookEvent, ...] = ()
    """What its order's own endpoint hears of; see `schemas.hook`."""
    history: tuple[StatusChange, ...] = ()

    @classmethod
    def read(cls, document: object) -> Self:
        """Read a stored generation; what a newer version has added to it is kept or left alone.

        Raises:
            pydantic.ValidationError: A field that we know has no value that we know.
        """
        stored = cast("dict[str, Any]", document)
        try:
            record = super().read(stored)
        except ValidationError:
            record = super().read({**stored, "history": list(map(_past, stored["history"]))})
        for items, given in (
            (record.owed, "owed"),
            (record.runs, "runs"),
            (record.history, "history"),
        ):
            for item, each in zip(items, stored.get(given, ()), strict=True):
                item.keep(each)
        return record

    @property
    def ended(self) -> bool:
        """Whether an end has been written, provisional or not."""
        return self.status in TERMINAL

    @property
    def feeds(self) -> bool:
        """Whether a later step of its job may go on with what it makes."""
        return self.step is not None and self.step < self.steps

    def internal(self) -> dict[str, Any]:
        """Return the record as the API shows it: ``id`` for ``_id``, no debts, no hearsay.

        Every field is present; what is unknown is null.
        """
        shown = self.model_dump(mode="json", by_alias=True, exclude=_HIDDEN)
        return {"id": shown.pop("_id"), **shown}


_STATUSES: Final = frozenset(each.value for each in RunStatus)


def _past(change: dict[str, Any]) -> dict[str, Any]:
    """Take a past status of a newer version as it is: what is past decides nothing."""
    status = change["status"]
    return change if status in _STATUSES else {**change, "status": newer(RunStatus, status)}
