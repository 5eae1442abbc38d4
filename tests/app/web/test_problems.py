"""app.web.problems: which status an error is answered with, and what goes with it."""

from datetime import timedelta

import pytest

from app.errors import LimitReachedError, PausedError, StoreDownError
from app.web import problems


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (LimitReachedError("at_once", 3), 429, None),
        (LimitReachedError("per_minute", 10, timedelta(seconds=12.1)), 429, "13"),
        (PausedError("engine", "comfydeploy", "ill"), 503, None),
        (PausedError("spend", "l4_t2i", retry_after=timedelta(0)), 503, "1"),
        (StoreDownError("away"), 503, "5"),
    ],
)
def test_when_to_come_again_is_said_if_it_is_known(
    error: Exception, status: int, retry_after: str | None
) -> None:
    """In whole seconds, at least one."""
    answer = problems.response(error)

    assert answer.status_code == status
    assert answer.headers.get("retry-after") == retry_after
