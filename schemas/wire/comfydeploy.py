"""ComfyDeploy's messages, as its backend writes them.

Source: github.com/comfy-deploy/api at d69228df (2025-11-02), ``routes/types.py`` and
``routes/internal.py``. Every field that we do not need is left out, and passed over.
"""

from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field

from schemas.base import Wire


class WebhookBody(Wire):
    """What ``run.updated`` and ``run.output`` post. No time, no number, no signature."""

    model_config = ConfigDict(strict=True)

    run_id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")
    status: str = Field(min_length=1, max_length=64)
    event_type: str | None = None
    live_status: str | None = None
    progress: float | None = None
    """Fraction of nodes begun, 0 to 1; the documentation's 0 to 100 is wrong."""
    outputs: list[Any] | None = None
    """Read one by one, so that one odd output spoils no other: hence Any."""


class RunOutput(Wire):
    """One output row: what one node gave."""

    id: str = Field(min_length=1, max_length=128)
    data: dict[Annotated[str, Field(max_length=128)], list[Any]] = {}  # noqa: RUF012 - pydantic copies defaults
    """By key; items are media objects, strings or booleans, read one by one."""
    node_meta: dict[str, Any] | None = None
    """``{"node_id", "node_class"?}``; the values of old nodes are not always strings."""


class MediaItem(Wire):
    """One uploaded file."""

    url: str = Field(min_length=1, max_length=4096)
    filename: str | None = Field(default=None, max_length=1024)
    format: str | None = Field(default=None, max_length=128)
    type: str | None = None


class Run(Wire):
    """The answer of ``GET /run/{run_id}``."""

    id: str = Field(min_length=1, max_length=128)
    status: str
    progress: float | None = None
    live_status: str | None = None
    queue_position: int | None = Field(default=None, ge=0, le=2**31 - 1)
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    queued_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    outputs: list[Any] | None = None
    webhook: str | None = None


class Queued(Wire):
    """The answer of ``POST /run/deployment/queue``."""

    run_id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")


class ListedRun(Wire):
    """One line of ``GET /deployment/{id}/runs``, newest first. Its times carry no zone."""

    id: str
    created_at: str


class ListedRuns(Wire):
    """The answer of ``GET /deployment/{id}/runs``."""

    data: list[ListedRun]


class Uploaded(Wire):
    """The answer of ``POST /file/upload``."""

    file_url: str


class Refusal(Wire):
    """Any error but an unhandled 500: ``detail`` is a text, or FastAPI's list for a 422."""

    detail: Any = None
