"""ComfyDeploy's protocol: what its messages mean, and what we send it. No I/O.

Facts are from github.com/comfy-deploy/api at d69228df (2025-11-02) and from the node pack
github.com/BennyKok/comfyui-deploy at 98c1aca6 (2025-11-12).
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from processors.errors import RefusedBodyError
from processors.protocols import texts
from processors.protocols.bodies import holds_nul, parsed, read
from processors.protocols.kinds import kind_of
from processors.protocols.times import in_utc, utc
from schemas.base import EngineName, RunId
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Delivery, Output, OutputKind, RunEvent, RunReport, RunStatus
from schemas.wire.comfydeploy import (
    ListedRuns,
    MediaItem,
    Queued,
    Refusal,
    Run,
    RunOutput,
    Uploaded,
    WebhookBody,
)

NAME: Final = EngineName("comfydeploy")

STATUSES: Final[Mapping[str, RunStatus]] = {
    "not-started": RunStatus.QUEUED,
    "queued": RunStatus.QUEUED,
    "started": RunStatus.STARTED,
    "running": RunStatus.RUNNING,
    "uploading": RunStatus.UPLOADING,
    "success": RunStatus.COMPLETED,
    "failed": RunStatus.FAILED,
    "timeout": RunStatus.TIMEOUT,
    "cancelled": RunStatus.CANCELLED,
}
"""Source: ``sqlmodels.py:9-18``. ``not-started`` waits for a machine: to us, queued."""

_QUERY: Final = re.compile(r"(https?://[^\s?#]*)[?#]\S*")
"""A URL with a query or a fragment, where secrets are."""
LOOKED_AT: Final = 2_000
"""Output rows, their keys and items that are looked at, in all; a record keeps far fewer."""
NAME_KEPT: Final = 200
"""Characters of a file's name, the last ones: there its extension is."""
WORD_KEPT: Final = 40
"""Characters of a status that we do not know."""


class Listed(NamedTuple):
    """One run of a deployment's list."""

    run_id: RunId
    created_at: datetime


def receive(delivery: Delivery) -> RunEvent:
    """Translate a webhook's body; an empty one is a sign of life and nothing more.

    Raises:
        RefusedBodyError: It is not JSON (too deep and out of range included), or not the
            schema of a webhook.
    """
    common: dict[str, Any] = {
        "engine": delivery.engine,
        "generation_id": delivery.generation,
        "attempt": delivery.attempt,
        "received_at": delivery.at,
    }
    if not delivery.raw:
        return RunEvent(run_id=None, status=None, **common)
    if holds_nul(delivery.raw):
        raise RefusedBodyError("json", "holds a NUL character")
    body = parsed(WebhookBody, delivery.raw)
    return RunEvent(
        run_id=RunId(body.run_id),
        status=STATUSES.get(body.status),
        unknown_status=_unknown(body.status),
        progress=_share(body.progress),
        live_status=_short(body.live_status),
        outputs=outputs(body.outputs, delivery.at),
        **common,
    )


def report(raw: bytes) -> RunReport:
    """Translate the answer of ``GET /run/{run_id}``.

    A ``timeout`` without an end is one that the API computed from 24 hours without an update
    (``utils.py:289-350``); it is not stored there, and nobody saw it.

    Raises:
        RefusedBodyError: The answer is not a run.
    """
    run = parsed(Run, raw)
    status = STATUSES.get(run.status, RunStatus.QUEUED)
    return RunReport(
        run_id=RunId(run.id),
        status=status,
        progress=_share(run.progress),
        live_status=_short(run.live_status),
        queue_position=run.queue_position,
        created_at=utc(run.created_at),
        queued_at=utc(run.queued_at),
        started_at=utc(run.started_at),
        ended_at=utc(run.ended_at),
        outputs=outputs(run.outputs, None),
        webhook=run.webhook,
        computed=status is RunStatus.TIMEOUT and run.ended_at is None,
        unknown_status=_unknown(run.status),
    )


def submission(
    deployment_id: str, inputs: Mapping[str, JsonValue], webhook: str
) -> dict[str, JsonValue]:
    """Return the body of ``POST /run/deployment/queue``; it has no place for an id of ours."""
    return {
        "deployment_id": deployment_id,
        "inputs": dict(inputs),
        "webhook": webhook,
        "webhook_intermediate_status": True,
    }


