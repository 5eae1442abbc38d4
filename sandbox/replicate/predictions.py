"""Predictions as this Replicate stores them, and the shape in which it shows them."""

import asyncio
import secrets
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Final

from sandbox.controls import ReplicateShape
from sandbox.replicate.plans import Plan

TERMINAL: Final = frozenset({"succeeded", "failed", "canceled", "aborted"})
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH: Final = 26

Json = dict[str, object]


@dataclass(frozen=True)
class Given:
    """A file among the inputs, as it was fetched."""

    key: str
    data: bytes


@dataclass(frozen=True)
class Attempt:
    """One try to deliver one webhook.

    Attributes:
        event: `start`, `output`, `logs` or `completed`.
        webhook_id: Its `webhook-id`, the same for each try of one event.
        timestamp: Its `webhook-timestamp`, in seconds since 1970.
        at: When it was sent, in seconds of the machine's monotonic clock.
        answered: HTTP status of the answer, or nothing if none came.
        error: Name of what kept the answer from coming.
    """

    event: str
    webhook_id: str
    timestamp: int
    at: float
    answered: int | None
    error: str | None = None


@dataclass(eq=False, kw_only=True)
class Prediction:
    """One prediction, changed in place by its life.

    Attributes:
        version: 64 hexadecimal digits, or `hidden`.
        deployment: `owner/name`, where it came through one.
        events: What its webhook is told of.
        shape: The shape of what it makes.
        base: Address of the API.
        folder: Address of its files, with a slash at its end.
        created: When it was created, in seconds of the machine's monotonic clock.
        deadline: When it is ended by force, if ever.
        given: The files among its inputs, once they were fetched.
        painted: Its pictures by their names, once they were painted.
        full: Whether its output is complete.
        woken: Set when its life is to go on: time has passed, or it was ended.
        released: Set once it may go on although such are held.
        made: Set once its output is complete, or it has ended.
        telling: Held while a webhook of it is on its way for the first time.
        heard: When an event of a kind was last told, in seconds of the loop's clock.
        owed: Kinds of events to be told once the gap between two of them has passed.
        kept: Webhooks waiting for the end because another order is wanted.
    """

    id: str
    model: str
    version: str
    deployment: str | None
    inputs: Json
    webhook: str | None
    events: frozenset[str]
    plan: Plan
    shape: ReplicateShape
    base: str
    folder: str
    created_at: datetime
    created: float = field(default_factory=time.monotonic)
    deadline: datetime | None = None
    status: str = "starting"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    logs: str = ""
    output: object = None
    error: str | None = None
    given: list[Given] = field(default_factory=list[Given])
    painted: dict[str, bytes] = field(default_factory=dict[str, bytes])
    full: bool = False
    removed: bool = False
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    made: asyncio.Event = field(default_factory=asyncio.Event)
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    heard: dict[str, float] = field(default_factory=dict[str, float])
    owed: set[str] = field(default_factory=set[str])
    kept: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])

    @property
    def ended(self) -> bool:
        """Say whether the status is one that never changes again."""
        return self.status in TERMINAL

    def remove(self) -> None:
        """Forget everything that was given and made."""
        self.inputs, self.output, self.given, self.removed = {}, None, [], True
        self.painted = {}

    def told(self) -> Json:
        """Return it for people who look, with every try to deliver one of its webhooks."""
        return {
            "id": self.id,
            "status": self.status,
            "model": self.model,
            "version": self.version,
            "deployment": self.deployment,
            "input": self.inputs,
            "webhook": self.webhook,
            "events": sorted(self.events),
            "created_at": _stamp(self.created_at),
            "created_monotonic": self.created,
            "attempts": [asdict(attempt) for attempt in self.attempts],
        }


def shown(prediction: Prediction, **other: object) -> Json:
    """Return it as every call and every webhook shows it.

    Args:
        prediction: What to show.
        other: Fields that differ from its own.
    """
    link = f"{prediction.base}/predictions/{prediction.id}"
    body: Json = {
        "id": prediction.id,
        "model": prediction.model,
        "version": prediction.version,
        "input": prediction.inputs,
        "logs": None if prediction.removed else prediction.logs,
        "output": prediction.output,
        "data_removed": prediction.removed,
        "error": prediction.error,
        "source": "api",
        "status": prediction.status,
        "created_at": _stamp(prediction.created_at),
        "started_at": _stamp(prediction.started_at),
        "completed_at": _stamp(prediction.completed_at),
        "urls": {"get": link, "cancel": f"{link}/cancel", "web": f"{link}/web"},
        "metrics": _metrics(prediction),
    }
    if prediction.deadline is not None:
        body["deadline"] = _stamp(prediction.deadline)
    if prediction.deployment is not None:
        body["deployment"] = prediction.deployment
    return body | other


def new_id() -> str:
    """Return an id in the form of Replicate's."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


def now() -> datetime:
    """Return the time in whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _metrics(prediction: Prediction) -> Json:
    """Return what it took; nothing of one that ended before it ran."""
    if prediction.started_at is None or prediction.completed_at is None:
        return {}
    end = prediction.completed_at
    return {
        "predict_time": (end - prediction.started_at).total_seconds(),
        "total_time": (end - prediction.created_at).total_seconds(),
    }


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
