"""ComfyUI's protocol: what its answers mean, and what we send it. No I/O.

Facts are from recordings of servers 0.3.64 (2025-10-11) and 0.30.2 (2026-08-05), and from their
source where a recording could not show them.
"""

from processors.protocols.comfyui.answers import Queue, Stats, queue, remaining, report, stats
from processors.protocols.comfyui.checking import unknown
from processors.protocols.comfyui.filling import bind
from processors.protocols.comfyui.following import Followed, Follower, InHistory, Pace
from processors.protocols.comfyui.naming import NAME
from processors.protocols.comfyui.prompting import Accepted, accepted, submission
from processors.protocols.comfyui.reading import decoded
from processors.protocols.comfyui.refusals import refusal
from processors.protocols.comfyui.results import outputs
from processors.protocols.comfyui.said import (
    AskHistory,
    AskQueue,
    Missing,
    Preview,
    Said,
    Told,
    Used,
)
from processors.protocols.comfyui.workflows import (
    Node,
    NodeKind,
    Workflow,
    kept,
    kinds,
    parse,
    stored,
)

__all__ = [
    "NAME",
    "Accepted",
    "AskHistory",
    "AskQueue",
    "Followed",
    "Follower",
    "InHistory",
    "Missing",
    "Node",
    "NodeKind",
    "Pace",
    "Preview",
    "Queue",
    "Said",
    "Stats",
    "Told",
    "Used",
    "Workflow",
    "accepted",
    "bind",
    "decoded",
    "kept",
    "kinds",
    "outputs",
    "parse",
    "queue",
    "refusal",
    "remaining",
    "report",
    "stats",
    "stored",
    "submission",
    "unknown",
]