def submitted(raw: bytes) -> RunId:
    """Return the id of the run that a submit made.

    Raises:
        RefusedBodyError: The answer names no run.
    """
    return RunId(parsed(Queued, raw).run_id)


def listed(raw: bytes) -> tuple[Listed, ...]:
    """Translate a deployment's list of runs, newest first.

    Raises:
        RefusedBodyError: The answer is not such a list.
    """
    return tuple(
        Listed(RunId(run.id), _naive_utc(run.created_at)) for run in parsed(ListedRuns, raw).data
    )


def uploaded(raw: bytes) -> str:
    """Return the address of an uploaded file, to be used as an input.

    Raises:
        RefusedBodyError: The answer names no file.
    """
    return parsed(Uploaded, raw).file_url


def detail(raw: bytes) -> str:
    """Return what an error says, in one short line; empty when it says nothing.

    URLs lose their queries: ours, which it may quote, have a token there.
    """
    try:
        said = parsed(Refusal, raw).detail
    except RefusedBodyError:
        return ""
    if isinstance(said, list):
        said = "; ".join(_complaint(each) for each in said[:3])  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - a peer's free JSON
    return _QUERY.sub(r"\1", " ".join(str(said or "").split())[:3000])[:300]


def is_suspension(said: str) -> bool:
    """Return whether the detail of a 403 says that our account is suspended.

    Other 403s are about one run or deployment, or about credits (``run.py``).
    """
    return "account has been suspended" in said.lower()


def outputs(told: Sequence[Any] | None, at: datetime | None) -> tuple[Output, ...]:
    """Translate output rows one by one; what does not fit is passed over.

    No more of them is looked at than `LOOKED_AT`: a body may hold hundreds of thousands.

    Args:
        told: Rows as JSON values.
        at: When they were heard; None for those of an answer.
    """
    steps = islice(_steps(told or (), at), LOOKED_AT)
    return tuple(islice((step for step in steps if step is not None), OUTPUTS_KEPT))


def _steps(told: Sequence[Any], at: datetime | None) -> Iterator[Output | None]:
    """Yield at every row, key and item: the output, or None where there is none."""
    for each in told:
        yield None
        row = read(RunOutput, each)
        if row is not None:
            yield from _items(row, at)


def _items(row: RunOutput, at: datetime | None) -> Iterator[Output | None]:
    node = (row.node_meta or {}).get("node_id")
    for key, items in row.data.items():
        yield None
        for index, item in enumerate(items):
            common: dict[str, Any] = {
                "id": f"{row.id}/{key}/{index}",
                "node_id": str(node)[:64] if node is not None else None,
                "received_at": at,
            }
            yield _output(item, common)


def _output(item: object, common: dict[str, Any]) -> Output | None:
    if isinstance(item, str):
        return Output(kind=OutputKind.TEXT, text=texts.kept(item), **common)
    media = read(MediaItem, item)
    if media is None or media.type == "temp":
        return None
    return Output(
        # Since March 2025 videos come under ``files``.
        kind=kind_of(media.filename or media.url.split("?")[0], media.format),
        url=media.url,
        filename=media.filename and media.filename[-NAME_KEPT:],
        content_type=media.format if media.format and "/" in media.format else None,
        **common,
    )


def _share(progress: float | None) -> float:
    """Take a share of 0 to 1; anything else tells nothing."""
    if progress is None or not math.isfinite(progress) or not 0 <= progress <= 1:
        return 0.0
    return round(progress, 4)


def _unknown(status: str) -> str | None:
    """Return a status that is none of theirs as a log may show it; None for those we know."""
    if status in STATUSES:
        return None
    return "".join(each if each.isprintable() else "?" for each in status[:WORD_KEPT])


def _short(text: str | None) -> str | None:
    return text[:200] if text else None


def _naive_utc(text: str) -> datetime:
    """Read a time of the list, which is UTC and does not say so."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedBodyError("schema", "not a time", "created_at") from error
    return in_utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _complaint(each: object) -> str:
    if not isinstance(each, dict):
        return str(each)[:100]
    loc = each.get("loc")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - a peer's free JSON
    where = ".".join(str(part) for part in loc) if isinstance(loc, list) else "?"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - a peer's free JSON
    return f"{where}: {each.get('msg', '')}"[:150]  # pyright: ignore[reportUnknownMemberType] - a peer's free JSON
