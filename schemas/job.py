"""Jobs: what somebody ordered, what each of its steps came to, and what is still owed for it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NewType, Self, cast

from pydantic import Field, JsonValue

from schemas.base import EngineName, GenerationId, Item, Money, Record, Time, UserId, newer, plain
from schemas.debt import Owing
from schemas.generation import CostRate, Request
from schemas.hook import HookEvent
from schemas.preset import OwnPrice
from schemas.run import OutputKind, RunStatus

JobId = NewType("JobId", str)
"""32 lower-case hexadecimal digits: a uuid7, so ids sort by the time they were made."""

_HIDDEN: Final = {
    "owed",
    "due_at",
    "idempotency_key",
    "idempotency_digest",
    "told",
    "steps_told",
    "turn",
    "hooked",
}
_NOTHING: Final = Decimal(0)


class JobStatus(StrEnum):
    """How far an order has come. The last five are ends."""

    PENDING = "pending"
    """Taken down; its credits are not held yet."""
    ACTIVE = "active"
    """Its credits are held, and its steps are made."""
    REFUSED = "refused"
    """Its credits could not be held, so nothing was made."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a status of a newer version as it is: it is left alone here."""
        return newer(cls, value) if isinstance(value, str) else None


JOB_OPEN: Final = frozenset({JobStatus.PENDING, JobStatus.ACTIVE})
"""Statuses of a job that has not ended."""


class PriceReason(StrEnum):
    """How the price of a step came about."""

    PRICE = "price"
    """Its preset's price."""
    ESTIMATED = "estimated"
    """What was held: its cost was not known in time."""
    CANCEL_FEE = "cancel_fee"
    NOT_COMPLETED = "not_completed"
    """Nothing: it did not complete."""
    NOTHING_MADE = "nothing_made"
    """Nothing: it completed without a result."""
    NOT_CONFIRMED = "not_confirmed"
    """Nothing: the engine did not say how it ended while the credits were held."""
    FREE_LATE = "free_late"
    """Nothing: its result came when the credits had been returned already."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a reason of a newer version as it is."""
        return newer(cls, value) if isinstance(value, str) else None


class JobChat(Record):
    """The chat that is told of a job."""

    telegram_chat_id: int
    telegram_message_id: int | None = None
    """The person's message, which ours reply to."""
    status_message_id: int | None = None
    """Our message that shows how far it has come, where there is one already."""
    language: str | None = None
    """IETF tag of the person's language; English where there is none."""


class Terms(Record):
    """What was agreed on when the order was taken."""

    price: OwnPrice
    cancel_fee: Literal["none", "cost"] = "none"
    credits_per_usd: Money
    """How many credits a dollar of cost is."""


class Work(Record):
    """What a step asks of its engine, until its generation is made."""

    engine: EngineName
    request: Request
    cost_rate: CostRate | None = None
    time_limit: int | None = None
    """Seconds that the run may take from its start."""
    max_attempts: int = 1
    """Times that the run is tried, counting the first."""
    priority: int = 0
    """Whose turn comes first where runs wait for a server: the higher goes first."""


class Source(Record):
    """Where an input of a step comes from: an output of an earlier one."""

    step: int
    """Of the job, from 1."""
    generation: GenerationId
    type: OutputKind
    of: str | None = None
    """What the engine's name of the output begins with."""
    place: int = 1
    """Which of those there are, from 1."""
    most: int | None = None
    """Of a text: characters that it may have."""


class Pause(Record):
    """A job that waits for its person's word to go on."""

    step: int
    """After which step."""
    at: Time
    until: Time
    """Then it is given up, and the rest returned."""


class Outcome(Record):
    """How a step ended, and what it came to."""

    status: RunStatus
    by: Literal["engine", "us"] = "engine"
    """Who said so."""
    provisional: bool = False
    """Whether we said so: then the credits stay held until the engine has had its say."""
    reason: str | None = None
    """Why it did not complete."""
    price: Money | None = None
    """Credits that were taken; None while they are held."""
    price_reason: PriceReason | None = None
    refunded: Money | None = None
    """Credits of the price that were given back."""
    lost: bool = False
    """Whether they were given back because what it made is gone for good."""
    cost_usd: Money | None = None
    duration_seconds: float | None = None
    outputs: str = ""
    """Digest of what was made: another one is worth telling."""
    attempt: int = 1
    """At which its run ended so."""


