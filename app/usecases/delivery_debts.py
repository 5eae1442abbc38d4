"""Discharge ``deliver``: send what was frozen, until it is taken or given up."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from app.errors import PeerBusyError, PeerError, ReceiverError
from app.observability.metrics import Metrics
from app.ports import Alerts, Courier, Endpoints, Receipt
from app.usecases.circuits import Circuits
from app.usecases.hands import Hands, Line, Work
from app.usecases.pause_endpoint import PauseEndpoint
from app.usecases.records import DecideOf, RecordsOf
from app.usecases.taking import Taking
from processors import debts, hooks
from schemas.debt import Debt, DebtKind
from schemas.hook import Delivery, Endpoint
from schemas.timing import Timing

DELIVERY_LINES: Final = (Line(frozenset({DebtKind.DELIVER}), 32),)
AT_ONCE: Final = 4
"""Messages that are sent to one endpoint at once by one process."""
FAILING: Final = 3
"""Failures in a row after which an endpoint is sent one message at a time."""
WAITING: Final = 16
"""Messages that wait for their turn in one process, each of them with a hand."""
PATIENCE: Final = 0.1
"""How much of the time for a try its turn may be waited for; a courier leaves a fifth of it."""
BUSY: Final = timedelta(seconds=2)
BUSY_FAILING: Final = timedelta(seconds=20)
"""How long a message is then put off; longer where its endpoint is failing."""
REMEMBERED: Final = 1_000
"""Hosts that are remembered to have failed what orders brought; of more, those longest ago go."""
LOOKED_AT: Final = timedelta(minutes=30)
"""How often what a paused endpoint is owed is looked at; resuming it brings it forward."""
PAUSED: Final = "the endpoint is paused"
GONE: Final = "the endpoint was taken away"
PEER: Final = "webhook receiver"
"""What receivers are called in the log; which one it was is said beside it."""


class Turns:
    """Whose turn it is: so many messages for each endpoint, that none holds the others up.

    Endpoints that orders brought share their host's turns: a receiver that hangs may have been
    brought by any number of orders, and each of them has hardly failed yet.

    Args:
        patience: How long a message waits for its turn here, where its endpoint is well.
    """

    def __init__(self, patience: timedelta) -> None:
        self._patience = patience.total_seconds()
        self._waiting = 0
        self._over = asyncio.Event()
        self._sent = Counter[str]()
        self._failed = OrderedDict[str, int]()

    @asynccontextmanager
    async def of(self, endpoint: Endpoint) -> AsyncGenerator[None]:
        """Take a turn of an endpoint's, waiting a moment for it.

        Raises:
            PeerBusyError: There is none left; says when to ask again.
        """
        place = self._place(endpoint)
        failing = max(endpoint.failures, self._failed.get(place, 0)) >= FAILING
        busy = self._sent[place] >= (1 if failing else AT_ONCE)
        if busy and (failing or not await self._freed(place)):
            wait = BUSY_FAILING if failing else BUSY
            raise PeerBusyError(PEER, "others are being sent to it", wait)
        self._sent[place] += 1
        try:
            yield
        finally:
            self._sent[place] -= 1
            if not self._sent[place]:
                del self._sent[place]
            self._over.set()

    def worked(self, endpoint: Endpoint) -> None:
        """Note that a message was taken."""
        self._failed.pop(self._place(endpoint), None)

    def failed(self, endpoint: Endpoint) -> None:
        """Note that a message was not taken; of a standing endpoint, that is kept with it."""
        if endpoint.order is not None:
            place = self._place(endpoint)
            self._failed[place] = self._failed.pop(place, 0) + 1
            if len(self._failed) > REMEMBERED:
                self._failed.popitem(last=False)

    async def _freed(self, place: str) -> bool:
        """Wait for a turn; return whether there is one. Hands are kept free for other endpoints."""
        if self._waiting >= WAITING:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                while self._sent[place] >= AT_ONCE:
                    self._over.clear()
                    await self._over.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    def _place(self, endpoint: Endpoint) -> str:
        return endpoint.id if endpoint.order is None else f"//{urlsplit(endpoint.url).netloc}"


class Deliver:
    """Discharges ``deliver`` of a delivery.

    Args:
        endpoints: Who listens, and how they fare.
        courier: Sends.
        pause: Leaves an endpoint alone, and says so.
        now: The time.
        timing: How long what is owed to a paused endpoint is kept, and one fails until it is.
        metrics: Counts what was sent.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        courier: Courier,
        pause: PauseEndpoint,
        *,
        now: Callable[[], datetime],
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self._endpoints = endpoints
        self._courier = courier
        self._pause = pause
        self._now = now
        self._timing = timing
        self._metrics = metrics
        self._turns = Turns(timing.hook_limit * PATIENCE)

    async def __call__(self, delivery: Delivery, debt: Debt) -> DecideOf[Delivery] | None:
        """Send a delivery once.

        Raises:
            ReceiverError: It was not taken.
            PeerBusyError: It is not its turn.
        """
        endpoint = await self._endpoints.get(delivery.endpoint)
        if endpoint is None:
            return lambda record, now: debts.put(
                record, debts.bury(record.owed, debt.key, debt.n, error=GONE, now=now)
            )
        if endpoint.paused_at is not None:
            return self._kept(debt)
        async with self._turns.of(endpoint):
            receipt = await self._sent(delivery, endpoint)
        status = receipt.status
        if status is None or not taken(status):
            return await self._refused(endpoint, debt, receipt)
        self._turns.worked(endpoint)
        await self._endpoints.worked(endpoint.id, self._now())
        self._metrics.hook_sent("delivered")
        return lambda record, now: hooks.delivered(record, status, now)

    async def _sent(self, delivery: Delivery, endpoint: Endpoint) -> Receipt:
        now = self._now()
        headers = hooks.headers(delivery.id, delivery.body, endpoint.keys(now), now)
        return await self._courier.send(endpoint.url, headers, delivery.body.encode())

    async def _refused(
        self, endpoint: Endpoint, debt: Debt, receipt: Receipt
    ) -> DecideOf[Delivery]:
        """Note what an endpoint did; one that is gone, or hopeless, is left alone from now on."""
        said = receipt.error or f"answered {receipt.status}"
        self._metrics.hook_sent("failed")
        self._turns.failed(endpoint)
        after = await self._endpoints.failed(endpoint.id, self._now(), said)
        if receipt.status == HTTPStatus.GONE:
            await self._pause(endpoint.id, "gone")
            return self._kept(debt)
        if after is not None and hooks.hopeless(after, self._now(), self._timing.hook_failing):
            await self._pause(endpoint.id, "failing")
        raise ReceiverError(PEER, said, receipt.status, receipt.retry_after)

    def _kept(self, debt: Debt) -> DecideOf[Delivery]:
        return lambda record, now: hooks.put_off(
            record, debt, PAUSED, now, wait=LOOKED_AT, most=self._timing.hook_kept
        )


