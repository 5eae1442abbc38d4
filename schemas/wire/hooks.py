"""What the API says of outgoing webhooks, and what it is told about them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from schemas.base import Time
from schemas.wire.api import Digits, Given, HookEvents, Said, View


class HookChange(Said):
    """What to change about an endpoint; what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"paused": True}]})

    url: Given | None = None
    events: Annotated[HookEvents, Field(min_length=1)] | None = None
    paused: bool | None = None
    """Whether nothing is sent to it: what happens meanwhile is kept for three days."""


class HookRotation(Said):
    """Another secret for an endpoint; the old one signs as well for a day."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    secret: Given | None = None
    """`whsec_` and base64; left out, one is made."""


class HookReplay(Said):
    """Which dead deliveries to send again: one, or all; or those that died since a time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-01-31T12:00:00Z"}]})

    delivery: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    since: Time | None = None


class DeliveryQuery(Said):
    """Which deliveries to list."""

    model_config = ConfigDict(strict=False)

    state: Literal["waiting", "delivered", "dead"] | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9a-f:]{1,128}$")] | None = None
    """`next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50


class HealthView(View):
    """How an endpoint fares."""

    last_success_at: str | None
    last_failure_at: str | None
    failures_in_a_row: int
    failing_since: str | None
    last_error: str | None
    """What came last of sending to it; null where that was well."""


class HookView(View):
    """An endpoint; its secret is not shown again."""

    id: str
    url: str
    events: tuple[str, ...]
    order: str | None
    """The generation or job that it was given with, and hears of alone."""
    paused: bool
    paused_reason: Literal["operator", "gone", "failing"] | None
    """`operator`: somebody wants it so; `gone`: it answered 410; `failing`: for hours."""
    created_at: str
    health: HealthView


class HookMade(HookView):
    """An endpoint with its secret, which is shown this once."""

    secret: str


class OwnHook(View):
    """The endpoint that an order brought: its id is the order's, its secret is shown this once."""

    id: str
    secret: str


class HookPage(View):
    """All endpoints, oldest first."""

    items: tuple[HookView, ...]


class TriedView(View):
    """What came of sending something to try an endpoint out."""

    delivered: bool
    status: int | None
    """Of its answer; null where there was none."""
    error: str | None


class DeliveryView(View):
    """One event on its way to one endpoint."""

    id: str
    """What the receiver reads as `webhook-id`."""
    type: str
    record: str
    """The generation or job that it is about."""
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: str
    delivered_at: str | None
    next_at: str | None
    """When it is tried again."""


class DeliveryPageView(View):
    """A page of deliveries, those of the newest records first."""

    items: tuple[DeliveryView, ...]
    next: str | None
    """Cursor of the next page; null on the last."""


class HookReplayed(View):
    """How many are sent again."""

    replayed: int
