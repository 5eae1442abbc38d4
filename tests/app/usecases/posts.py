"""What lets others hear of what happens, on fakes: who listens, what is sent, what comes of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Receipt
from app.usecases.circuits import Circuits
from app.usecases.delivery_debts import Deliver, DeliveryHands
from app.usecases.endpoints import HookDesk
from app.usecases.hand_out import HandOut, HandOutGeneration, HandOutJob
from app.usecases.listeners import AnnounceGenerations, AnnounceJobs, Listeners
from app.usecases.pause_endpoint import PauseEndpoint
from app.usecases.records import Records, RecordsOf
from app.usecases.taking import Taking
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.hook import Delivery, Endpoint
from schemas.job import Job
from tests.app.telegram.conditions import until
from tests.builders import HERE, TIMING, an_endpoint
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.controls import FakeDeeds
from tests.fakes.generations import FakeGenerations
from tests.fakes.hooks import FakeCourier, FakeDeliveries, FakeEndpoints
from tests.fakes.jobs import FakeJobs


class Post:
    """One process's.

    Args:
        endpoints: Who listens.
        receipts: What comes of the first messages; the last goes on.
        known: Who keeps those who listen; the usual fake if not given.
        deliveries: Who keeps what is on its way; the usual fake if not given.
    """

    def __init__(
        self,
        *endpoints: Endpoint,
        receipts: tuple[Receipt, ...] = (),
        known: FakeEndpoints | None = None,
        deliveries: FakeDeliveries | None = None,
    ) -> None:
        self.clock, self.alerts, self.metrics = FakeClock(), FakeAlerts(), Metrics()
        self.endpoints = known or FakeEndpoints(*(endpoints or (an_endpoint(),)))
        self.kept, self.courier = deliveries or FakeDeliveries(), FakeCourier(*receipts)
        self.generations, self.jobs, self.deeds = FakeGenerations(), FakeJobs(), FakeDeeds()
        journal = Journal()
        self.taking = Taking(HERE, TIMING, background=True, messenger=None)
        self.records = Records(self.generations, self.clock, journal)
        self.orders = RecordsOf[Job](self.jobs, self.clock, journal.ordered)
        self.sent = RecordsOf[Delivery](self.kept, self.clock, journal.delivered)
        self.listeners = Listeners(self.endpoints, TIMING.hook_fresh)
        self.records.announced_by(AnnounceGenerations(self.listeners, self.taking))
        self.orders.announced_by(AnnounceJobs(self.listeners, self.taking))
        out = HandOut(self.endpoints, self.sent, self.taking)
        self.generation = HandOutGeneration(out, self.records, Generation.internal)
        self.job = HandOutJob(out, self.records, _shown)
        self.hands = DeliveryHands(
            self.sent,
            Deliver(
                self.endpoints,
                self.courier,
                PauseEndpoint(self.endpoints, self.alerts, self.metrics, self.clock.now),
                now=self.clock.now,
                timing=TIMING,
                metrics=self.metrics,
            ),
            taking=self.taking,
            circuits=Circuits(self.clock, TIMING, self.alerts, self.metrics),
            timing=TIMING,
            metrics=self.metrics,
            alerts=self.alerts,
        )
        self.desk = HookDesk(
            self.endpoints,
            self.kept,
            self.sent,
            courier=self.courier,
            deeds=self.deeds,
            clock=self.clock,
            allow_private=False,
        )

    @property
    def only(self) -> Delivery:
        """The one delivery that there is."""
        [delivery] = self.kept.records.values()
        return delivery

    def endpoint(self, number: int = 1) -> Endpoint:
        """Return an endpoint as it stands."""
        return self.endpoints.records[an_endpoint(number).id]

    async def write(self, before: Generation, after: Generation) -> Generation:
        """Have a generation written anew; return it as it then is."""
        self.generations.records[before.id] = before
        written = await self.records.change(before.id, lambda _, __: after)
        assert written is not None
        return written

    async def tell(self, before: Generation, after: Generation) -> None:
        """Have a generation written anew, and what others hear of it handed out."""
        written = await self.write(before, after)
        for debt in written.owed:
            done = await self.generation(written, debt)
            assert done is not None
            await self.records.change(GenerationId(written.id), done)

    async def settle(self) -> None:
        """Do what is claimed, and what is due."""
        async with self.at_work():
            await self.sweep()
            await until(lambda: not self._claimed())

    async def sweep(self) -> None:
        """Take up what is due."""
        for line in self.hands.lines:
            for record in await self.hands.take_up(line):
                await self.hands.claim(record.id, line.kinds)

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Do what is taken up for the length of the block, and finish that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.hands.run())
            yield
            self.hands.close()

    def _claimed(self) -> bool:
        return any(debt.by == HERE for each in self.kept.records.values() for debt in each.owed)


def _shown(job: Job, generations: object) -> dict[str, Any]:
    del generations
    return job.internal()
