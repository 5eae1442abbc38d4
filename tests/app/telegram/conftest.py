"""One sandbox process for the tests of the sender, forgotten from one test to the next."""

from collections.abc import AsyncGenerator

import pytest

from app.telegram.connecting import connect
from tests.peers import Peers, a_sandbox

TOKEN = "4711:not-to-be-told_0123456789abcdefghij"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run on asyncio, and keep one loop for the process shared by all tests."""
    return "asyncio"


@pytest.fixture(scope="session")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return the process."""
    async with a_sandbox(seconds=0.1) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the process as if it had just started."""
    await sandbox.control("reset")
    return sandbox


@pytest.fixture
async def bot(peers: Peers) -> AsyncGenerator[object]:
    """Return the bot, talking to the sandbox with little patience."""
    bot = await connect(TOKEN, peers.telegram, timeout_seconds=1.0)
    try:
        yield bot
    finally:
        await bot.close()
