"""ComfyUI's protocol: what its answers mean, and what we send it. No I/O.

Facts are from recordings of servers 0.3.64 (2025-10-11) and 0.30.2 (2026-08-05), and from their
source where a recording could not show them.
"""

from typing import Final

from processors.protocols.comfyui.answers import Queue, Stats, queue, report, stats
from processors.protocols.comfyui.checking import unknown
from processors.protocols.comfyui.filling import bind
from processors.protocols.comfyui.prompting import Accepted, accepted, submission
from processors.protocols.comfyui.refusals import refusal
from processors.protocols.comfyui.results import outputs
from processors.protocols.comfyui.workflows import (
    Node,
    NodeKind,
    Workflow,
    kinds,
    parse,
    stored,
)
from schemas.base import EngineName

NAME: Final = EngineName("comfyui")

__all__ = [
    "NAME",
    "Accepted",
    "Node",
    "NodeKind",
    "Queue",
    "Stats",
    "Workflow",
    "accepted",
    "bind",
    "kinds",
    "outputs",
    "parse",
    "queue",
    "refusal",
    "report",
    "stats",
    "stored",
    "submission",
    "unknown",
]
