"""Why a prompt failed: in a person's words, and whether another try may not.

Of what a server tells of a failure, its inputs and its traceback are never read: there are the
prompt's own texts in them, and whatever a node was configured with.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from processors.protocols import texts, words
from processors.protocols.bodies import read
from processors.protocols.comfyui.workflows import TITLE_KEPT, title_of
from schemas.wire.comfyui import ExecutionFailed

_OUT_OF_MEMORY: Final = (
    "outofmemoryerror",  # torch.OutOfMemoryError, torch.cuda.OutOfMemoryError
    "memoryerror",
    "out of memory",  # of CUDA and of HIP
    "allocation on device",  # what ComfyUI says in place of torch's words
)
"""Marks of a failure for want of memory, in an exception's type or message, in small letters."""


class Failure(NamedTuple):
    """What is to be known of a failure."""

    error: str | None
    """One line; None where the server says nothing."""
    passing: bool
    """Whether it was for want of memory, which another server may have."""


def failure(data: Mapping[str, Any] | None, prompt: object) -> Failure:
    """Translate the data of ``execution_error``.

    Args:
        data: None where there was no such message.
        prompt: History's item of the prompt; its third part is the graph, with titles.
    """
    told = read(ExecutionFailed, data) or ExecutionFailed()
    return Failure(_error(told, prompt), _is_for_memory(told))


def _error(told: ExecutionFailed, prompt: object) -> str | None:
    said = words.line(told.exception_message) or words.line(told.exception_type)
    title = _title(told.node_id, prompt) or words.line(told.node_type or "", TITLE_KEPT)
    if not said:
        return f"failed in {title}" if title else None
    return f"{texts.cut(said, words.LINE_KEPT - TITLE_KEPT)} (in {title})" if title else said


def _is_for_memory(told: ExecutionFailed) -> bool:
    said = f"{told.exception_type}\n{told.exception_message}".lower()
    return any(mark in said for mark in _OUT_OF_MEMORY)


def _title(node_id: str | None, prompt: object) -> str | None:
    """Return what the prompt's author calls the node that failed."""
    parts = cast("list[object]", prompt)[2:3] if isinstance(prompt, list) else []
    graph = parts[0] if parts else None
    node = cast("dict[str | None, object]", graph).get(node_id) if isinstance(graph, dict) else None
    return title_of(cast("dict[str, Any]", node)) if isinstance(node, dict) else None
