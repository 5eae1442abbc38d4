"""The lives of runs: what happens to each, when, and what its webhook is told."""

import asyncio
import random
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from sandbox.background import Background
from sandbox.comfydeploy import outputs, runs
from sandbox.comfydeploy.runs import Json, Run
from sandbox.comfydeploy.webhooks import Webhooks
from sandbox.controls import ComfyDeployControls


@dataclass(frozen=True)
class _Moment:
    """A step of a life; `at` is its share of the run's length."""

    at: float
    status: str
    node: str | None = None
    progress: float = 0.0


_STEPS = (
    _Moment(0.04, "queued"),
    _Moment(0.10, "started"),
    _Moment(0.16, "running"),
    _Moment(0.20, "running", "CheckpointLoaderSimple", 0.12),
    _Moment(0.28, "running", "CLIPTextEncode", 0.25),
    _Moment(0.36, "running", "EmptyLatentImage", 0.38),
    _Moment(0.44, "running", "ControlNetApply", 0.5),
    _Moment(0.55, "running", "KSampler", 0.62),
    _Moment(0.78, "running", "VAEDecode", 0.75),
    _Moment(0.90, "running", "ComfyDeployOutputImage", 0.88),
)
_BROKE_AT = 0.62


class Lives:
    """Leads runs from their submission to their end and tells their webhooks."""

    def __init__(
        self,
        *,
        background: Background,
        webhooks: Webhooks,
        controls: ComfyDeployControls,
        seconds: float,
    ) -> None:
        self._background = background
        self._webhooks = webhooks
        self._controls = controls
        self._seconds = seconds

    async def begin(self, run: Run) -> None:
        """Start the life of a run; with an early plan, after its first webhook was answered."""
        run.function_call_id = f"fc-{uuid.UUID(run.id).hex[:24].upper()}"
        if run.plan.early:
            _step(run, _STEPS[0])
            if run.webhook and not run.plan.drops("queued"):
                await self._webhooks.deliver(run, runs.webhook(run))
        self._background.start(self._live(run))

    def end(self, run: Run, status: str, *, silent: bool = False) -> None:
        """End a run now, or repeat the end it had.

        A stored end never changes. Of a run that ended in success or failure, a second end makes a
        second webhook; of a cancelled or timed out one it makes none.
        """
        if run.ended and run.status in {"cancelled", "timeout"}:
            return
        if not run.ended:
            run.status, run.ended_at = status, runs.now()
            run.updated_at = run.ended_at
            run.outputs = _made(run)
            run.woken.set()
            run.released.set()
        if silent:
            return
        body = runs.webhook(run, outputs=run.outputs)
        for _ in range(run.plan.duplicate - 1):
            self._tell(run, body, run.status)
        self._tell(run, body, run.status, after=_late(run) if run.plan.late_progress else ())
        self._flush(run)

    def release(self, every_run: list[Run]) -> None:
        """Let all runs end whose ends were held."""
        for run in every_run:
            run.released.set()

    async def _live(self, run: Run) -> None:
        seconds = self._seconds if run.plan.seconds is None else run.plan.seconds
        lived = 0.0
        for step in _steps_of(run):
            if not await _goes_on(run, (step.at - lived) * seconds):
                return
            lived = step.at
            self._take(run, step)
        if not await _goes_on(run, (1.0 - lived) * seconds):
            return
        if self._controls.hold_ends:
            run.released.clear()
            await run.released.wait()
        if run.plan.ending == "none":
            self._flush(run)
        elif not run.ended:
            self._tell_outputs(run)
            self.end(run, run.plan.ending)

    def _take(self, run: Run, step: _Moment) -> None:
        _step(run, step)
        if step.node is None:
            self._tell(run, runs.webhook(run), step.status)
            if step.status == "running" and run.plan.unknown_status:
                odd = runs.webhook(run, status="hibernating", weather={"snow": True})
                self._tell(run, odd, "unknown")
        elif run.intermediate:
            self._tell(run, runs.webhook(run, exact=True), "progress", "running")

    def _tell_outputs(self, run: Run) -> None:
        if run.webhook is None or run.plan.ending != "success":
            return
        targets = ",".join(parse_qs(urlsplit(run.webhook).query).get("target_events", []))
        if "run.output" in targets.split(","):
            for output in _made(run, "success"):
                self._tell(run, runs.webhook(run, outputs=[output], event_type="run.output"))

    def _tell(self, run: Run, body: Json, *labels: str, after: tuple[Json, ...] = ()) -> None:
        if run.webhook is None:
            return
        bodies = () if run.plan.drops(*labels) else (body,)
        if run.plan.order is None:
            self._background.start(self._deliver_all(run, [*bodies, *after]))
        else:
            run.kept += [(one, False) for one in bodies] + [(one, True) for one in after]

    def _flush(self, run: Run) -> None:
        events = [body for body, late in run.kept if not late]
        late = [body for body, late in run.kept if late]
        run.kept.clear()
        if run.plan.order == "reverse":
            events.reverse()
        else:
            # The same run is shuffled the same way wherever it is tried.
            random.Random(repr(run.inputs)).shuffle(events)  # noqa: S311
        if events or late:
            self._background.start(self._deliver_all(run, events + late))

    async def _deliver_all(self, run: Run, bodies: list[Json]) -> None:
        for body in bodies:
            await self._webhooks.deliver(run, body)


def _steps_of(run: Run) -> list[_Moment]:
    steps = _STEPS[1:] if run.plan.early else _STEPS
    broken = run.plan.ending in {"failed", "timeout", "cancelled"}
    return [step for step in steps if not (broken and step.progress > _BROKE_AT)]


def _step(run: Run, step: _Moment) -> None:
    run.status, run.updated_at = step.status, runs.now()
    if step.status == "queued":
        run.queued_at = run.updated_at
    elif step.status == "started":
        run.started_at = run.updated_at
        run.gpu_event_id = str(uuid.uuid5(uuid.UUID(run.id), "gpu"))
    if step.node is not None:
        run.live_status, run.progress = f"Executing {step.node}", step.progress


async def _goes_on(run: Run, delay: float) -> bool:
    """Wait, in seconds, and say whether the run still lives then."""
    if run.ended:
        return False
    run.woken.clear()
    alarm = asyncio.get_running_loop().call_later(delay, run.woken.set)
    await run.woken.wait()
    alarm.cancel()
    return not run.ended


def _made(run: Run, status: str | None = None) -> list[outputs.Output]:
    if (status or run.status) != "success" and not run.plan.partial:
        return []
    return outputs.outputs_of(
        run.plan,
        run.inputs,
        url=run.folder,
        name=lambda word: outputs.output_name(run.id, word),
        now=runs.now(),
    )


def _late(run: Run) -> tuple[Json, ...]:
    running = runs.webhook(run, status="running", live_status=None, progress=0.0)
    return runs.webhook(run, exact=True), running
