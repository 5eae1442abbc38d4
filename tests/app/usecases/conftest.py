"""Use cases are tested in virtual time: a wait of an hour takes none."""

from typing import Any

import pytest

from tests.world.loop import VirtualLoop


@pytest.fixture(scope="package")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """An event loop that jumps to what comes next, and fails where nothing ever will."""
    return ("asyncio", {"loop_factory": VirtualLoop})
