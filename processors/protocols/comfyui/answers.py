"""What a server says when it is asked: how it stands, what it has, and how a prompt ended."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from processors.errors import RefusedBodyError
from processors.protocols import words
from processors.protocols.bodies import fitting, read
from processors.protocols.comfyui.failures import Failure, failure
from processors.protocols.comfyui.reading import decoded, parsed
from processors.protocols.comfyui.results import outputs
from schemas.base import RunId
from schemas.run import RunReport, RunStatus
from schemas.wire.comfyui import (
    HistoryEntry,
    HistoryStatus,
    PromptState,
    QueueAnswer,
    Stamped,
    SystemStats,
)

NAME_KEPT: Final = 80
"""Characters of a version or of a device's name."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENDS: Final = frozenset({"execution_success", "execution_error", "execution_interrupted"})
Messages = list[tuple[str, Mapping[str, Any]]]


class Stats(NamedTuple):
    """How a server stands."""

    version: str
    device: str | None
    memory_total: int | None
    """Bytes of the device that it uses."""
    memory_free: int | None


class Queue(NamedTuple):
    """What a server has to do."""

    running: tuple[RunId, ...]
    pending: tuple[RunId, ...]
    """In the order in which they will run."""


def stats(raw: bytes) -> Stats:
    """Translate the answer of ``GET /system_stats``.

    Raises:
        RefusedBodyError: It is not one: whatever answers there is no ComfyUI.
    """
    told = parsed(SystemStats, raw)
    version = words.line(told.system.comfyui_version, NAME_KEPT)
    if not told.devices:
        return Stats(version, None, None, None)
    device = told.devices[0]
    name = words.line(device.name or "", NAME_KEPT) or None
    return Stats(version, name, device.vram_total, device.vram_free)


def remaining(raw: bytes) -> int:
    """Translate the answer of ``GET /prompt``: how many prompts a server has in its queue.

    Raises:
        RefusedBodyError: It is not one.
    """
    return parsed(PromptState, raw).exec_info.queue_remaining


def queue(raw: bytes) -> Queue:
    """Translate the answer of ``GET /queue``.

    Raises:
        RefusedBodyError: It is not one, or an item of it does not say whose it is: a prompt
            that is not seen there may be taken for lost.
    """
    told = parsed(QueueAnswer, raw)
    running = [_numbered(item) for item in told.queue_running]
    pending = sorted(_numbered(item) for item in told.queue_pending)
    return Queue(tuple(run for _, run in running), tuple(run for _, run in pending))


def report(raw: bytes, run_id: RunId, base: str) -> RunReport | None:
    """Translate the answer of ``GET /history/{run_id}``; None while it has no such prompt.

    What history has is over. Nodes that were blocked with a message do not make a failure
    of a success.

    Args:
        raw: The answer.
        run_id: The prompt that was asked for.
        base: The server's address, without a credential: files are fetched below it.

    Raises:
        RefusedBodyError: It is not such an answer, or does not say how the prompt ended.
    """
    told = decoded(raw)
    if not told:
        return None
    if run_id not in told:
        raise RefusedBodyError("schema", "is about another prompt")
    entry = fitting(HistoryEntry, told[run_id])
    messages = list(_messages(entry.status))
    status = _status(entry.status, messages)
    started_at, ended_at = _times(messages)
    failed = _failure(messages, entry.prompt) if status is RunStatus.FAILED else None
    return RunReport(
        run_id=run_id,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        outputs=outputs(entry.outputs, base, None),
        error=failed.error if failed else None,
        passing=failed is not None and failed.passing,
    )


def _numbered(item: list[Any]) -> tuple[float, RunId]:
    match item:
        case [int() | float() as number, str() as run_id, *_]:
            return number, RunId(run_id)
        case _:
            raise RefusedBodyError("schema", "is no number and prompt id", "queue")


def _messages(status: HistoryStatus) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in status.messages:
        pair = cast("list[object]", each)[:2] if isinstance(each, list) else []
        if len(pair) < 2:  # noqa: PLR2004 - an event and its data
            continue
        event, data = pair
        if isinstance(event, str) and isinstance(data, dict):
            yield event, cast("dict[str, Any]", data)


def _status(told: HistoryStatus, messages: Messages) -> RunStatus:
    if told.status_str == "success" or (told.completed and told.status_str != "error"):
        return RunStatus.COMPLETED
    last = next((event for event, _ in reversed(messages) if event in _ENDS), None)
    if last == "execution_interrupted":
        return RunStatus.CANCELLED
    if last == "execution_error" or told.status_str == "error":
        return RunStatus.FAILED
    raise RefusedBodyError("schema", "does not say how it ended", "status.status_str")


def _times(messages: Messages) -> tuple[datetime | None, datetime | None]:
    """Return when it started and ended, or neither: a duration is of two times of one clock."""
    stamps = {event: _stamp(data) for event, data in messages}
    started_at = stamps.get("execution_start")
    ended_at = next((at for event, at in stamps.items() if event in _ENDS and at), None)
    if started_at is None or ended_at is None or ended_at < started_at:
        return None, None
    return started_at, ended_at


def _stamp(data: Mapping[str, Any]) -> datetime | None:
    stamped = read(Stamped, data)
    return _EPOCH + timedelta(milliseconds=stamped.timestamp) if stamped else None


def _failure(messages: Messages, prompt: object) -> Failure:
    told = (data for event, data in reversed(messages) if event == "execution_error")
    return failure(next(told, None), prompt)
