"""What Replicate's answers and webhooks mean."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from pydantic import JsonValue

from processors.errors import RefusedBodyError
from processors.protocols import words
from processors.protocols.bodies import parsed, read
from processors.protocols.replicate.failures import Failure, failure
from processors.protocols.replicate.logs import seen
from processors.protocols.replicate.results import outputs, too_many
from processors.protocols.times import in_utc, utc
from schemas.base import RunId
from schemas.run import OPEN, Delivery, RunEvent, RunReport, RunStatus
from schemas.wire.replicate import InvalidField, Metrics, Prediction, Predictions, Refusal, Secret

STATUSES: Final[Mapping[str, RunStatus]] = {
    "starting": RunStatus.QUEUED,
    "processing": RunStatus.RUNNING,
    "succeeded": RunStatus.COMPLETED,
    "failed": RunStatus.FAILED,
    "canceled": RunStatus.CANCELLED,
    "aborted": RunStatus.CANCELLED,
}
"""Source: replicate.com/docs/topics/predictions/lifecycle. ``aborted`` ended before it ran."""
ABORTED: Final = "aborted"
WORD_KEPT: Final = 40
"""Characters of a status that we do not know."""
FIELDS_TOLD: Final = 3
"""Complaints about inputs that are told of one refusal."""
_RESETS: Final = re.compile(r"resets in ~?(?:([0-9]{1,4})m ?)?([0-9]{1,5})s")


class Listed(NamedTuple):
    """One of our account's predictions."""

    run_id: RunId
    created_at: datetime
    inputs: Mapping[str, JsonValue] | None
    """None once they were removed."""
    webhook: str | None
    model: object = None
    version: object = None
    deployment: object = None
    """What it was made of, as far as it says."""


def receive(delivery: Delivery) -> RunEvent:
    """Translate a webhook's body, which was signed; an empty one is a sign of life, and was not.

    Raises:
        RefusedBodyError: It is not JSON (too deep and out of range included), or no prediction.
    """
    common: dict[str, Any] = {
        "engine": delivery.engine,
        "generation_id": delivery.generation,
        "attempt": delivery.attempt,
        "received_at": delivery.at,
    }
    if not delivery.raw:
        return RunEvent(run_id=None, status=None, **common)
    told = parsed(Prediction, delivery.raw)
    status = STATUSES.get(told.status)
    progress, live_status = _far(told, status)
    return RunEvent(
        run_id=RunId(told.id),
        status=status,
        unknown_status=_unknown(told.status),
        progress=progress,
        live_status=live_status,
        outputs=outputs(told.output, delivery.at),
        vouched=True,
        **common,
    )


def report(raw: bytes) -> RunReport:
    """Translate a prediction.

    Raises:
        RefusedBodyError: The answer is none.
    """
    told = parsed(Prediction, raw)
    status = STATUSES.get(told.status, RunStatus.QUEUED)
    progress, live_status = _far(told, status)
    made = outputs(told.output, None)
    failed = failure(told.error) if status is RunStatus.FAILED else Failure(None, passing=False)
    return RunReport(
        run_id=RunId(told.id),
        status=status,
        progress=progress,
        live_status=live_status,
        created_at=utc(told.created_at),
        started_at=None if told.status == ABORTED else utc(told.started_at),
        ended_at=utc(told.completed_at),
        outputs=made,
        cut=too_many(told.output),
        webhook=told.webhook,
        duration_seconds=_duration(told),
        gone=status is RunStatus.COMPLETED and bool(told.data_removed) and not made,
        error=failed.error,
        passing=failed.passing,
        unknown_status=_unknown(told.status),
    )


def created(raw: bytes) -> RunId:
    """Return the id of the prediction that a creation made.

    Raises:
        RefusedBodyError: The answer names none.
    """
    return RunId(parsed(Prediction, raw).id)


def listed(raw: bytes) -> tuple[tuple[Listed, ...], str | None]:
    """Translate a page of our predictions, newest first, and the URL of the next one.

    Whoever follows that URL has to see first that it lies below the API's own.

    Raises:
        RefusedBodyError: The answer is not such a page.
    """
    page = parsed(Predictions, raw)
    found = tuple(
        Listed(
            RunId(each.id),
            in_utc(each.created_at),
            None if each.data_removed else each.input,
            each.webhook,
            each.model,
            each.version,
            each.deployment,
        )
        for each in page.results
    )
    return found, page.next


def refusal(raw: bytes) -> str:
    """Return what an error says, in one short line; empty when it says nothing.

    URLs lose their queries: ours, which it may quote, have a token there.
    """
    try:
        told = parsed(Refusal, raw)
    except RefusedBodyError:
        return ""
    complaints = "; ".join(_complaints(told.invalid_fields))
    said = [_line(told.title), complaints or _line(told.detail)]
    return words.line(": ".join(each for each in said if each))


def retry_after(raw: bytes) -> timedelta | None:
    """Return in what time a throttled request may be repeated; None where that is not said."""
    try:
        told = parsed(Refusal, raw)
    except RefusedBodyError:
        return None
    resets = _RESETS.search(told.detail) if isinstance(told.detail, str) else None
    if resets is None:
        return None
    return timedelta(minutes=int(resets[1] or 0), seconds=int(resets[2]))


def signing_secret(raw: bytes) -> str:
    """Return what our account's webhooks are signed with: ``whsec_`` and base64.

    Raises:
        RefusedBodyError: The answer holds no such secret.
    """
    return parsed(Secret, raw).key


def _far(told: Prediction, status: RunStatus | None) -> tuple[float, str | None]:
    """Return how far a prediction is, and what it is doing; an ended one does nothing."""
    progress, line = seen(told.logs)
    if status is RunStatus.COMPLETED:
        return 1.0, None
    return progress, line if status in OPEN else None


def _duration(told: Prediction) -> float | None:
    """Return the seconds that it computed; one that ended before it ran has none."""
    metrics = read(Metrics, told.metrics)
    return None if metrics is None else metrics.predict_time


def _unknown(status: str) -> str | None:
    """Return a status that is none of theirs as a log may show it; None for those we know."""
    if status in STATUSES:
        return None
    return "".join(each if each.isprintable() else "?" for each in status[:WORD_KEPT])


def _line(said: object) -> str:
    return words.line(said) if isinstance(said, str) else ""


def _complaints(told: object) -> Iterator[str]:
    many = cast("list[object]", told)[:FIELDS_TOLD] if isinstance(told, list) else []
    for each in many:
        complaint = read(InvalidField, each)
        if complaint is not None:
            field, what = words.line(complaint.field, 64), words.line(complaint.description)
            yield f"{field}: {what}" if field and field != "input" else what
