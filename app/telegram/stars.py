"""Telegram Stars: the provider of payments that the bot itself is.

What Telegram tells of a payment comes as an update: over a webhook that proves itself by its
secret token, or in the answer to a call of ours. So it is believed, and `confirm` asks nobody.
"""

import asyncio
import importlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from app.errors import PeerRefusedError
from app.observability.metrics import Metrics
from app.telegram.connecting import connect
from processors.notifications.paying import Bill
from processors.protocols import stars
from schemas.payment import Charge, Payment, Transaction

if TYPE_CHECKING:
    from app.telegram.bot import Bot
    from app.telegram.sender import Sender


class Stars:
    """See app.ports.PaymentProvider."""

    def __init__(
        self,
        token: str,
        api_url: str,
        *,
        sender: "Sender | None" = None,
        timeout_seconds: float,
        metrics: Metrics,
    ) -> None:
        """Set it up; nothing is imported or asked before the first call.

        Args:
            token: The bot's token.
            api_url: Base URL of the Bot API, without the token.
            sender: The bot's one sender, in whose lanes invoices wait for their turn; None where
                this process has none.
            timeout_seconds: Longest wait for an answer.
            metrics: Where calls are counted.
        """
        self._token = token
        self._api_url = api_url
        self._sender = sender
        self._timeout = timeout_seconds
        self._metrics = metrics
        self._connecting: Final = asyncio.Lock()
        self._bot: Bot | None = None

    @property
    def name(self) -> str:
        """See app.ports.PaymentProvider."""
        return stars.NAME

    async def link(self, payment: Payment, bill: Bill) -> str:
        """See app.ports.PaymentProvider."""
        bot, calls = await self._connected()
        url: str = await calls.link(bot, payment, bill)
        return url

    async def send(self, payment: Payment, bill: Bill, chat_id: int) -> None:
        """See app.ports.PaymentProvider."""
        bot, calls = await self._connected()
        await calls.send(bot, self._sender, payment, bill, chat_id)

    async def confirm(self, charge: Charge) -> bool:
        """See app.ports.PaymentProvider: Telegram's updates prove themselves."""
        del charge
        return True

    async def refund(self, payment: Payment) -> None:
        """See app.ports.PaymentProvider."""
        bot, calls = await self._connected()
        try:
            await calls.refund(bot, payment.payer, payment.charge_id)
        except PeerRefusedError as error:
            if stars.ALREADY not in str(error):
                raise

    async def transactions(self, start: int) -> AsyncIterator[Transaction]:
        """See app.ports.PaymentProvider."""
        bot, calls = await self._connected()
        place = start
        while True:
            lines: list[object] = await calls.transactions(bot, place)
            for number, line in enumerate(lines, place):
                told = stars.transaction(number, line)
                if told is not None:
                    yield told
            place += len(lines)
            if len(lines) < stars.AT_ONCE:
                return

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._bot is not None:
            await self._bot.close()

    async def _connected(self) -> tuple["Bot", Any]:
        """Return the bot, and the module of its calls, which has to be imported late."""
        async with self._connecting:
            if self._bot is None:
                self._bot = await connect(
                    self._token,
                    self._api_url,
                    timeout_seconds=self._timeout,
                    metrics=self._metrics,
                )
        module = await asyncio.to_thread(importlib.import_module, "app.telegram.star_calls")
        return self._bot, module
