"""What every keeper of workflows does."""

import pytest

from app.ports import Workflows
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def workflows(ports: Ports) -> Workflows:
    """The port under test."""
    return ports.workflows


async def test_what_was_put_is_had_to_the_byte(workflows: Workflows) -> None:
    """Under its digest; putting it again is no fault, and one that was never put is None."""
    raw = b'{"3":{"class_type":"KSampler"}}\x00\xff'
    for lasting in (False, True, False):
        await workflows.put("digest", raw, lasting=lasting)

    assert await workflows.get("digest") == raw
    assert await workflows.get("another") is None
