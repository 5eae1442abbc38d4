"""Everything about updates in one process: they come in, and are handled.

Nothing of aiogram is loaded before `run`, and then in a thread.
"""

import asyncio
import importlib
from typing import TYPE_CHECKING, NoReturn

import structlog

from app.clock import Clock
from app.errors import PeerError, UnavailableError
from app.observability.metrics import Metrics
from app.ports import Alerts, Leases
from app.telegram.around import Around
from app.telegram.connecting import connect
from app.telegram.errors import TokenFaultError
from app.telegram.handling import Handling
from app.telegram.receiving import Receiving, Take, Way
from app.telegram.sender import Sender
from app.usecases.duty import UPDATES, Duty
from schemas.base import InstanceName
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.telegram.bot import Bot
    from app.telegram.dispatching import Dispatching
    from app.telegram.inbound import Inbound


class Reception:
    """Has updates come in and be handled; `run` keeps it going."""

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        me: InstanceName,
        way: Way,
        take: Take,
        handling: Handling,
        sender: Sender,
        leases: Leases,
        around: Around,
        clock: Clock,
        alerts: Alerts,
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        """Set it up; nothing is imported, asked or held before `run`.

        Args:
            token: The bot's token.
            api_url: Base URL of the Bot API, without the token.
            me: This process.
            way: How updates come in.
            take: Stores one that was fetched.
            handling: Handles what was stored.
            sender: The bot's one sender, whose lanes handlers talk through.
            leases: Where the duty of receiving is kept.
            around: What handlers stand on.
            clock: The database's time.
            alerts: Told when another program takes the updates.
            timing: Limits and intervals.
            metrics: Where calls are counted.
        """
        self._token = token
        self._api_url = api_url
        self._way = way
        self._take = take
        self._handling = handling
        self._sender = sender
        self._duty = Duty(leases, me, clock, timing, UPDATES)
        self._around = around
        self._clock = clock
        self._alerts = alerts
        self._timing = timing
        self._metrics = metrics

    async def run(self) -> NoReturn:
        """Connect, then have updates come in and be handled, for ever."""
        seconds = self._timing.send_limit.total_seconds()
        try:
            bot = await connect(
                self._token, self._api_url, timeout_seconds=seconds, metrics=self._metrics
            )
        except TokenFaultError:
            # The sender says so; only another setting helps.
            await asyncio.get_running_loop().create_future()
            raise
        try:
            await self._run(bot, seconds)
        finally:
            await bot.close()

    async def _publish(self, handlers: "Dispatching") -> None:
        """Have the commands listed; without a list the bot works as well."""
        try:
            await handlers.publish()
        except (PeerError, UnavailableError) as error:
            structlog.get_logger().warning("the commands are not listed", error=str(error))

    async def drain(self) -> None:
        """Begin to handle nothing more, and wait for what is being handled."""
        await self._handling.drain()

    async def _run(self, bot: "Bot", seconds: float) -> NoReturn:
        dispatching = await asyncio.to_thread(importlib.import_module, "app.telegram.dispatching")
        handlers: Dispatching = dispatching.Dispatching(bot, self._sender, self._around)
        inward = await asyncio.to_thread(importlib.import_module, "app.telegram.inbound")
        inbound: Inbound = inward.Inbound(bot, answer_seconds=seconds)
        receiving = Receiving(
            inbound,
            self._way,
            take=self._take,
            duty=self._duty,
            clock=self._clock,
            timing=self._timing,
            alerts=self._alerts,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._handling.run(handlers.consume, handlers.apologise))
            group.create_task(receiving.run())
            group.create_task(self._publish(handlers))
        raise AssertionError  # pragma: no cover - neither of the two ever ends
