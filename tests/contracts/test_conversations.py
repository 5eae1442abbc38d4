"""What every keeper of conversations does."""

import pytest
from pydantic import JsonValue

from app.ports import Conversation, Conversations
from tests.builders import NOON
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def conversations(ports: Ports) -> Conversations:
    """The port under test."""
    return ports.conversations


async def test_everybody_begins_at_the_beginning(conversations: Conversations) -> None:
    """Nothing is remembered of whom we do not know; forgetting them is no fault."""
    await conversations.clear(1, 2)

    assert await conversations.get(1, 2) == Conversation(None, {})


async def test_state_and_data_stand_side_by_side(conversations: Conversations) -> None:
    """Either is set without the other, by chat and person; names are whatever they are."""
    data: dict[str, JsonValue] = {"$set": 1, "a.b": [None, "é"], "": {"big": 2**63 - 1}}
    await conversations.set_data(-1, 2, {"old": 1}, NOON)
    await conversations.set_state(-1, 2, "Order:prompt", NOON)
    await conversations.set_data(-1, 2, data, NOON)
    await conversations.set_state(-1, 3, "Order:preset", NOON)

    assert await conversations.get(-1, 2) == Conversation("Order:prompt", data)
    assert await conversations.get(-1, 3) == Conversation("Order:preset", {})
    await conversations.set_state(-1, 2, None, NOON)
    assert await conversations.get(-1, 2) == Conversation(None, data)


async def test_what_is_forgotten_is_gone(conversations: Conversations) -> None:
    """State and data both."""
    await conversations.set_state(1, 2, "Order:prompt", NOON)
    await conversations.set_data(1, 2, {"a": 1}, NOON)
    await conversations.clear(1, 2)

    assert await conversations.get(1, 2) == Conversation(None, {})
