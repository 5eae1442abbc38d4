"""One sandbox process for the tests of the sender, forgotten from one test to the next."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import pytest

from app.observability.metrics import Metrics
from app.telegram.connecting import connect
from tests.peers import Peers, a_sandbox

if TYPE_CHECKING:
    from app.telegram.bot import Bot

TOKEN = "4711:not-to-be-told_0123456789abcdefghij"


@pytest.fixture(scope="package")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return the process."""
    async with a_sandbox(seconds=0.1) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the process as if it had just started."""
    await sandbox.control("reset")
    return sandbox


@pytest.fixture(scope="package")
async def talking(sandbox: Peers) -> "AsyncGenerator[Bot]":
    """Return a bot with little patience; it remembers nothing between tests."""
    bot = await connect(TOKEN, sandbox.telegram, timeout_seconds=1.0, metrics=Metrics())
    try:
        yield bot
    finally:
        await bot.close()


@pytest.fixture
async def bot(peers: Peers, talking: "Bot") -> "Bot":
    """Return the bot, talking to a sandbox as if it had just started."""
    del peers  # It is made for what it does.
    return talking
