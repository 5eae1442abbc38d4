"""Bring the bot up without holding the service up."""

import asyncio
import importlib
from typing import TYPE_CHECKING

from app.observability.metrics import Metrics

if TYPE_CHECKING:
    from app.telegram.bot import Bot


async def connect(token: str, api_url: str, *, timeout_seconds: float, metrics: Metrics) -> "Bot":
    """Return a bot, ready for calls; aiogram is imported in a thread meanwhile.

    Raises:
        TokenFaultError: This is no token.
    """
    module = await asyncio.to_thread(importlib.import_module, "app.telegram.bot")
    bot: Bot = module.Bot(token, api_url, timeout_seconds=timeout_seconds, metrics=metrics)
    return bot
