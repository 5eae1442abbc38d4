"""Give a server a prompt, and read whether it took it."""

from itertools import islice
from typing import Final, NamedTuple

import orjson
from pydantic import JsonValue

from processors.errors import RefusedBodyError
from processors.protocols.comfyui.reading import parsed
from processors.protocols.comfyui.refusals import node_faults
from processors.protocols.comfyui.workflows import Workflow, written
from schemas.base import RunId
from schemas.wire.comfyui import Enqueued

WARNINGS_KEPT: Final = 10
"""Warnings that a record keeps."""


class Accepted(NamedTuple):
    """A prompt that a server has taken."""

    warnings: tuple[str, ...]
    """What is wrong with outputs that it will not make, at most `WARNINGS_KEPT` lines."""


def submission(workflow: Workflow, run_id: RunId, client_id: str) -> bytes:
    """Return the body of ``POST /prompt``, which is JSON.

    Args:
        workflow: What `bind` returned, of which all can be written.
        run_id: The prompt's id, a lower-case hyphenated UUID: servers since 0.25.0 take no
            other. It is no key against doing twice: the same id posted twice runs twice.
        client_id: Whose socket hears of it.
    """
    body: dict[str, JsonValue] = {
        "prompt": written(workflow),
        "prompt_id": run_id,
        "client_id": client_id,
    }
    if workflow.extra_pnginfo is not None:
        body["extra_data"] = {"extra_pnginfo": workflow.extra_pnginfo}
    return orjson.dumps(body)


def accepted(raw: bytes, run_id: RunId, workflow: Workflow) -> Accepted:
    """Read a 200 of ``POST /prompt``; outputs that fail its checks are dropped by the server.

    Raises:
        RefusedBodyError: It is no such answer, or it names another prompt: servers before
            0.3.45 give prompts ids of their own.
    """
    answer = parsed(Enqueued, raw)
    if answer.prompt_id != run_id:
        raise RefusedBodyError("schema", "is the id of another prompt", "prompt_id")
    faults = islice(node_faults(answer.node_errors, workflow), WARNINGS_KEPT)
    return Accepted(warnings=tuple(faults))
