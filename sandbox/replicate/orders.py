"""Reading what a client asks for, and refusing it in Replicate's words."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sandbox.replicate import given, plans, problems
from sandbox.replicate.plans import Plan
from sandbox.replicate.predictions import Json
from sandbox.replicate.problems import ProblemError

UNKNOWN_VERSION: Final = "404".zfill(64)
"""The one version that does not exist."""
LARGEST_DATA_URL: Final = 256 * 1024
"""Bytes that a file in a data URL may have (the API's description: up to 256 kB)."""
_VERSION = re.compile(r"(?:(?P<model>[\w.-]+/[\w.-]+):?)?(?P<id>[0-9a-f]{64})?")
_WAIT = re.compile(r"wait(?:=([1-9]|[1-5][0-9]|60))?")
_LONGEST_WAIT = 60.0
_DEADLINE = re.compile(r"(\d{1,6})([smh])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600}
_DEADLINES = (5, 86_400)
_DEFAULT_MODEL: Final = "sandbox/model"

Event = Literal["start", "output", "logs", "completed"]


def _webhook(value: object) -> object:
    if isinstance(value, str) and not value.startswith(("http://", "https://")):
        raise ValueError("Does not match format 'uri'")
    return value


class Order(BaseModel):
    """The body of a creation; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: str | None = None
    input: dict[str, object]
    webhook: Annotated[str | None, BeforeValidator(_webhook)] = None
    webhook_events_filter: list[Event] = Field(default_factory=lambda: ["output", "completed"])
    stream: bool = False


def read(body: bytes, *, versioned: bool, required: Sequence[str]) -> tuple[Order, Plan]:
    """Return the order in a request body, and the plan in its `sandbox_*` inputs.

    Args:
        body: What was sent.
        versioned: Whether it must name a version; else it must not.
        required: Inputs that every model demands.

    Raises:
        ProblemError: The body is no order, or its inputs are impossible.
    """
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise ProblemError(problems.problem(400, "The request body is not JSON.")) from error
    try:
        order = Order.model_validate(value)
    except ValidationError as error:
        raise ProblemError(_refusal(error)) from error
    if versioned and order.version is None:
        raise ProblemError(problems.invalid("", "version is required", "required"))
    if not versioned and "version" in order.model_fields_set:
        raise ProblemError(problems.invalid("", "Additional property version is not allowed"))
    _check(order.input, required)
    try:
        return order, plans.plan_of(order.input)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = f"input.{plans.PREFIX}{first['loc'][0]}"
        raise ProblemError(problems.invalid(field, first["msg"])) from error


def version_of(text: str) -> tuple[str, str]:
    """Return model and version that a text names: a version, `owner/name:version`, `owner/name`.

    Raises:
        ProblemError: There is no such version.
    """
    match = _VERSION.fullmatch(text)
    model, version = (match["model"], match["id"]) if match else (None, None)
    if (model is None and version is None) or version == UNKNOWN_VERSION or unknown(model or ""):
        raise ProblemError(problems.unknown_version())
    return model or _DEFAULT_MODEL, version or "hidden"


def unknown(name: str) -> bool:
    """Say whether no model and no deployment has this name, `owner/name`."""
    return name.endswith("/unknown")


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds `Prefer` asks to wait, if it does.

    Raises:
        ProblemError: It asks for something else.
    """
    wish = headers.get("prefer")
    if wish is None:
        return None
    match = _WAIT.fullmatch(wish)
    if match is None:
        raise ProblemError(problems.invalid("Prefer", f"Does not match pattern '{_WAIT.pattern}'"))
    return float(match[1] or _LONGEST_WAIT)


def deadline_of(headers: Mapping[str, str]) -> float | None:
    """Return after how many seconds `Cancel-After` asks for an end, if it does.

    Raises:
        ProblemError: It is no such time, or not within 5 seconds and 24 hours.
    """
    wish = headers.get("cancel-after")
    if wish is None:
        return None
    match = _DEADLINE.fullmatch(wish)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not _DEADLINES[0] <= seconds <= _DEADLINES[1]:
        raise ProblemError(problems.invalid("Cancel-After", "Must be between 5s and 24h"))
    return float(seconds)


def _check(inputs: Json, required: Sequence[str]) -> None:
    for name in required:
        if name not in inputs:
            raise ProblemError(problems.invalid("input", f"{name} is required", "required"))
    for key, link in given.links(inputs):
        if not link.startswith("data:"):
            continue
        try:
            size = len(given.decoded(link))
        except ValueError as error:
            refusal = problems.invalid(f"input.{key}", "Does not match format 'uri'", "format")
            raise ProblemError(refusal) from error
        if size > LARGEST_DATA_URL:
            raise ProblemError(problems.invalid(f"input.{key}", "The data URL is too large"))


def _refusal(error: ValidationError) -> problems.Response:
    first = error.errors(include_url=False)[0]
    *parents, name = [str(part) for part in first["loc"]] or [""]
    match first["type"]:
        case "missing":
            return problems.invalid(".".join(parents), f"{name} is required", "required")
        case "extra_forbidden":
            return problems.invalid("", f"Additional property {name} is not allowed")
        case _:
            return problems.invalid(".".join([*parents, name]), first["msg"])
