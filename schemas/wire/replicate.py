"""Replicate's messages, as its OpenAPI text and its documentation of autumn 2026 have them.

Every field that we do not need is left out, and passed over.
"""

from typing import Any, Final

from pydantic import AwareDatetime, Field

from schemas.base import Wire

DURATION_MOST: Final = 30 * 86_400
"""Seconds that a prediction may have computed; more is no duration."""


class Prediction(Wire):
    """The answer to a creation and of ``GET /predictions/{id}``, and the body of a webhook."""

    id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")
    status: str = Field(min_length=1, max_length=64)
    output: Any = None
    """Any JSON: whatever its model returns."""
    error: Any = None
    """A text, or null, by the documentation."""
    logs: Any = None
    """A text, or null once the data was removed."""
    metrics: Any = None
    """``{}`` while it runs, then `Metrics`."""
    data_removed: bool | None = None
    webhook: str | None = None
    created_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None


class Metrics(Wire):
    """What is measured of a prediction that has ended."""

    predict_time: float = Field(strict=True, ge=0, le=DURATION_MOST)
    """Seconds that it computed; absent where it ended before."""


class ListedPrediction(Wire):
    """One of the predictions of ``GET /predictions``, newest first."""

    id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")
    created_at: AwareDatetime
    input: dict[str, Any] | None = None
    """By the model's own schema; an empty object once the data was removed."""
    data_removed: bool | None = None
    webhook: str | None = None
    model: Any = None
    """``owner/name``."""
    version: Any = None
    """64 hexadecimal digits, or ``hidden``."""
    deployment: Any = None
    """``owner/name``, where it was made of one."""


class Predictions(Wire):
    """The answer of ``GET /predictions``."""

    results: list[ListedPrediction]
    next: str | None = Field(default=None, max_length=8192)
    """URL of the next page."""


class InvalidField(Wire):
    """One complaint about an input."""

    field: str = ""
    description: str


class Refusal(Wire):
    """Any error: like RFC 9457, but for what is left out."""

    title: Any = None
    detail: Any = None
    invalid_fields: Any = None


class Secret(Wire):
    """The answer of ``GET /webhooks/default/secret``."""

    key: str = Field(min_length=7, max_length=512, pattern=r"^whsec_[!-~]+$")
