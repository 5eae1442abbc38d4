"""One service process of a simulated world: the real use cases, behind gates that may close."""

import asyncio
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any, Protocol

from app.errors import UnavailableError
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Engine, Messenger
from app.usecases.accept_events import Acceptor
from app.usecases.apply_events import Applier
from app.usecases.ask_engine import AskEngine
from app.usecases.cancel_run import CancelRun
from app.usecases.circuits import Circuits
from app.usecases.desk import Desk
from app.usecases.discharge import Discharger, Handler
from app.usecases.end_run import EndRun
from app.usecases.hand_over import HandOver
from app.usecases.keep_outputs import KeepOutputs
from app.usecases.notify import Ends, Notify, Show
from app.usecases.records import Records
from app.usecases.requests import Requests
from app.usecases.show_job import for_jobs
from app.usecases.submit_run import SubmitRun
from app.usecases.sweep import Sweep
from app.usecases.taking import Taking
from app.usecases.watched import Watched
from processors.protocols import comfydeploy
from schemas.base import EngineName, InstanceName
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.run import Batch, Delivery, RunEvent
from schemas.timing import Timing
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Gate
from tests.fakes.generations import FakeGenerations
from tests.fakes.hooks import own_hooks
from tests.fakes.inbox import FakeInbox
from tests.fakes.storage import FakeFiles, FakeStorage, link_to
from tests.fakes.workflows import FakeWorkflows
from tests.speech import translate
from tests.world.chats import Telegram, TelegramMessenger
from tests.world.cloud import NAME, OTHER, Cloud, CloudEngine
from tests.world.mortal import Fates, Mortal
from tests.world.shop import Kept, Shop, a_shop

METRICS = Metrics()


class World(Fates, Protocol):
    """What a process needs of the world it is in."""

    @property
    def clock(self) -> FakeClock:
        """What time it is."""
        ...

    @property
    def timing(self) -> Timing:
        """The limits."""
        ...

    @property
    def cloud(self) -> Cloud:
        """The engine."""
        ...

    @property
    def telegram(self) -> Telegram:
        """The messenger."""
        ...

    @property
    def records(self) -> MutableMapping[str, Generation]:
        """What the database holds of generations."""
        ...

    @property
    def kept(self) -> Kept:
        """What it holds of jobs and credits."""
        ...

    @property
    def batches(self) -> dict[str, Batch]:
        """What it holds of events."""
        ...

    @property
    def files(self) -> dict[str, bytes]:
        """What the storage holds."""
        ...

    async def something_due(self) -> None:
        """Return when a sweep may find something."""
        ...


def vouched(delivery: Delivery) -> RunEvent:
    """Translate a webhook that its engine has signed."""
    return comfydeploy.receive(delivery)._replace(vouched=True)


def webhook_of(generation: Generation) -> str:
    """Return the webhook URL, as far as it matters here."""
    return f"{generation.id}/{generation.attempt}"


