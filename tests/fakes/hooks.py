"""Endpoints and deliveries in memory, and a courier that notes what it is given."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from app.ports import DeliveryPage, Receipt
from app.usecases.own_hooks import OwnHooks
from schemas.hook import Delivery, Endpoint, EndpointId, HookEvent
from tests.fakes.clock import FakeClock
from tests.fakes.debtors import FakeDebtors


class FakeEndpoints:
    """See app.ports.Endpoints.

    Attributes:
        records: What is stored.
        asked: How often it was asked what is listened to.
    """

    def __init__(self, *endpoints: Endpoint) -> None:
        self.records: dict[str, Endpoint] = {each.id: each for each in endpoints}
        self.asked = 0

    async def get(self, endpoint_id: str) -> Endpoint | None:
        """See app.ports.Endpoints."""
        return self.records.get(endpoint_id)

    async def listed(self) -> tuple[Endpoint, ...]:
        """See app.ports.Endpoints."""
        return tuple(each for _, each in sorted(self.records.items()) if each.order is None)

    async def listened(self) -> frozenset[HookEvent]:
        """See app.ports.Endpoints."""
        self.asked += 1
        return frozenset(event for each in await self.listed() for event in each.events)

    async def listening(self, event: HookEvent, order: str) -> tuple[Endpoint, ...]:
        """See app.ports.Endpoints."""
        return tuple(
            each
            for _, each in sorted(self.records.items())
            if event in each.events and (each.order is None or each.id == order)
        )

    async def write(self, before: Endpoint | None, after: Endpoint) -> bool:
        """See app.ports.Endpoints."""
        stored = self.records.get(after.id)
        if (stored and stored.version) != (before and before.version):
            return False
        if stored is None or before is None:
            self.records[after.id] = after
            return True
        changed = {
            name: value for name, value in vars(after).items() if value != vars(before)[name]
        }
        self.records[after.id] = stored.change(**changed)
        return True

    async def delete(self, endpoint_id: EndpointId) -> bool:
        """See app.ports.Endpoints."""
        return self.records.pop(endpoint_id, None) is not None

    async def worked(self, endpoint_id: EndpointId, at: datetime) -> None:
        """See app.ports.Endpoints."""
        if (found := self.records.get(endpoint_id)) is not None:
            self.records[endpoint_id] = found.change(
                last_success_at=at, failures=0, failing_since=None, last_error=None
            )

    async def failed(self, endpoint_id: EndpointId, at: datetime, error: str) -> Endpoint | None:
        """See app.ports.Endpoints."""
        found = self.records.get(endpoint_id)
        if found is None:
            return None
        self.records[endpoint_id] = found.change(
            last_failure_at=at,
            failures=found.failures + 1,
            failing_since=found.failing_since or at,
            last_error=error,
        )
        return self.records[endpoint_id]

    async def forget(self, people: tuple[str, ...]) -> None:
        """See app.ports.Endpoints."""
        for each in list(self.records.values()):
            if set(people) & set(each.people):
                del self.records[each.id]


class FakeDeliveries(FakeDebtors[Delivery]):
    """See app.ports.Deliveries."""

    async def page(
        self, endpoint_id: str, state: str | None, cursor: str | None, limit: int
    ) -> DeliveryPage:
        """See app.ports.Deliveries."""
        found = [
            each
            for _, each in sorted(self.records.items(), reverse=True)
            if each.endpoint == endpoint_id
            and state in {None, each.state}
            and (cursor is None or each.id < cursor)
        ]
        following = found[limit - 1].id if len(found) > limit else None
        return DeliveryPage(tuple(found[:limit]), following)

    async def of(self, record: str, limit: int) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries."""
        return self._first(lambda each: each.record == record, limit)

    async def dead_of(
        self, endpoint_id: str, since: datetime | None, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries."""

        def dead(delivery: Delivery) -> bool:
            died = [each.dead_at for each in delivery.owed if each.dead_at is not None]
            return any(since is None or at >= since for at in died)

        return self._first(
            lambda each: each.endpoint == endpoint_id and each.id > after and dead(each), limit
        )

    async def put_off_of(
        self, endpoint_id: str, why: str, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries."""

        def waits(delivery: Delivery) -> bool:
            return any(each.last_error == why and each.dead_at is None for each in delivery.owed)

        return self._first(
            lambda each: each.endpoint == endpoint_id and each.id > after and waits(each), limit
        )

    async def delete_of(self, endpoint_id: str) -> int:
        """See app.ports.Deliveries."""
        found = [each.id for each in self.records.values() if each.endpoint == endpoint_id]
        for each in found:
            del self.records[each]
        return len(found)

    async def forget(self, people: tuple[str, ...]) -> None:
        """See app.ports.Deliveries."""
        for each in list(self.records.values()):
            if set(people) & set(each.people):
                del self.records[each.id]

    def _first(self, fits: Callable[[Delivery], bool], limit: int) -> tuple[Delivery, ...]:
        found = [each for _, each in sorted(self.records.items()) if fits(each)]
        return tuple(found[:limit])


class Sent(NamedTuple):
    """A message as it was given to the courier."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class FakeCourier:
    """See app.ports.Courier.

    Args:
        receipts: What comes of the first messages, one after the other; the last goes on.

    Attributes:
        sent: What it was given.
        may: Cleared, it keeps what it is given back, as a receiver that hangs does.
    """

    def __init__(self, *receipts: Receipt) -> None:
        self.receipts = list(receipts or (Receipt(200),))
        self.sent: list[Sent] = []
        self.may = asyncio.Event()
        self.may.set()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """See app.ports.Courier."""
        self.sent.append(Sent(url, headers, body))
        await self.may.wait()
        return self.receipts.pop(0) if len(self.receipts) > 1 else self.receipts[0]


def own_hooks(endpoints: FakeEndpoints | None = None) -> OwnHooks:
    """Return what keeps the endpoints that orders bring with them."""
    return OwnHooks(endpoints or FakeEndpoints(), FakeClock(), allow_private=True)
