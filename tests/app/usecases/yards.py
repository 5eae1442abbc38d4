"""A process that gives runs their places at servers, on fakes, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Engine, Fleet, Turns
from app.usecases.apply_events import Applier
from app.usecases.ask_engine import AskEngine
from app.usecases.cancel_run import CancelRun
from app.usecases.circuits import Circuits
from app.usecases.discharge import Discharger, by_engine
from app.usecases.end_run import EndRun
from app.usecases.follow_runs import FollowRuns
from app.usecases.hand_over import HandOver
from app.usecases.place_run import PlaceRun
from app.usecases.places import Places
from app.usecases.records import Records
from app.usecases.sweep import Sweep
from app.usecases.taking import Taking
from app.usecases.watched import Watched
from processors import debts, runs
from processors.scheduling import ServerState
from schemas.base import GenerationId, InstanceName
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation
from schemas.timing import Timing
from tests.builders import COMFYUI, HERE, a_waiting, some_metadata
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock, LoopClock
from tests.fakes.engines import FakeEngine
from tests.fakes.fleet import FakeFleet
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations
from tests.fakes.inbox import FakeInbox
from tests.fakes.previews import FakePreviews
from tests.fakes.servers import FakeServers
from tests.fakes.storage import FakeStorage, link_to
from tests.fakes.turns import FakeTurns
from tests.fakes.uses import FakeUses

METRICS: Final = Metrics()
TIMING: Final = Timing(progress_every=Timing().progress_every * 0)
"""The real limits; progress is not spaced, since that goes by the real clock."""
ONE: Final = ServerState("one", 1)
TWO: Final = ServerState("two", 1)


class Hall:
    """What a process consists of that gives runs their places; see `Yard`.

    Attributes:
        board: The servers as they were seen last, by whoever.
        parts: What runs as long as it lives.
    """

    def __init__(
        self,
        generations: FakeGenerations,
        fleet: Fleet,
        engine: Engine,
        *,
        turns: Turns,
        inbox: FakeInbox,
        storage: FakeStorage,
        clock: FakeClock,
        timing: Timing,
        name: InstanceName,
    ) -> None:
        self.alerts = FakeAlerts()
        self.taking = Taking(name, timing, background=True, messenger=None)
        self.records = Records(generations, clock, Journal())
        self.circuits = Circuits(clock, timing, self.alerts, METRICS)
        common: dict[str, Any] = {"taking": self.taking, "timing": timing}
        self.board = FakeServers()
        self.places = Places(self.records, fleet, turns, self.board, alerts=self.alerts, **common)
        self.records.watched_by(self.places.noticed)
        self.place_run = PlaceRun(
            self.records,
            fleet,
            self.places,
            hand_over=HandOver(storage, clock, timing, link_to),
            **common,
        )
        self.discharger = self._discharger(Watched(engine, self.circuits), clock, common)
        self.records.inherit(self.discharger)
        self.applier = Applier(
            inbox,
            self.records,
            self.taking,
            clock=clock,
            timing=timing,
            metrics=METRICS,
            alerts=self.alerts,
        )
        self.uses, self.previews = FakeUses(), FakePreviews()
        self.follow = FollowRuns(self.records, self.applier, self.uses, self.previews, self.taking)
        self.sweep = Sweep(
            inbox,
            self.records,
            applier=self.applier,
            hands=(self.discharger,),
            receivers={},
            metrics=METRICS,
            alerts=self.alerts,
            **common,
        )
        self.parts: tuple[Callable[[], Any], ...] = (
            self.applier.run,
            self.discharger.run,
            self.places.run,
        )

    def _discharger(self, engine: Engine, clock: FakeClock, common: dict[str, Any]) -> Discharger:
        engines = {COMFYUI: engine}
        watching: dict[str, Any] = {"metrics": METRICS, **common}
        return Discharger(
            self.records,
            {
                DebtKind.SUBMIT: by_engine({COMFYUI: self.place_run}, self.place_run),
                DebtKind.CANCEL: CancelRun(engines, **common),
                DebtKind.ASK: AskEngine(
                    engines, names=lambda _, __: False, clock=clock, **watching
                ),
                DebtKind.END: EndRun(engines, alerts=self.alerts, **watching),
            },
            circuits=self.circuits,
            alerts=self.alerts,
            **watching,
        )


class Yard(Hall):
    """A process with its servers, and a database of its own or somebody else's.

    Attributes:
        store: The gate of the database.
        fleet: The servers whose duty it has.
        engine: What is said of their runs.
        turns: Who was served when.
    """

    def __init__(
        self,
        *servers: ServerState,
        beside: "Yard | None" = None,
        name: InstanceName = HERE,
        timing: Timing = TIMING,
        generations: type[FakeGenerations] = FakeGenerations,
        engine: FakeEngine | None = None,
    ) -> None:
        self.timing = timing
        self.clock = beside.clock if beside else LoopClock()
        self.store = Turnstile()
        known = beside.generations.records if beside else None
        self.generations = generations(known, gate=self.store)
        self.fleet = FakeFleet(*servers)
        known_engine = engine or FakeEngine(Turnstile(), COMFYUI)
        self.engine = beside.engine if beside else known_engine
        self.turns = beside.turns if beside else FakeTurns(self.store)
        self.storage, self.inbox = FakeStorage(), FakeInbox()
        super().__init__(
            self.generations,
            self.fleet,
            self.engine,
            turns=self.turns,
            inbox=self.inbox,
            storage=self.storage,
            clock=self.clock,
            timing=timing,
            name=name,
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Yard"]:
        """Live for the length of the block."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part()) for part in (*self.parts, self.sweep.run)]
            yield self
            for task in tasks:
                task.cancel()

    async def order(self, user: str = "ada", **fields: Any) -> GenerationId:  # noqa: ANN401 - any field of the record
        """Order a run; its submit is on its way at once."""
        now = self.clock.now()
        submit = Debt(key=runs.SUBMIT, kind=DebtKind.SUBMIT, next_at=now)
        known: dict[str, Any] = {
            "id": self.clock.new_id(),
            "request_timestamp": now,
            "metadata": some_metadata(user_id=user, telegram_chat_id=None),
            "owed": debts.owe((), submit, taker=self.taking.taker(now)),
        }
        record = a_waiting(**(known | fields))
        assert await self.records.add(record)
        return record.id

    def record(self, generation: GenerationId) -> Generation:
        """Return a record as it is stored."""
        return self.generations.records[generation]

    def posted(self) -> list[GenerationId]:
        """Return what has reached a server, in order."""
        return [each.generation.id for each in self.fleet.posted]

    def over(self, generation: GenerationId, report: Any) -> None:  # noqa: ANN401 - a report of any run
        """Have the engine say of a generation's run how it stands."""
        run_id = self.record(generation).metadata.run_id
        assert run_id is not None
        self.engine.reports[run_id] = report.change(run_id=run_id)
