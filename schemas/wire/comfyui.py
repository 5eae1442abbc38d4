"""ComfyUI's HTTP bodies, as servers 0.3.64 and 0.30.2 answered when they were recorded.

Every field that we do not need is left out, and passed over: servers and their extensions add
keys wherever they like.
"""

from typing import Any

from pydantic import ConfigDict, Field

from schemas.base import Wire


class System(Wire):
    """What a server says of itself."""

    comfyui_version: str = Field(min_length=1)


class Device(Wire):
    """One device that a server computes on; the first is the one that it uses."""

    name: str | None = None
    vram_total: int | None = Field(default=None, ge=0)
    """Bytes; the memory of the machine where the device is its processor."""
    vram_free: int | None = Field(default=None, ge=0)


class SystemStats(Wire):
    """The answer of ``GET /system_stats``."""

    system: System
    devices: list[Device]


class QueueAnswer(Wire):
    """The answer of ``GET /queue``. An item is ``[number, prompt id, graph, extra data, ...]``."""

    queue_running: list[list[Any]]
    queue_pending: list[list[Any]]
    """In the order of a heap, not sorted."""


class Enqueued(Wire):
    """The answer of ``POST /prompt`` when it took the prompt, or the valid part of it."""

    prompt_id: str
    node_errors: Any = None


class Refused(Wire):
    """The answer of ``POST /prompt`` when it took nothing."""

    error: Any = None
    """An object; a bare text where an extension or a proxy answers."""
    node_errors: Any = None
    """By node id; empty where no node is at fault, or where it is only named in `error`."""


class ErrorInfo(Wire):
    """The machine's half of an error. There are tracebacks in it too: they are never read."""

    input_name: str | None = None
    received_value: Any = None
    node_id: str | None = None
    class_type: str | None = None


class PromptError(Wire):
    """One thing that is wrong with a prompt, or with a node of it."""

    type: str = ""
    message: str = ""
    details: str = ""
    extra_info: Any = None


class NodeErrors(Wire):
    """What is wrong with one node."""

    errors: list[Any]
    class_type: str | None = None


class HistoryStatus(Wire):
    """How a prompt ended."""

    status_str: str
    """``success`` or ``error``; an interrupted one is an ``error``."""
    completed: bool = False
    messages: list[Any] = []  # noqa: RUF012 - pydantic copies defaults
    """``[event, data]``, read one by one."""


class HistoryEntry(Wire):
    """What ``GET /history/{id}`` keeps of a prompt that is over."""

    prompt: Any = None
    """The queue's item; the graph is its third part."""
    outputs: dict[str, Any]
    status: HistoryStatus


class Stamped(Wire):
    """The part of a message's data that says when it was."""

    model_config = ConfigDict(strict=True)

    timestamp: int = Field(ge=0, le=253_402_300_799_999)
    """Milliseconds since 1970, up to the last of the year 9999."""


class ExecutionFailed(Wire):
    """The part of ``execution_error``'s data that may be told; its inputs and traceback never."""

    node_id: str | None = None
    node_type: str | None = None
    exception_message: str = ""
    exception_type: str = ""


class FileItem(Wire):
    """One file that a node made."""

    filename: str = Field(min_length=1, max_length=1024)
    subfolder: str = Field(default="", max_length=1024)
    type: str = Field(default="output", max_length=64)
    """``output``; ``temp`` for previews, ``input`` for what was handed over and is shown."""
    format: str | None = Field(default=None, max_length=128)
    """Of videos, ``video/h264-mp4``: a name of the encoder's settings, not a media type."""


class NodeInputs(Wire):
    """What a node class takes: ``[type or list of choices, options]`` by name."""

    required: dict[str, Any] | None = None
    optional: dict[str, Any] | None = None


class NodeInfo(Wire):
    """One node class of ``GET /object_info``."""

    input: NodeInputs


class Uploaded(Wire):
    """The answer of ``POST /upload/image``."""

    name: str = Field(min_length=1)
    """Not always the one that was sent: other bytes under a known name get a new one."""
    subfolder: str = ""


class ExecInfo(Wire):
    """The part of ``GET /prompt`` that counts."""

    queue_remaining: int = Field(ge=0)


class PromptState(Wire):
    """The answer of ``GET /prompt``."""

    exec_info: ExecInfo
