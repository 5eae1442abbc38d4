"""What a server says when it is asked: how it stands, what it has, and how a prompt ended."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from processors.errors import RefusedBodyError
from processors.protocols.bodies import decoded, fitting, parsed, read
from processors.protocols.comfyui import words
from processors.protocols.comfyui.results import outputs
from processors.protocols.comfyui.workflows import TITLE_KEPT, title_of
from schemas.base import RunId
from schemas.run import RunReport, RunStatus
from schemas.wire.comfyui import (
    ExecutionFailed,
    HistoryEntry,
    HistoryStatus,
    QueueAnswer,
    Stamped,
    SystemStats,
)

NAME_KEPT: Final = 80
"""Characters of a version or of a device's name."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENDS: Final = frozenset({"execution_success", "execution_error", "execution_interrupted"})
_OUT_OF_MEMORY: Final = (
    "outofmemoryerror",  # torch.OutOfMemoryError, torch.cuda.OutOfMemoryError
    "memoryerror",
    "out of memory",  # of CUDA and of HIP
    "allocation on device",  # what ComfyUI says in place of torch's words
)
"""Marks of a failure for want of memory, in an exception's type or message, in small letters."""

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
    failure = _failure(messages) if status is RunStatus.FAILED else None
    return RunReport(
        run_id=run_id,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        outputs=outputs(entry.outputs, base, None),
        error=failure and _words_of(failure, entry.prompt),
    )


def is_passing(failure: ExecutionFailed) -> bool:
    """Return whether a failure is for want of memory, which another server may have."""
    said = f"{failure.exception_type}\n{failure.exception_message}".lower()
    return any(mark in said for mark in _OUT_OF_MEMORY)


def _numbered(item: list[Any]) -> tuple[float, RunId]:
    match item:
        case [int() | float() as number, str() as run_id, *_]:
            return number, RunId(run_id)
        case _:
            raise RefusedBodyError("schema", "is no number and prompt id", "queue")


def _messages(status: HistoryStatus) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in status.messages:
        match each:
            case [str() as event, dict() as data]:
                yield event, cast("dict[str, Any]", data)
            case _:
                continue


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


def _failure(messages: Messages) -> ExecutionFailed | None:
    told = (read(ExecutionFailed, data) for event, data in messages if event == "execution_error")
    return next((each for each in told if each is not None), None)


def _words_of(failure: ExecutionFailed, prompt: object) -> str | None:
    """Return what went wrong and in which node. Its inputs and traceback stay untold."""
    said = words.line(failure.exception_message) or words.line(failure.exception_type)
    title = _title(failure, prompt)
    if not said:
        return f"failed in {title}" if title else None
    return f"{words.cut(said, words.LINE_KEPT - TITLE_KEPT)} (in {title})" if title else said


def _title(failure: ExecutionFailed, prompt: object) -> str:
    """Return what the prompt's author calls the node that failed, else its class."""
    match prompt:
        case [_, _, dict() as graph, *_]:
            node = cast("dict[str, Any]", graph).get(failure.node_id or "")
            titled = title_of(cast("dict[str, Any]", node)) if isinstance(node, dict) else None
        case _:
            titled = None
    return titled or words.line(failure.node_type or "", TITLE_KEPT)
