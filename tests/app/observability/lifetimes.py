"""Generations as they go by, for tests of what is shown of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.observability.journal import Journal
from app.observability.lives import Lives
from schemas.base import EngineName, GenerationId, RunId
from schemas.generation import Generation, Metadata, Request, Response
from schemas.run import Output, OutputKind, RunStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ID = GenerationId("0194200000007000800000000000abcd")
PICTURE = "http://127.0.0.1:8001/outputs/ComfyUI_00001_.png"


def a_generation(**fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """Return a generation that was just asked for, but for what is given."""
    given: dict[str, Any] = {
        "id": ID,
        "engine": EngineName("comfydeploy"),
        "created_at": NOON,
        "updated_at": NOON,
        "request_timestamp": NOON,
        "metadata": Metadata(run_id=RunId("run-1"), telegram_chat_id=4711),
        "request_payload": Request(deployment_id="d", inputs={"prompt": "a lighthouse"}),
    }
    return Generation(**given | fields)


def an_output(**fields: Any) -> Output:  # noqa: ANN401 - any field of the record
    """Return a picture, but for what is given."""
    given: dict[str, Any] = {"id": "1/images/0", "kind": OutputKind.IMAGE, "url": PICTURE}
    return Output(**given | fields)


def completed(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the record
    """Return what an end writes, but for what is given."""
    return {
        "status": RunStatus.COMPLETED,
        "progress": 1.0,
        "ended_by": "engine",
        "duration_seconds": 3.21,
        "cost_usd": Decimal("0.001082"),
        "response_payload": Response(outputs=(an_output(),)),
    } | fields


def live(
    journal: Journal | Lives, first: Generation, *changes: dict[str, Any], before: bool = True
) -> Generation:
    """Write the changes of a generation one after the other, half a second apart."""
    now = first
    if before:
        journal.changed(None, first)
    for change in changes:
        after = now.change(updated_at=now.updated_at + timedelta(seconds=0.5), **change)
        journal.changed(now, after)
        now = after
    return now


def running(progress: float, words: str = "Executing KSampler") -> dict[str, Any]:
    """Return what progress writes."""
    return {"status": RunStatus.RUNNING, "progress": progress, "live_status": words}
