"""A workflow's file, before its nodes are looked at: its bounds, its format, its two parts."""

from collections.abc import Iterator
from typing import Any, Final, cast

from pydantic import JsonValue

from processors.errors import RefusedBodyError, RefusedWorkflowError
from processors.protocols import bodies

SIZE_MOST: Final = 1 << 20
"""Bytes of a workflow's file; the largest in use have a few hundred thousand."""
DEPTH_MOST: Final = 64
"""Levels of objects and lists in a file; a graph of its own has five."""
_HOW_TO_EXPORT: Final = (
    "this is a file of ComfyUI's editor, which servers do not run; export it anew with "
    '"Export (API)" in the Workflow menu; in older versions with "Save (API Format)", which '
    "is there once dev mode is enabled in the settings"
)


def parts(raw: bytes) -> tuple[dict[str, Any], JsonValue | None]:
    """Return a file's graph, by node id, and its ``extra_pnginfo``.

    Args:
        raw: A bare graph, or what is posted to ``/prompt``.

    Raises:
        RefusedWorkflowError: It is too large or too deep, not JSON, or a file of the editor.
    """
    if len(raw) > SIZE_MOST:
        raise RefusedWorkflowError("", f"the file is larger than {SIZE_MOST >> 20} MiB")
    told = _told(raw)
    if isinstance(told.get("nodes"), list):
        raise RefusedWorkflowError("", _HOW_TO_EXPORT)
    prompt = told.get("prompt")
    if not isinstance(prompt, dict) or "class_type" in prompt:
        return told, None
    graph = cast("dict[str, Any]", prompt)  # JSON objects have texts as keys
    extra_data = told.get("extra_data")
    if not isinstance(extra_data, dict):
        return graph, None
    return graph, cast("dict[str, Any]", extra_data).get("extra_pnginfo")


def _told(raw: bytes) -> dict[str, Any]:
    try:
        told = bodies.decoded(raw)
    except RefusedBodyError as error:
        fault = "it is not JSON" if error.reason == "json" else "it is no graph"
        raise RefusedWorkflowError("", f"{fault}: {error}") from None
    if bodies.holds_nul(raw):
        raise RefusedWorkflowError("", "it holds a NUL character")
    if _is_deeper(told, DEPTH_MOST):
        raise RefusedWorkflowError("", f"it has more than {DEPTH_MOST} levels")
    return told


def _is_deeper(value: object, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from cast("dict[str, object]", value).values()
    elif isinstance(value, list):
        yield from cast("list[object]", value)
