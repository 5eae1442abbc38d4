"""How much of a record whom it belongs to may see: of what the API shows, the public part.

A list of what is shown, not of what is hidden: what a record is given later stays with the
operator until somebody adds it here. No cost, no rate, no chat, no engine's or server's address.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from processors import notifications
from processors.protocols import words
from schemas.generation import Request

Json = dict[str, Any]
"""A record as the API shows it; Any, as in JSON."""

_ADDRESS: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{0,31}://\S*"
    # Without a scheme, as clients write what they cannot reach: an address of IPv4 or IPv6, or a
    # host with a port, which a line of a file ("nodes.py:120") is not.
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.]*\w)"
    r"|\[(?=[^\]:]{0,4}:[^\]:]{0,4}:)[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?"
    r"|(?<![\w.-])(?:localhost|[A-Za-z][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){1,9})(?<!\.py)"
    r":\d{2,5}(?!\d)"
)
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

_GENERATION: Final = (
    "id",
    "version",
    "engine",
    "jobId",
    "step",
    "item",
    "steps",
    "items",
    "attempt",
    "maxAttempts",
    "createdAt",
    "updatedAt",
    "status",
    "endedBy",
    "confirmed",
    "progress",
    "queuePosition",
    "expectedStartAt",
    "cancelWanted",
    "requestTimestamp",
    "queuedAt",
    "startedAt",
    "responseTimestamp",
    "durationSeconds",
    "price",
    "priceReason",
)
_OUTPUT: Final = ("id", "kind", "contentType", "filename", "text", "notKept", "mediaUrl")
_JOB: Final = (
    "id",
    "version",
    "status",
    "createdAt",
    "updatedAt",
    "endedAt",
    "manual",
    "continued",
    "pause",
    "goesOn",
    "first",
    "cancelWanted",
    "held",
    "price",
    "step",
    "of",
)
_STEP: Final = (
    "number",
    "item",
    "preset",
    "generation",
    "held",
    "status",
    "progress",
    "attempt",
    "maxAttempts",
    "waitsFor",
    "price",
)
_MADE: Final = ("step", "item", "kind", "mediaUrl", "text")


def generation(told: Mapping[str, Any], request: Request) -> Json:
    """Return the public part of a generation as the API shows it, in the same shape.

    Args:
        told: All that the API shows of it, links to our copies included.
        request: What its engine is asked, as far as it was read; of it the prompt is shown.
    """
    response = told["responsePayload"]
    prompt = notifications.prompt_of(request.inputs, request.prompt_input)
    return {
        **_part(told, _GENERATION),
        "statusReason": _reason(told["statusReason"]),
        # An engine's words, of which "12/20" is no path.
        "liveStatus": told["liveStatus"] and _ADDRESS.sub("…", told["liveStatus"]),
        "metadata": {"preset": told["metadata"]["preset"]},
        "requestPayload": {"inputs": {} if prompt is None else {"prompt": prompt}},
        "responsePayload": {
            "outputs": [{**_part(each, _OUTPUT), "url": None} for each in response["outputs"]],
            "error": _error(response["error"]),
        },
    }


def job(told: Mapping[str, Any]) -> Json:
    """Return the public part of a job as lists show it, in the same shape."""
    return {
        **_part(told, _JOB),
        "statusReason": _reason(told["statusReason"]),
        "steps": [_part(each, _STEP) for each in told["steps"]],
    }


def made(told: Mapping[str, Any]) -> Json:
    """Return the public part of something that a job has made."""
    return {**_part(told, _MADE), "url": None}


def _part(told: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    return {name: told[name] for name in names}


def _reason(told: str | None) -> str | None:
    """Return a reason that is a word of ours; operators may have written whatever they like."""
    return told if told is not None and _REASON.fullmatch(told) else None


def _error(told: str | None) -> str | None:
    """Return an engine's words without paths and addresses."""
    return None if told is None else words.line(_ADDRESS.sub("…", told))
