"""Fixtures of the web tests: the event loop that the service runs on."""

from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The loop of the service itself."""
    return "asyncio", {"use_uvloop": True}
