"""A service on fakes, all of its parts running, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Self

from app.errors import PausedError
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Engine
from app.usecases.accept_events import Acceptor
from app.usecases.advance import Advance, AdvanceJob, GoOn
from app.usecases.apply_events import Applier
from app.usecases.ask_engine import AskEngine
from app.usecases.calls import Calls
from app.usecases.cancel_run import CancelRun
from app.usecases.circuits import Circuits
from app.usecases.desk import Desk
from app.usecases.discharge import Discharger
from app.usecases.end_run import EndRun
from app.usecases.hand_over import HandOver
from app.usecases.hands import Hands
from app.usecases.keep_outputs import KeepOutputs
from app.usecases.money import Money
from app.usecases.notify import Ends, Finish, Notify, Show
from app.usecases.notify_job import NotifyJob
from app.usecases.orders import Orders
from app.usecases.quoting import Check, Order, Quoting, Turns
from app.usecases.records import Records, RecordsOf
from app.usecases.requests import Requests
from app.usecases.settle_run import SettleRun
from app.usecases.show_job import Parts, ShowJob, for_jobs
from app.usecases.start_job import JOB_LINES, CancelJob, StartJob
from app.usecases.submit_run import SubmitRun
from app.usecases.sweep import Sweep
from app.usecases.taking import Taking
from app.usecases.watched import Watched
from processors.protocols import comfydeploy, comfyui
from schemas.base import EngineName, GenerationId, InstanceName
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.job import Job, JobChat, JobId
from schemas.preset import Preset
from schemas.run import Delivery, RunEvent, RunStatus
from schemas.timing import Timing
from schemas.user import User
from schemas.wire.api import NewGeneration
from tests.builders import (
    A10G,
    CHAT,
    COMFYDEPLOY,
    HERE,
    RUN,
    USER,
    a_preset,
    a_user,
    its_generations,
)
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import LoopClock
from tests.fakes.engines import FakeEngine
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations
from tests.fakes.hooks import FakeEndpoints, own_hooks
from tests.fakes.inbox import FakeInbox
from tests.fakes.jobs import FakeJobs
from tests.fakes.ledger import FakeLedger
from tests.fakes.messenger import FakeMessenger
from tests.fakes.presets import FakePresets
from tests.fakes.storage import FakeFiles, FakeStorage, link_to
from tests.fakes.users import FakeUsers
from tests.fakes.workflows import FakeWorkflows
from tests.speech import translate

METRICS: Final = Metrics()
TIMING: Final = Timing(progress_every=timedelta())
"""The real limits; progress is not spaced, since that goes by the real clock."""

RARELY: Final = TIMING.change(sweep_every=timedelta(minutes=1))
"""The same for tests of days: fewer sweeps."""


def webhook_of(generation: Generation) -> str:
    """Return the webhook URL of a generation, as far as it matters here."""
    return f"https://us.example.com/{generation.id}/{generation.attempt}"


async def unlimited(user: User) -> int | None:
    """Let every order pass."""
    del user
    return None


class Scene:
    """A process, and everybody it speaks to.

    Attributes:
        store: The gate of the database.
        engine: What it submits to; its gate is `engine_gate`.
        messenger: What tells people; its gate is `chat_gate`.
        files: What peers have.
        storage: Where copies are kept.
        engine_on: Whether the engine is set up.
        jobs: What was ordered, at the same gate as the generations.
        ledger: Everybody's credits, at the same gate.
        paused: Engines that take no orders.
    """

    def __init__(
        self,
        *,
        timing: Timing = TIMING,
        name: InstanceName = HERE,
        generations: FakeGenerations | None = None,
        inbox: FakeInbox | None = None,
        storage: FakeStorage | None = None,
        engine: type[FakeEngine] = FakeEngine,
        engine_on: bool = True,
        others: tuple[Engine, ...] = (),
        disk_full: bool = False,
        telegram: bool = True,
        background: bool = True,
        finish: Finish = "send",
        presets: tuple[Preset, ...] = (),
        limits: Turns = unlimited,
        checks: tuple[Check, ...] = (),
        after: "Scene | None" = None,
    ) -> None:
        """Set everything up.

        Args:
            timing: Limits and intervals.
            name: Of the process.
            generations: What there is, behind a gate of its own.
            inbox: The same of events.
            storage: The same of copies.
            engine: What makes the engine.
            engine_on: Whether it is set up.
            others: Further engines.
            disk_full: Whether nothing new is taken on.
            telegram: Whether Telegram is set up.
            background: Whether it does what is owed at all times, or only in calls.
            finish: How an end stands beside the status message.
            presets: What can be ordered; `a_preset` where none is named.
            limits: How much people may order.
            checks: What else may be in the way of an order.
            after: A process that died: this one comes to what it left in the store.
        """
        self.timing, self.endpoints = timing, FakeEndpoints()
        self.clock = after.clock if after else LoopClock()
        self.store, self.engine_gate, self.chat_gate = Turnstile(), Turnstile(), Turnstile()
        self._come_to(after, generations)
        self.inbox = inbox or FakeInbox(gate=self.store)
        self.engine = engine(self.engine_gate)
        self.messenger = FakeMessenger(self.chat_gate)
        self.files, self.storage = FakeFiles(), storage or FakeStorage()
        self.alerts, self.money = FakeAlerts(), Money(self.ledger, self.clock)
        self.paused, self.asked_all = set[EngineName](), 0
        self.taking = self._taking(name, background=background)
        self.records = Records(self.generations, self.clock, Journal())
        self.ordered = RecordsOf[Job](self.jobs, self.clock, Journal().ordered)
        self.circuits = Circuits(self.clock, timing, self.alerts, METRICS)
        known = self.known = FakePresets(*(presets or (a_preset(),)), gate=self.store)
        self.parts = Parts(self.records, known)
        watched = self._watched(*([self.engine] if engine_on else []), *others)
        self.discharger = self._discharger(watched, finish)
        self.records.inherit(self.discharger)
        starter = StartJob(self.records, self.jobs, self.money, self.taking)
        self.job_hands = self._job_hands(starter, finish)
        self.ordered.inherit(self.job_hands)
        self.orders = self._orders(
            starter,
            engines=list(watched),
            telegram=telegram,
            known=known,
            limits=limits,
            checks=checks,
            disk_full=lambda: disk_full,
        )
        common: dict[str, Any] = {"clock": self.clock, "timing": timing, "metrics": METRICS}
        self.applier = Applier(self.inbox, self.records, self.taking, alerts=self.alerts, **common)
        self.sweep = Sweep(
            self.inbox,
            self.records,
            applier=self.applier,
            hands=(self.discharger, self.job_hands),
            receivers={COMFYDEPLOY: comfydeploy.receive},
            taking=self.taking,
            timing=timing,
            metrics=METRICS,
            alerts=self.alerts,
        )
        self.acceptor = Acceptor(self.inbox, self.applier, on_return=self._ask_all, **common)
        self.workflows = FakeWorkflows(gate=self.store)
        self.desk = Desk(
            self.records,
            Requests(self.workflows),
            [COMFYDEPLOY, comfyui.NAME],
            telegram=telegram,
            taking=self.taking,
            own_hooks=own_hooks(self.endpoints),
            disk_full=lambda: disk_full,
            admit=self._admit,
        )

    async def _admit(self, engine: EngineName) -> None:
        if engine in self.paused:
            raise PausedError("engine", engine)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Run all parts for the length of the block."""
        async with asyncio.TaskGroup() as group:
            parts = (self.acceptor, self.applier, self.discharger, self.job_hands, self.sweep)
            tasks = [group.create_task(part.run()) for part in parts]
            yield self
            for task in tasks:
                task.cancel()

    async def order(self, **fields: Any) -> GenerationId:  # noqa: ANN401 - any field of an order
        """Order a generation from a chat; its submit is on its way at once."""
        made, _ = await self.desk.create(an_order_form(**fields), key=None, digest=None)
        return made.id

    async def grant(self, credits_: int = 10) -> None:
        """Give `USER` credits."""
        await self.money.grant(USER, Decimal(credits_), key="grant:test", by="cli:test")

    async def place(self, key: str | None = None, digest: str = "d", **fields: Any) -> Job:  # noqa: ANN401 - any field of an order
        """Order `a_preset` from a chat."""
        job, _ = await self.orders.place(a_wish(**fields), key=key, digest=key and digest)
        return job

    def have(self, job: Job, *statuses: RunStatus) -> None:
        """Have the generations of a chain, which stand so."""
        for each in its_generations(job, *statuses).values():
            self.generations.records[each.id] = each

    def job(self, job_id: JobId) -> Job:
        """Return a job as it is stored."""
        return self.jobs.records[job_id]

    def moved(self) -> list[tuple[str, Decimal]]:
        """Return how credits have moved since they were granted."""
        return [(each.kind.value, each.amount) for each in self.ledger.kept[1:]]

    async def hear(self, generation_id: GenerationId, status: str, run_id: str = RUN) -> None:
        """Take in a webhook with a true token."""
        raw = f'{{"run_id": "{run_id}", "status": "{status}"}}'.encode()
        await self.acceptor.accept(*self.a_webhook(generation_id, raw))

    def a_webhook(self, generation_id: GenerationId, raw: bytes) -> tuple[Delivery, RunEvent]:
        """Return a webhook as it comes from the web, and what it means."""
        delivery = Delivery(
            generation=generation_id, attempt=1, engine=COMFYDEPLOY, at=self.clock.now(), raw=raw
        )
        return delivery, comfydeploy.receive(delivery)

    def record(self, generation_id: GenerationId) -> Generation:
        """Return a record as it is stored."""
        return self.generations.records[generation_id]

    def _taking(self, name: InstanceName, *, background: bool) -> Taking:
        self.calls = Calls()
        return Taking(
            name,
            self.timing,
            background=background,
            messenger=self.messenger,
            calls=self.calls,
        )

    def _come_to(self, after: "Scene | None", generations: FakeGenerations | None) -> None:
        """Have what is stored: what somebody left, or nothing."""
        left = after.generations.records if after else None
        self.generations = generations or FakeGenerations(left, gate=self.store)
        self.jobs = FakeJobs(after.jobs.records if after else None, gate=self.store)
        self.ledger = FakeLedger(self.store)
        if after is not None:
            self.ledger.kept = after.ledger.kept

    def _watched(self, *engines: Engine) -> dict[EngineName, Engine]:
        return {each.name: Watched(each, self.circuits) for each in engines}

    def _ask_all(self) -> None:
        self.asked_all += 1
        self.sweep.ask_all()

    def _discharger(self, engines: dict[EngineName, Engine], finish: Finish) -> Discharger:
        taking, timing, journal, records = self.taking, self.timing, Journal(), self.records

        def names(webhook: str | None, generation: Generation) -> bool:
            return webhook == webhook_of(generation)

        return Discharger(
            records,
            {
                DebtKind.SUBMIT: SubmitRun(
                    records,
                    engines,
                    hand_over=HandOver(self.storage, self.clock, timing, link_to),
                    webhook_of=webhook_of,
                    names=names,
                    taking=taking,
                    timing=timing,
                ),
                DebtKind.CANCEL: CancelRun(engines, taking=taking, timing=timing),
                DebtKind.ASK: AskEngine(
                    engines,
                    names=names,
                    taking=taking,
                    clock=self.clock,
                    timing=timing,
                    metrics=METRICS,
                ),
                DebtKind.END: EndRun(
                    engines, taking=taking, timing=timing, metrics=METRICS, alerts=self.alerts
                ),
                DebtKind.KEEP: KeepOutputs(
                    records,
                    engines,
                    files=self.files,
                    storage=self.storage,
                    taking=taking,
                    timing=timing,
                ),
                DebtKind.SETTLE: SettleRun(
                    records,
                    self.ordered,
                    self.money,
                    taking=taking,
                    timing=timing,
                    alerts=self.alerts,
                ),
                DebtKind.ADVANCE: Advance(GoOn(records, taking), self.jobs),
                DebtKind.SHOW: for_jobs(
                    Show(
                        records,
                        self.messenger,
                        translate=translate,
                        taking=taking,
                        timing=timing,
                        journal=journal,
                    ),
                    ShowJob(
                        records,
                        self.ordered,
                        self.messenger,
                        parts=self.parts,
                        finish=finish,
                        translate=translate,
                        journal=journal,
                    ),
                ),
                DebtKind.NOTIFY: Notify(
                    records,
                    self.messenger,
                    ends=self._ends(),
                    finish=finish,
                    translate=translate,
                    taking=taking,
                    timing=timing,
                    journal=journal,
                    metrics=METRICS,
                ),
            },
            taking=taking,
            circuits=self.circuits,
            timing=timing,
            metrics=METRICS,
            alerts=self.alerts,
        )

    def _ends(self) -> Ends:
        return Ends(
            engine_of=lambda _: self.engine,
            allow_private=False,
            linked=lambda output: output.key,
            translate=translate,
        )

    def _orders(
        self,
        starter: StartJob,
        *,
        known: FakePresets,
        telegram: bool,
        **common: Any,  # noqa: ANN401 - what it was set up with
    ) -> Orders:
        return Orders(
            self.records,
            self.ordered,
            self.jobs,
            FakeUsers(a_user()),
            quoting=Quoting(
                self.generations,
                known,
                self.money,
                self.clock,
                credits_per_usd=Decimal(100),
                **common,
            ),
            money=self.money,
            starter=starter,
            hooks=own_hooks(self.endpoints),
            telegram=telegram,
            taking=self.taking,
        )

    def _job_hands(self, starter: StartJob, finish: Finish) -> Hands[Job]:
        return Hands[Job](
            self.ordered,
            {
                DebtKind.START: starter,
                DebtKind.CANCEL: CancelJob(self.records, self.taking),
                DebtKind.ADVANCE: AdvanceJob(
                    GoOn(self.records, self.taking), taking=self.taking, timing=self.timing
                ),
                DebtKind.NOTIFY: NotifyJob(
                    self.ordered,
                    self.records,
                    self.messenger,
                    parts=self.parts,
                    ends=self._ends(),
                    finish=finish,
                    translate=translate,
                    taking=self.taking,
                    timing=self.timing,
                    journal=Journal(),
                    metrics=METRICS,
                ),
            },
            lines=JOB_LINES,
            called="job",
            taking=self.taking,
            circuits=self.circuits,
            timing=self.timing,
            metrics=METRICS,
            alerts=self.alerts,
        )


def a_wish(**fields: Any) -> Order:  # noqa: ANN401 - any field of an order
    """Return what `USER` orders from a chat."""
    user: User = fields.pop("user", a_user())
    known: dict[str, Any] = {
        "preset": "l4_t2i",
        "inputs": {"prompt": "a lighthouse at dusk"},
        "chat": JobChat(telegram_chat_id=CHAT),
        "by": "telegram",
    }
    return Order(user=user, **(known | fields))


def an_order_form(**fields: Any) -> NewGeneration:  # noqa: ANN401 - any field of an order
    """Return an order as it comes from a program."""
    known: dict[str, Any] = {
        "engine": COMFYDEPLOY,
        "deployment_id": "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
        "inputs": {"prompt": "a lighthouse at dusk"},
        "metadata": {"telegramChatId": CHAT, "costRate": A10G},
    }
    return NewGeneration.model_validate(known | fields)
