"""What every keeper of chats does."""

import pytest

from tests.builders import NOON
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


async def test_a_chat_is_where_it_was_until_it_moves(ports: Ports) -> None:
    """A migrated group is followed; blocking is remembered beside that."""
    assert await ports.chats.current(-1) == -1
    await ports.chats.migrated(-1, -100)
    await ports.chats.blocked(-1, "kicked", NOON)
    await ports.chats.blocked(2, "blocked", NOON)

    assert await ports.chats.refuses(2)
    assert not await ports.chats.refuses(3)
    await ports.chats.opened(2)
    await ports.chats.opened(3)
    assert not await ports.chats.refuses(2)
    assert await ports.chats.refuses(-1)
    assert await ports.chats.current(-1) == -100
    assert await ports.chats.current(2) == 2


async def test_a_chat_can_be_forgotten(ports: Ports) -> None:
    """Also one of which nothing is known; others are left."""
    chats = ports.chats
    await chats.migrated(-1, -100)
    await chats.migrated(-2, -200)
    await chats.blocked(-1, "blocked", NOON)

    await chats.forget(-1)
    await chats.forget(-3)
    assert await chats.current(-1) == -1
    assert await chats.current(-2) == -200
