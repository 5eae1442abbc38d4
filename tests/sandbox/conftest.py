"""One sandbox process for all tests of it, forgotten from one test to the next."""

from collections.abc import AsyncGenerator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from tests.peers import Peers, a_sandbox
from tests.sandbox.receiver import Receiver, a_receiver


@pytest.fixture(scope="package")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return the process."""
    async with a_sandbox(seconds=0.1) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the process as if it had just started, its webhooks tried again without delay."""
    await sandbox.control("reset")
    await sandbox.control("comfydeploy", retry_scale=0.01)
    await sandbox.control("replicate", retry_scale=0.001)
    await sandbox.control("telegram", retry_scale=0.01)
    return sandbox


@pytest.fixture(scope="package")
async def listening() -> AsyncGenerator[Receiver]:
    """Return a receiver of webhooks."""
    async with a_receiver() as receiver:
        yield receiver


@pytest.fixture
async def receiver(listening: Receiver) -> Receiver:
    """Return the receiver as if it had just begun to listen."""
    listening.renew()
    return listening


@pytest.fixture(scope="package")
async def talking(sandbox: Peers) -> AsyncGenerator[Bot]:
    """Return aiogram's bot, talking to the sandbox; it remembers nothing between tests."""
    api = TelegramAPIServer.from_base(sandbox.telegram)
    async with Bot("42:secret", session=AiohttpSession(api=api, timeout=5.0)) as bot:
        yield bot


@pytest.fixture
async def bot(peers: Peers, talking: Bot) -> Bot:
    """Return aiogram's bot, talking to a sandbox as if it had just started."""
    del peers  # It is made for what it does.
    return talking