class Process(Mortal):
    """One life of a process, from its start to its crash.

    Attributes:
        serving: Whether it takes in requests.
    """

    def __init__(self, world: World, name: InstanceName) -> None:
        super().__init__(world, name)
        self._world = world
        self.serving = False
        self._group = asyncio.TaskGroup()
        self._build()

    async def run(self) -> None:
        """Live until cancelled."""
        await self._released()
        async with self._group:
            for part in (
                self._acceptor.run(),
                self._applier.run(),
                self._discharger.run(),
                self.shop.hands.run(),
                self._sweep.keep_asking(),
                self._sweeping(),
            ):
                self._group.create_task(part)
            self.serving = True

    async def served(self, request: Callable[["Process"], Coroutine[Any, Any, None]]) -> bool:
        """Have a request served; return whether it was answered well."""
        if self.crashed.is_set() or not self.serving:
            return False
        task = self._group.create_task(self._answered(request))
        await asyncio.wait([task], timeout=30)
        return task.done() and not task.cancelled() and task.result()

    async def _answered(self, request: Callable[["Process"], Coroutine[Any, Any, None]]) -> bool:
        try:
            await request(self)
        except UnavailableError:
            return False
        return True

    async def _released(self) -> None:
        while True:
            try:
                await self._sweep.release(self.name)
            except UnavailableError:
                await asyncio.sleep(1)
            else:
                return

    async def _sweeping(self) -> None:
        while True:
            try:
                await self._sweep.once()
            except UnavailableError:
                await asyncio.sleep(1)
            await self._world.something_due()

    def _build(self) -> None:
        world = self._world
        clock, timing, alerts = world.clock, world.timing, FakeAlerts()
        generations = FakeGenerations(world.records, self._store_gate)
        inbox = FakeInbox(world.batches, self._store_gate)
        messenger = TelegramMessenger(world.telegram, self.name, self._peer_gate)
        taking = Taking(self.name, timing, background=True, messenger=messenger)
        records = Records(generations, clock, Journal())
        circuits = Circuits(clock, timing, alerts, METRICS)
        engine = Watched(CloudEngine(world.cloud, self._peer_gate), circuits)
        ends = Ends(
            engine_of=lambda _: engine,
            allow_private=False,
            linked=lambda output: output.key,
            translate=translate,
        )
        self.shop = a_shop(
            world.kept,
            records,
            messenger,
            taking=taking,
            timing=timing,
            circuits=circuits,
            ends=ends,
            metrics=METRICS,
            alerts=alerts,
            gate=self._store_gate,
        )
        other = Watched(CloudEngine(world.cloud, self._peer_gate, OTHER), circuits)
        engines: dict[EngineName, Engine] = {NAME: engine, OTHER: other}
        inward = _inward(
            records, engines, taking=taking, world=world, alerts=alerts, gate=self._peer_gate
        )
        outward = _outward(records, messenger, self.shop, ends=ends, taking=taking, timing=timing)
        self._discharger = Discharger(
            records,
            {
                **inward,
                **outward,
                DebtKind.SETTLE: self.shop.settle,
                DebtKind.ADVANCE: self.shop.advance,
            },
            taking=taking,
            circuits=circuits,
            timing=timing,
            metrics=METRICS,
            alerts=alerts,
        )
        records.inherit(self._discharger)
        self._applier = Applier(
            inbox, records, taking, clock=clock, timing=timing, metrics=METRICS, alerts=alerts
        )
        self._sweep = Sweep(
            inbox,
            records,
            applier=self._applier,
            hands=(self._discharger, self.shop.hands),
            receivers={NAME: comfydeploy.receive, OTHER: vouched},
            taking=taking,
            timing=timing,
            metrics=METRICS,
            alerts=alerts,
        )
        self._acceptor = Acceptor(
            inbox,
            self._applier,
            clock=clock,
            timing=timing,
            metrics=METRICS,
            on_return=self._sweep.ask_all,
        )
        self.accept = self._acceptor.accept
        self.desk = Desk(
            records,
            Requests(FakeWorkflows()),
            [NAME],
            telegram=True,
            taking=taking,
            own_hooks=own_hooks(),
            disk_full=lambda: False,
            admit=_admit,
        )


async def _admit(engine: EngineName) -> None:
    del engine


def _inward(
    records: Records,
    engines: dict[EngineName, Engine],
    *,
    taking: Taking,
    world: World,
    alerts: FakeAlerts,
    gate: Gate,
) -> dict[DebtKind, Handler]:
    """Return what discharges debts to ourselves and to the engine."""
    timing = world.timing
    storage = FakeStorage(world.files, gate)

    def names(webhook: str | None, generation: Generation) -> bool:
        return webhook == webhook_of(generation)

    return {
        DebtKind.SUBMIT: SubmitRun(
            records,
            engines,
            hand_over=HandOver(storage, records.clock, timing, link_to),
            webhook_of=webhook_of,
            names=names,
            taking=taking,
            timing=timing,
        ),
        DebtKind.CANCEL: CancelRun(engines, taking=taking, timing=timing),
        DebtKind.ASK: AskEngine(
            engines, names=names, taking=taking, clock=records.clock, timing=timing, metrics=METRICS
        ),
        DebtKind.END: EndRun(engines, taking=taking, timing=timing, metrics=METRICS, alerts=alerts),
        DebtKind.KEEP: KeepOutputs(
            records,
            engines,
            files=FakeFiles(world.cloud.files),
            storage=storage,
            taking=taking,
            timing=timing,
        ),
    }


def _outward(
    records: Records,
    messenger: Messenger,
    shop: Shop,
    *,
    ends: Ends,
    taking: Taking,
    timing: Timing,
) -> dict[DebtKind, Handler]:
    """Return what discharges debts to chats."""
    journal = Journal()
    return {
        DebtKind.SHOW: for_jobs(
            Show(
                records,
                messenger,
                translate=translate,
                taking=taking,
                timing=timing,
                journal=journal,
            ),
            shop.show,
        ),
        DebtKind.NOTIFY: Notify(
            records,
            messenger,
            ends=ends,
            finish="send",
            translate=translate,
            taking=taking,
            timing=timing,
            journal=journal,
            metrics=METRICS,
        ),
    }