class Step(Item):
    """One part of a job, which one generation is made for."""

    number: int = 1
    """Of the step that it is, or is an item of, from 1."""
    item: int = 1
    """Of a step that is made several times, from 1."""
    preset: str
    generation: GenerationId
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    """As they were given, by the names of the preset's inputs."""
    sources: dict[str, Source] = Field(default_factory=dict)
    """Inputs that earlier steps give, by the engine's names of them."""
    fixed: dict[str, JsonValue] = Field(default_factory=dict)
    """Inputs that steps of the job which this one goes on from have given, likewise."""
    held: Money
    """Credits set aside for it."""
    terms: Terms
    work: Work | None = None
    """Gone once the generation is made, which holds it from then on."""
    outcome: Outcome | None = None


class Told(Record):
    """What the chat has been told of an end."""

    status: JobStatus
    outputs: str = ""
    """Digest of the outputs it was told with."""
    delivered: bool = False
    """Whether files went with it."""


class Job(Owing):
    """What somebody ordered."""

    id: JobId = Field(validation_alias="_id", serialization_alias="_id")  # pyright: ignore[reportIncompatibleVariableOverride] - nothing is ever assigned to it
    user_id: UserId
    by: str
    """Who ordered: ``telegram``, ``api``."""
    chat: JobChat | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    manual: bool = False
    """Whether its person is asked after each step whether to go on."""
    continued: int = 0
    """After which step they last said so."""
    pause: Pause | None = None
    goes_on: str | None = None
    """The job that this one goes on from: a step of it was retried."""
    first: int = 1
    """Number of its first step, as its person counts them."""
    status: JobStatus = JobStatus.PENDING
    status_reason: str | None = None
    """Why it was refused or given up: ``insufficient_credits``, ``stopped``, ``not_continued``."""
    cancel_wanted: bool = False
    created_at: Time
    ended_at: Time | None = None
    told: Told | None = None
    steps_told: tuple[int, ...] = ()
    """Numbers of the steps that its chat was told of, with what they have made."""
    turn: int | None = None
    """Its place among the orders of its person, unique: of two who saw the same orders before
    theirs only one can take it. None where no limits are asked."""
    hooked: tuple[HookEvent, ...] = ()
    """What its own endpoint hears of, of it and of its generations; see `schemas.hook`."""
    schema_version: int = 1
    idempotency_key: str | None = None
    """``{scope}:{Idempotency-Key}``; unique, so that the insert is the claim."""
    idempotency_digest: str | None = None
    """Digest of the body that came with the key."""

    @classmethod
    def read(cls, document: object) -> Self:
        """Read a stored job; what a newer version has added to it is kept or left alone.

        Raises:
            pydantic.ValidationError: A field that we know has no value that we know.
        """
        stored = cast("dict[str, Any]", document)
        record = super().read(stored)
        for items, given in ((record.owed, "owed"), (record.steps, "steps")):
            for item, each in zip(items, stored.get(given, ()), strict=True):
                item.keep(each)
        return record

    @property
    def ended(self) -> bool:
        """Whether it has come to an end, provisional or not."""
        return self.status not in JOB_OPEN

    @property
    def last(self) -> int:
        """Number of its last step."""
        return self.steps[-1].number

    @property
    def single(self) -> bool:
        """Whether one generation is all that it is."""
        return len(self.steps) == 1

    def parts(self, number: int) -> tuple[Step, ...]:
        """Return the items of a step, in their order."""
        return tuple(each for each in self.steps if each.number == number)

    @property
    def held(self) -> Money:
        """Return the credits that were set aside for all of it."""
        return sum((each.held for each in self.steps), _NOTHING)

    @property
    def price(self) -> Money | None:
        """Return the credits that were taken; None while those of any step still are held."""
        prices = [each.outcome.price if each.outcome else None for each in self.steps]
        known = [each for each in prices if each is not None]
        return sum(known, _NOTHING) if len(known) == len(prices) else None

    def step_of(self, generation: GenerationId) -> Step | None:
        """Return the step that a generation was made for, or None."""
        return next((each for each in self.steps if each.generation == generation), None)

    def internal(self) -> dict[str, Any]:
        """Return the job as the API shows it: ``id`` for ``_id``, no debts.

        Every field is present; what is unknown is null.
        """
        hidden = {
            "steps": {"__all__": {"work": True, "fixed": True}},
            **dict.fromkeys(_HIDDEN, True),
        }
        shown = self.model_dump(mode="json", by_alias=True, exclude=hidden)
        price = self.price
        return {
            "id": shown.pop("_id"),
            **shown,
            "held": plain(self.held),
            "price": None if price is None else plain(price),
        }
