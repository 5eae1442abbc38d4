"""Fixtures of the web tests: the event loop that the service runs on."""

from typing import Any

import pytest

from tests.app.web.fakes import LongWay, World


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The loop of the service itself."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(params=[World, LongWay], ids=["short way", "long way"])
def a_world(request: pytest.FixtureRequest) -> type[World]:
    """Return what makes a world: what is said of a webhook is the same by both ways in."""
    way: type[World] = request.param
    return way
