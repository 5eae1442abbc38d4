"""A simulated ComfyDeploy: runs that live in virtual time, and the webhooks they send."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from processors.protocols import comfydeploy
from schemas.base import EngineName, GenerationId, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport, RunStatus
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Gate
from tests.world.plans import ENDINGS, Life, Plan, Submit

NAME: Final = comfydeploy.NAME
OTHER: Final = EngineName("replicate")
"""Another engine, whose runs can be tried again, and which vouches for what it says."""
LATE: Final = 100.0
"""Seconds after which a POST that was given up is done after all."""
LIMIT: Final = 60.0
"""Seconds that a POST is waited for."""

Spawn = Callable[[Coroutine[Any, Any, None]], object]
Deliver = Callable[[GenerationId, bytes, int], Coroutine[Any, Any, None]]
"""Brings what is said of an attempt of a generation."""


@dataclass
class Run:
    """One run as the engine knows it."""

    run_id: RunId
    generation: GenerationId
    webhook: str
    attempt: int
    life: Life
    created_at: datetime
    status: RunStatus = RunStatus.QUEUED
    said: str = "queued"
    progress: float = 0.0
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass
class Cloud:
    """The engine itself.

    Attributes:
        runs: By id, in the order they were made.
        posts: What became of each POST, by generation.
        promised: How the run of each prompt goes that no generation is known for yet.
        files: What of the outputs cannot be had, by address.
    """

    plan: Plan
    clock: FakeClock
    spawn: Spawn
    deliver: Deliver
    lives: dict[GenerationId, Life] = field(default_factory=dict[GenerationId, Life])
    runs: dict[RunId, Run] = field(default_factory=dict[RunId, Run])
    posts: dict[GenerationId, list[Submit]] = field(
        default_factory=dict[GenerationId, list[Submit]]
    )
    promised: dict[object, Life] = field(default_factory=dict[object, Life])
    files: dict[str, bytes | PeerError] = field(default_factory=dict[str, bytes | PeerError])

    def __post_init__(self) -> None:
        """Lay the drawn outcomes ready."""
        self._submits = list(self.plan.submits)
        self._reads = list(self.plan.reads)
        self._webhooks = list(self.plan.webhooks)

    def post(self, generation: Generation) -> tuple[Submit, float]:
        """Take note of a POST; return what becomes of it, and how long it takes."""
        fate = self._submits.pop(0) if self._submits else ("ok", 0.2)
        self.posts.setdefault(generation.id, []).append(fate[0])
        return fate

    def make(self, generation: Generation, webhook: str) -> RunId:
        """Make a run and let it live."""
        run_id = RunId(f"run-{len(self.runs) + 1}")
        prompted = self.promised.get(generation.request_payload.inputs.get("prompt"), Life())
        life = self.lives.get(generation.id, prompted)
        attempt, now = generation.attempt, self.clock.now()
        run = Run(run_id, generation.id, webhook, attempt, life, now)
        self.runs[run_id] = run
        if attempt <= life.gone:
            self.files[_address(run)] = PeerMissingError(NAME, "has no such file")
        self.spawn(self._live(run))
        return run_id

    async def make_later(self, generation: Generation, webhook: str, seconds: float) -> None:
        """Make a run that nobody waits for any more."""
        await asyncio.sleep(seconds)
        self.make(generation, webhook)

    def answer(self) -> None:
        """Answer a question, or fail as drawn."""
        fate = self._reads.pop(0) if self._reads else "ok"
        if fate == "busy":
            raise PeerBusyError(NAME, "answered 502")
        if fate == "unknown":
            raise PeerUnknownError(NAME, "broke off")
        if fate == "down":
            raise PeerDownError(NAME, "cannot be reached")

    def report(self, run_id: RunId) -> RunReport:
        """Say how a run stands."""
        run = self.runs.get(run_id)
        if run is None:
            raise PeerMissingError(NAME, "knows no such run")
        return RunReport(
            run_id=run_id,
            status=run.status,
            progress=run.progress,
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            outputs=comfydeploy.outputs(_outputs(run), None),
            webhook=run.webhook,
        )

    def cancel(self, run_id: RunId) -> None:
        """Cancel a run that can be cancelled."""
        run = self.runs.get(run_id)
        if run is None or (run.ended_at is None and not run.life.cancellable):
            raise PeerBusyError(NAME, "answered 500")
        if run.ended_at is None:
            self._end(run, "cancelled")

    async def _live(self, run: Run) -> None:
        self._say(run, "queued")
        await asyncio.sleep(run.life.queued)
        for index, seconds in enumerate(run.life.steps):
            if run.ended_at is not None:
                return
            run.status = RunStatus.RUNNING
            run.started_at = run.started_at or self.clock.now()
            run.progress = (index + 1) / (len(run.life.steps) + 1)
            self._say(run, "running")
            await asyncio.sleep(seconds)
        if run.life.ending is not None and run.ended_at is None:
            self._end(run, run.life.ending)

    def _end(self, run: Run, said: str) -> None:
        run.status = ENDINGS[said]  # pyright: ignore[reportArgumentType] - one of the endings
        run.ended_at = self.clock.now()
        self._say(run, said)

    def _say(self, run: Run, said: str) -> None:
        run.said = said
        body = {
            "event_type": "run.updated",
            "run_id": run.run_id,
            "status": said,
            "progress": run.progress,
            "live_status": f"{said} {run.progress}",
            "outputs": _outputs(run),
        }
        raw = json.dumps(body).encode()
        for delay in self._webhooks.pop(0) if self._webhooks else (0.01,):
            self.spawn(self._send(run, raw, delay))

    async def _send(self, run: Run, raw: bytes, delay: float) -> None:
        await asyncio.sleep(delay)
        await self.deliver(run.generation, raw, run.attempt)


def _outputs(run: Run) -> list[dict[str, Any]]:
    if run.status is not RunStatus.COMPLETED:
        return []
    image = {"url": _address(run), "filename": "a.png"}
    return [{"id": run.run_id, "data": {"images": [image]}}]


def _address(run: Run) -> str:
    return f"https://outputs.example.com/{run.run_id}.png"


class CloudEngine:
    """The engine as one process reaches it. See app.ports.Engine."""

    def __init__(self, cloud: Cloud, gate: Gate, name: EngineName = NAME) -> None:
        self._cloud = cloud
        self._gate = gate
        self._name = name

    @property
    def name(self) -> EngineName:
        """See app.ports.Engine."""
        return self._name

    @property
    def hosts(self) -> tuple[str, ...]:
        """See app.ports.Engine."""
        return ("outputs.example.com",)

    def peer(self, server: str | None) -> str:
        """See app.ports.Engine."""
        del server
        return self.name

    async def turn(self) -> None:
        """See app.ports.Engine."""

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine."""
        await self._gate()
        fate, seconds = self._cloud.post(generation)
        made = self._cloud.make(generation, webhook) if fate in {"ok", "lost"} else None
        if fate == "late":
            self._cloud.spawn(self._cloud.make_later(generation, webhook, LATE))
        unanswered = fate in {"lost", "late", "never"}
        await asyncio.sleep(LIMIT if unanswered else seconds)
        await self._gate()
        if made is None or unanswered:
            raise _SUBMIT_FAULTS[fate]
        return made

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """See app.ports.Engine."""
        del name, content_type
        await self._gate()
        given = sum([len(chunk) async for chunk in content])
        await self._gate()
        return f"https://cloud.example.com/inputs/{given}-of-{size}"

    def fetches(self, size: int) -> bool:
        """See app.ports.Engine."""
        del size
        return False

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        await self._gate()
        self._cloud.answer()
        report = self._cloud.report(run.run_id)
        await self._gate()
        return report

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine."""
        await self._gate()
        self._cloud.cancel(run.run_id)
        await self._gate()

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine."""
        del generation
        await self._gate()
        self._cloud.answer()
        for run in reversed(list(self._cloud.runs.values())):
            if run.created_at >= since:
                yield self._cloud.report(run.run_id)
                await self._gate()

    async def check(self) -> str:
        """See app.ports.Engine."""
        return "well"


_SUBMIT_FAULTS: Final[dict[Submit, Exception]] = {
    "refused": PeerRefusedError(NAME, "no such deployment"),
    "busy": PeerBusyError(NAME, "answered 503"),
    "down": PeerDownError(NAME, "cannot be reached"),
    "lost": PeerUnknownError(NAME, "no answer"),
    "late": PeerUnknownError(NAME, "no answer"),
    "never": PeerUnknownError(NAME, "no answer"),
}
