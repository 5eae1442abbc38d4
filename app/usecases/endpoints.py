"""What operators do with endpoints of outgoing webhooks: make, change, try, rotate, replay."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from app.clock import Clock
from app.errors import ConflictError, ContendedError, HookRefusedError, NotFoundError
from app.ports import Courier, Deeds, Deliveries, DeliveryPage, Endpoints, Receipt
from app.usecases.delivery_debts import PAUSED, taken
from app.usecases.own_hooks import HookWanted, checked, new_secret
from app.usecases.records import RecordsOf
from processors import debts, hooks
from processors.hooks import HookProblem
from schemas.deed import Deed, DeedId
from schemas.hook import Delivery, Endpoint, EndpointId, HookEvent

MAX_TRIES: Final = 10
"""Ten lost races in a row on one endpoint mean that something is wrong."""
AT_ONCE: Final = 200
"""Deliveries that are read at once."""
ENDPOINTS_MOST: Final = 100


class Tried(NamedTuple):
    """What came of trying an endpoint out."""

    delivered: bool
    status: int | None
    error: str | None


class Fresh(NamedTuple):
    """An endpoint with its secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


class HookDesk:
    """An operator's endpoints.

    Args:
        endpoints: Who listens.
        kept: What is on its way to them, to be listed.
        deliveries: The same, to be changed.
        courier: Tries them out.
        deeds: Where it is written down who did what.
        clock: The time, and ids.
        allow_private: Whether URLs may lead to this machine or its network.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        kept: Deliveries,
        deliveries: RecordsOf[Delivery],
        *,
        courier: Courier,
        deeds: Deeds,
        clock: Clock,
        allow_private: bool,
    ) -> None:
        self._endpoints = endpoints
        self._kept = kept
        self._deliveries = deliveries
        self._courier = courier
        self._deeds = deeds
        self._clock = clock
        self._allow_private = allow_private

    async def all(self) -> tuple[Endpoint, ...]:
        """Return all endpoints, oldest first; those of orders are found by their orders' ids."""
        return await self._endpoints.listed()

    async def get(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint.

        Raises:
            NotFoundError: There is none.
        """
        found = await self._endpoints.get(endpoint_id)
        if found is None:
            raise NotFoundError("webhook endpoint")
        return found

    async def add(self, wanted: HookWanted, *, by: str) -> Fresh:
        """Make an endpoint; it hears of what happens from a few seconds later on.

        Raises:
            HookRefusedError: Its URL, events or secret cannot be.
            ConflictError: There are as many as there may be.
        """
        made = checked(
            wanted,
            tuple(HookEvent),
            EndpointId(self._clock.new_id()),
            now=self._clock.now(),
            allow_private=self._allow_private,
        )
        if len(await self.all()) >= ENDPOINTS_MOST:
            raise ConflictError(f"there are {ENDPOINTS_MOST} endpoints; take one away first")
        await self._note(made.id, "webhook-add", by, hooks.host_of(made.url))
        await self._endpoints.write(None, made)
        return Fresh(made, made.secrets[0].value)

    async def change(
        self,
        endpoint_id: str,
        *,
        by: str,
        url: str | None = None,
        events: Sequence[str] | None = None,
        paused: bool | None = None,
    ) -> Endpoint:
        """Change an endpoint; what is None stays. What waits for one that goes on is sent at once.

        Raises:
            NotFoundError: There is none.
            HookRefusedError: Its URL or events cannot be.
        """

        def changed(endpoint: Endpoint) -> Endpoint:
            after = endpoint
            if url is not None:
                hooks.check_url(url, allow_private=self._allow_private)
                after = after.change(url=url)
            if events is not None:
                after = after.change(events=hooks.check_events(events, endpoint.events))
            return after if paused is None else self._switched(after, paused=paused)

        try:
            after = await self._change(endpoint_id, changed)
        except HookProblem as error:
            raise HookRefusedError(error.field, error.problem) from None
        verb = "change" if paused is None else "pause" if paused else "resume"
        await self._note(after.id, f"webhook-{verb}", by, None)
        if paused is False:
            await self._bring_forward(after.id)
        return after

    async def rotate(self, endpoint_id: str, secret: str | None, *, by: str) -> Fresh:
        """Have an endpoint sign by another secret, and for a day by the old one as well.

        Raises:
            NotFoundError: There is none.
            HookRefusedError: The secret cannot be.
        """
        try:
            new = new_secret() if secret is None else hooks.check_secret(secret)
        except HookProblem as error:
            raise HookRefusedError(error.field, error.problem) from None
        after = await self._change(
            endpoint_id,
            lambda each: each.change(secrets=hooks.rotated(each.secrets, new, self._clock.now())),
        )
        await self._note(after.id, "webhook-rotate", by, None)
        return Fresh(after, new)

    async def first_secret(self, order: str) -> str | None:
        """Return the secret that an order's own endpoint was made with.

        None where there is no such endpoint, or its secret has been replaced.
        """
        found = await self._endpoints.get(order)
        if found is None or len(found.secrets) != 1:
            return None
        return found.secrets[0].value

    async def delete(self, endpoint_id: str, *, by: str) -> None:
        """Take an endpoint away, with what it is owed.

        Raises:
            NotFoundError: There is none.
        """
        endpoint = await self.get(endpoint_id)
        await self._note(endpoint.id, "webhook-delete", by, hooks.host_of(endpoint.url))
        await self._endpoints.delete(endpoint.id)
        await self._kept.delete_of(endpoint.id)

    async def test(self, endpoint_id: str) -> Tried:
        """Send something to an endpoint now, once, paused or not; how it fares is not noted.

        Raises:
            NotFoundError: There is none.
        """
        endpoint, now = await self.get(endpoint_id), self._clock.now()
        body = hooks.try_body(endpoint, now)
        headers = hooks.try_headers(endpoint, body, self._clock.new_id(), now)
        receipt: Receipt = await self._courier.send(endpoint.url, headers, body.encode())
        ok = receipt.status is not None and taken(receipt.status)
        return Tried(ok, receipt.status, receipt.error)

    async def deliveries(
        self, endpoint_id: str, state: str | None, cursor: str | None, limit: int
    ) -> DeliveryPage:
        """Return a page of an endpoint's deliveries, those of the newest records first.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        endpoint = await self.get(endpoint_id)
        return await self._kept.page(endpoint.id, state, cursor, limit)

    async def replay(
        self, endpoint_id: str, delivery: str | None, since: datetime | None = None
    ) -> int:
        """Bring what was given up back to life: one delivery, or all of an endpoint's.

        Args:
            endpoint_id: Whose.
            delivery: Which one; None for all.
            since: Only those that were given up since; None for all.

        Raises:
            NotFoundError: There is no such endpoint, or it has no such delivery.
        """
        endpoint = await self.get(endpoint_id)
        if delivery is not None:
            found = await self._kept.get(delivery)
            if found is None or found.endpoint != endpoint.id:
                raise NotFoundError("delivery", "delivery")
            return await self._revived(found)
        count, last = 0, ""
        # By their ids, so that what dies again at once is not brought back for ever.
        while dead := await self._kept.dead_of(endpoint.id, since, last, AT_ONCE):
            count += sum([await self._revived(each) for each in dead])
            last = dead[-1].id
        return count

    async def _revived(self, delivery: Delivery) -> int:
        if delivery.state != "dead":
            return 0
        await self._deliveries.change(delivery.id, _alive)
        return 1

    async def _bring_forward(self, endpoint_id: EndpointId) -> None:
        """Have what was put off while an endpoint was paused sent now."""
        last = ""
        while found := await self._kept.put_off_of(endpoint_id, PAUSED, last, AT_ONCE):
            for each in found:
                await self._deliveries.change(each.id, _due)
            last = found[-1].id

    def _switched(self, endpoint: Endpoint, *, paused: bool) -> Endpoint:
        if paused == (endpoint.paused_at is not None):
            return endpoint
        if paused:
            return endpoint.change(paused_at=self._clock.now(), paused_why="operator")
        # It begins anew: else its first failure would pause it again.
        return endpoint.change(
            paused_at=None, paused_why=None, failures=0, failing_since=None, last_error=None
        )

    async def _change(self, endpoint_id: str, decide: Callable[[Endpoint], Endpoint]) -> Endpoint:
        for _ in range(MAX_TRIES):
            before = await self.get(endpoint_id)
            after = decide(before)
            if after == before:
                return before
            after = after.change(version=before.version + 1)
            if await self._endpoints.write(before, after):
                return after
        raise ContendedError(f"endpoint {endpoint_id}")

    async def _note(self, endpoint_id: str, verb: str, by: str, said: str | None) -> None:
        """Write down who does it, before it is done."""
        await self._deeds.insert(
            Deed(
                id=DeedId(self._clock.new_id()),
                at=self._clock.now(),
                by=by,
                verb=verb,
                subject=f"endpoint:{endpoint_id}",
                said=said,
            )
        )


def _due(delivery: Delivery, now: datetime) -> Delivery:
    return debts.put(delivery, debts.bring_forward(delivery.owed, now, PAUSED))


def _alive(delivery: Delivery, now: datetime) -> Delivery:
    return debts.put(delivery, debts.replay(delivery.owed, hooks.DELIVER, now))
