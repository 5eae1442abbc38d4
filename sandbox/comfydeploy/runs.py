"""Runs as this ComfyDeploy stores them, and the shapes in which it shows them.

Field sets, float and date forms follow comfy-deploy/api at d69228d (2025-11-02).
"""

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.comfydeploy.faults import Plan
from sandbox.comfydeploy.outputs import Output

TERMINAL = frozenset({"success", "failed", "timeout", "cancelled"})
_WAITING = frozenset({"not-started", "queued"})

WORKFLOW_ID = "3e9d1f70-64a2-4b0c-9f5e-7d2c1a8b6e43"
VERSION_ID = "91b6e4d8-2c3f-4a5b-8e7d-6f0a1b2c3d4e"
MACHINE_ID = "5a7c9e1b-3d5f-4027-a9b1-c3d5e7f90213"

Json = dict[str, object]


@dataclass(frozen=True)
class Attempt:
    """One try to deliver one webhook.

    Attributes:
        at: When it was sent, in seconds of the machine's monotonic clock.
        method: POST for the first try of an event, GET for the others.
        status: Status of the event.
        answered: HTTP status of the answer, or nothing if none came.
        error: Name of what kept the answer from coming.
    """

    at: float
    method: str
    status: str
    answered: int | None
    error: str | None = None


@dataclass(eq=False, kw_only=True)
class Run:
    """One run, changed in place by its life.

    Attributes:
        folder: Address of the run's files, with a slash at its end.
        live_status: What the workflow was last heard doing.
        progress: Share of the nodes begun, exact, 0 to 1.
        kept: Webhooks waiting for the end because the run's plan wants them in another order.
        attempts: Every try to deliver a webhook of this run.
        woken: Set when its life is to go on: time has passed, or the run was ended.
        released: Set once the run may end although ends are held.
    """

    id: str
    deployment_id: str
    inputs: Json
    webhook: str | None
    intermediate: bool
    gpu: str
    plan: Plan
    folder: str
    created_at: datetime
    updated_at: datetime
    status: str = "not-started"
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    live_status: str | None = None
    progress: float = 0.0
    function_call_id: str | None = None
    gpu_event_id: str | None = None
    outputs: list[Output] = field(default_factory=list[Output])
    kept: list[tuple[Json, bool]] = field(default_factory=list[tuple[Json, bool]])
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> bool:
        """Say whether the stored status is one that never changes again."""
        return self.status in TERMINAL

    @property
    def waiting(self) -> bool:
        """Say whether no machine has begun on the run."""
        return self.status in _WAITING


def webhook(
    run: Run,
    *,
    exact: bool = False,
    outputs: Sequence[Output] = (),
    event_type: str = "run.updated",
    **other: object,
) -> Json:
    """Return the body of an event that tells how the run stands.

    Args:
        run: The run to tell about.
        exact: Whether `progress` is exact, as in live_status events; else it went through a
            PostgreSQL `real`.
        outputs: The outputs to tell.
        event_type: `run.updated` or `run.output`.
        other: Fields that differ from the run's own.
    """
    body: Json = {
        "event_type": event_type,
        "status": run.status,
        "live_status": run.live_status,
        "progress": run.progress if exact else _as_real(run.progress),
        "run_id": run.id,
        "outputs": [_told_output(run, output) for output in outputs],
    }
    return body | other


def shown(run: Run, *, queue_position: int | None) -> Json:
    """Return the run as GET `/run/{run_id}` shows it."""
    return {
        "id": run.id,
        "workflow_version_id": VERSION_ID,
        "workflow_inputs": run.inputs,
        "workflow_id": WORKFLOW_ID,
        "machine_id": MACHINE_ID,
        "origin": "api",
        "status": run.status,
        "ended_at": _stamp(run.ended_at),
        "created_at": _stamp(run.created_at),
        "updated_at": _stamp(run.updated_at),
        "queued_at": _stamp(run.queued_at),
        "started_at": _stamp(run.started_at),
        "gpu_event_id": run.gpu_event_id,
        "gpu": run.gpu,
        "machine_version": None,
        "machine_type": "comfy-deploy-serverless",
        "modal_function_call_id": run.function_call_id,
        "user_id": "user_sandbox",
        "org_id": "org_sandbox",
        "live_status": run.live_status,
        "progress": _as_real(run.progress),
        "is_realtime": False,
        "webhook": run.webhook,
        "webhook_status": None,
        "webhook_intermediate_status": run.intermediate,
        "outputs": [_shown_output(run, output) for output in run.outputs],
        "number": 0,
        "duration": _between(run.created_at, run.ended_at),
        "cold_start_duration": _between(run.queued_at, run.started_at),
        "cold_start_duration_total": _between(run.created_at, run.started_at),
        "run_duration": _between(run.started_at, run.ended_at),
        "queue_position": queue_position,
    }


def listed(run: Run) -> Json:
    """Return the run as a row of GET `/deployment/{deployment_id}/runs`."""
    duration = _between(run.created_at, run.ended_at)
    return {
        "id": run.id,
        "status": run.status,
        "created_at": _bare(run.created_at),
        "started_at": _bare(run.started_at),
        "ended_at": _bare(run.ended_at),
        "workflow_id": WORKFLOW_ID,
        "workflow_version_id": VERSION_ID,
        "machine_id": MACHINE_ID,
        "gpu": run.gpu,
        "origin": "api",
        "user_id": "user_sandbox",
        "deployment_id": run.deployment_id,
        "duration": None if duration is None else f"{duration:.6f}",
    }


def now() -> datetime:
    """Return the time in whole milliseconds, which is what the backend's columns keep."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _told_output(run: Run, output: Output) -> Json:
    told: Json = {
        "id": output.id,
        "run_id": run.id,
        "data": output.data,
        "node_meta": output.node_meta,
        "created_at": f"{output.created_at:%Y-%m-%dT%H:%M:%S}.{output.created_at:%f}"[:-3] + "Z",
        "updated_at": f"{output.created_at:%Y-%m-%dT%H:%M:%S}.{output.created_at:%f}"[:-3] + "Z",
    }
    return told if output.output_id is None else told | {"output_id": output.output_id}


def _shown_output(run: Run, output: Output) -> Json:
    return {
        "id": output.id,
        "output_id": output.output_id,
        "run_id": run.id,
        "data": {key: [_shown_item(item) for item in items] for key, items in output.data.items()},
        "node_meta": output.node_meta,
        "created_at": _stamp(output.created_at),
        "updated_at": _stamp(output.created_at),
        "type": None,
        "node_id": None,
    }


def _shown_item(item: object) -> object:
    if not isinstance(item, dict):
        return item
    kept = ("url", "type", "filename", "is_public", "subfolder", "upload_duration")
    # An item is JSON made by sandbox.comfydeploy.outputs, whose keys are text.
    fields: Json = dict(item)  # pyright: ignore[reportUnknownArgumentType]
    return {key: fields[key] for key in kept}


def _as_real(number: float) -> float:
    """Return the number as it comes back from four bytes."""
    return struct.unpack("f", struct.pack("f", number))[0]


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def _bare(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}"


def _between(first: datetime | None, last: datetime | None) -> float | None:
    return None if first is None or last is None else (last - first).total_seconds()
