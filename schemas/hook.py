"""Outgoing webhooks: who hears of what happens here, and what is on its way to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, NewType, Self

from pydantic import Field

from schemas.base import Item, Record, Time, newer, rfc3339
from schemas.debt import Owing

EndpointId = NewType("EndpointId", str)
"""32 lower-case hexadecimal digits; that of an order's own endpoint is the order's."""


class HookEvent(StrEnum):
    """What can be heard of."""

    STARTED = "generation.started"
    """Its run has begun to compute. Not told of one that was heard of only when it had ended."""
    PROGRESS = "generation.progress"
    """Best effort, the newest only: it is never tried again."""
    COMPLETED = "generation.completed"
    FAILED = "generation.failed"
    """It failed, or its time was up; its status says which."""
    CANCELLED = "generation.cancelled"
    JOB = "job.completed"
    """A job has come to an end, whichever; its status says which."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take an event of a newer version as it is: nothing here is ever one."""
        return newer(cls, value) if isinstance(value, str) else None


TEST: Final = "webhook.test"
"""The type of what is sent to try an endpoint out; nobody listens to it."""

PauseReason = Literal["operator", "gone", "failing"]


class HookSecret(Item):
    """A secret that signs, for good or for a while."""

    value: str = Field(repr=False)
    """``whsec_`` and base64."""
    until: Time | None = None
    """When it signs no more, having been replaced; None for the one that serves."""


class Endpoint(Record):
    """Where somebody hears of what happens here."""

    id: EndpointId = Field(validation_alias="_id", serialization_alias="_id")
    version: int = 1
    """Raised by every change of what it is; not by how it fares."""
    url: str = Field(repr=False)
    """Its path may be secret: it is shown to administrators, and never logged."""
    events: tuple[HookEvent, ...]
    secrets: tuple[HookSecret, ...] = Field(repr=False)
    """The one that serves first."""
    order: str | None = None
    """The generation or job that it was given with, and hears of alone."""
    people: tuple[str, ...] = ()
    """Whose order that is: ids of a person, and of a chat."""
    paused_at: Time | None = None
    paused_why: PauseReason | None = None
    created_at: Time
    expires_at: Time | None = None
    """When an order's own endpoint is forgotten; None for the others."""
    last_success_at: Time | None = None
    last_failure_at: Time | None = None
    failures: int = 0
    """In a row."""
    failing_since: Time | None = None
    last_error: str | None = None
    """Without secrets."""

    def keys(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets that sign at a time."""
        return tuple(each.value for each in self.secrets if each.until is None or each.until > now)

    def internal(self) -> dict[str, Any]:
        """Return the endpoint as the API shows it: without its secrets."""
        return {
            "id": self.id,
            "url": self.url,
            "events": [each.value for each in self.events],
            "order": self.order,
            "paused": self.paused_at is not None,
            "pausedReason": self.paused_why,
            "createdAt": rfc3339(self.created_at),
            "health": {
                "lastSuccessAt": _told(self.last_success_at),
                "lastFailureAt": _told(self.last_failure_at),
                "failuresInARow": self.failures,
                "failingSince": _told(self.failing_since),
                "lastError": self.last_error,
            },
        }


class DeliveryStatus(StrEnum):
    """How far a delivery has come."""

    WAITING = "waiting"
    """It is still to be sent, or was given up: its debt says which."""
    DELIVERED = "delivered"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Take a status of a newer version as it is."""
        return newer(cls, value) if isinstance(value, str) else None


class Delivery(Owing):
    """One event on its way to one endpoint, frozen when it happened."""

    endpoint: EndpointId
    event: HookEvent
    what: Literal["generation", "job"]
    record: str
    """The generation or job that it is about."""
    people: tuple[str, ...] = ()
    """Whose that is: ids of a person, and of a chat."""
    body: str = Field(repr=False)
    """JSON: what is signed and sent, the same at every try."""
    status: DeliveryStatus = DeliveryStatus.WAITING
    created_at: Time
    delivered_at: Time | None = None
    attempts: int = 0
    """Times that it was sent."""
    last_status: int | None = None
    """The HTTP status of the last answer; None where there was none."""
    last_error: str | None = None

    @property
    def state(self) -> Literal["waiting", "delivered", "dead"]:
        """Return how it stands, as people are told."""
        if self.status is DeliveryStatus.DELIVERED:
            return "delivered"
        return "dead" if any(each.dead_at for each in self.owed) else "waiting"

    def internal(self) -> dict[str, Any]:
        """Return the delivery as the API shows it: without its body."""
        live = self.due_at if self.state == "waiting" else None
        # Why it waits, or was given up, where that was no answer to it.
        why = next((each.last_error for each in self.owed), None)
        return {
            "id": self.id,
            "type": self.event.value,
            "record": self.record,
            "state": self.state,
            "attempts": self.attempts,
            "lastStatus": self.last_status,
            "lastError": why or self.last_error,
            "createdAt": rfc3339(self.created_at),
            "deliveredAt": _told(self.delivered_at),
            "nextAt": _told(live),
        }


def _told(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