def taken(status: int) -> bool:
    """Return whether an answer says that a message was taken."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


class DeliveryHands(Hands[Delivery]):
    """This process's hands for deliveries."""

    def __init__(
        self,
        records: RecordsOf[Delivery],
        deliver: Deliver,
        *,
        taking: Taking,
        circuits: Circuits,
        timing: Timing,
        metrics: Metrics,
        alerts: Alerts,
    ) -> None:
        """Have deliveries sent; `records` hand theirs over from now on."""
        super().__init__(
            records,
            {DebtKind.DELIVER: deliver},
            lines=DELIVERY_LINES,
            called="delivery",
            taking=taking,
            circuits=circuits,
            timing=timing,
            metrics=metrics,
            alerts=alerts,
        )
        records.inherit(self)

    def _limit(self, kind: DebtKind) -> timedelta:
        del kind
        return self._timing.hook_limit

    def _failed(self, work: Work, debt: Debt, peer: str, error: PeerError) -> DecideOf[Delivery]:
        """Decide what a failed try means: what the receiver said is kept with the delivery."""
        counted = super()._failed(work, debt, peer, error)
        if not isinstance(error, ReceiverError):
            return counted

        def failed(record: Delivery, now: datetime) -> Delivery:
            if not debts.held(record.owed, work.key, work.n):
                return record
            after = hooks.failed(
                record,
                counted(record, now),
                error.status,
                error.said,
                None if error.retry_after is None else now + error.retry_after,
            )
            if after.state == "dead":
                self._metrics.hook_sent("dead")
            return after

        return failed
