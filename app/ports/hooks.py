"""Who hears of what happens here, and how it reaches them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from app.ports.records import Debtors
from schemas.hook import Delivery, Endpoint, EndpointId, HookEvent


class Receipt(NamedTuple):
    """What came of sending one message.

    Attributes:
        status: Of the answer; None where there was none.
        error: Why there was none, without secrets; None where there was one.
        retry_after: How long the receiver wants not to be tried again, where it says so.
    """

    status: int | None
    error: str | None = None
    retry_after: timedelta | None = None


class Courier(Protocol):
    """Sends messages to whoever listens."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Send one message, once; never raises, whatever the receiver does."""
        ...


class Endpoints(Protocol):
    """Who listens. Every method may raise StoreDownError."""

    async def get(self, endpoint_id: str) -> Endpoint | None:
        """Return an endpoint, an order's own among them; None if there is none."""
        ...

    async def listed(self) -> tuple[Endpoint, ...]:
        """Return those that are no order's own, oldest first."""
        ...

    async def listened(self) -> frozenset[HookEvent]:
        """Return what those that are no order's own hear of."""
        ...

    async def listening(self, event: HookEvent, order: str) -> tuple[Endpoint, ...]:
        """Return those that hear of an event of an order, paused or not."""
        ...

    async def write(self, before: Endpoint | None, after: Endpoint) -> bool:
        """Store an endpoint, or change one; return whether it still was as `before`.

        How it fares is left as it is, unless that is what changes.
        """
        ...

    async def delete(self, endpoint_id: EndpointId) -> bool:
        """Take an endpoint away; return whether it was there."""
        ...

    async def worked(self, endpoint_id: EndpointId, at: datetime) -> None:
        """Note that a message was taken."""
        ...

    async def failed(self, endpoint_id: EndpointId, at: datetime, error: str) -> Endpoint | None:
        """Note that a message was not taken; return the endpoint as it then is."""
        ...

    async def forget(self, people: tuple[str, ...]) -> None:
        """Take away what was given with orders of somebody."""
        ...


class DeliveryPage(NamedTuple):
    """One page of deliveries, newest first, and where the next one begins."""

    items: tuple[Delivery, ...]
    next: str | None


class Deliveries(Debtors[Delivery], Protocol):
    """What is on its way to endpoints, and what has reached them lately."""

    async def page(
        self, endpoint_id: str, state: str | None, cursor: str | None, limit: int
    ) -> DeliveryPage:
        """Return a page of an endpoint's deliveries, those of the newest records first.

        Args:
            endpoint_id: Whose.
            state: Only those ``waiting``, ``delivered``, or ``dead``; None for all.
            cursor: `next` of the page before, or None.
            limit: At most so many.
        """
        ...

    async def of(self, record: str, limit: int) -> tuple[Delivery, ...]:
        """Return what was told, or is to be told, of a generation or a job."""
        ...

    async def dead_of(
        self, endpoint_id: str, since: datetime | None, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """Return deliveries of an endpoint that were given up, at any time or since one.

        They come by their ids, those that follow on `after`.
        """
        ...

    async def put_off_of(
        self, endpoint_id: str, why: str, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """Return deliveries of an endpoint that are put off for a reason, as `dead_of` does."""
        ...

    async def delete_of(self, endpoint_id: str) -> int:
        """Take away all of an endpoint's deliveries; return how many there were."""
        ...

    async def forget(self, people: tuple[str, ...]) -> None:
        """Take away what tells of somebody's generations and jobs."""
        ...
