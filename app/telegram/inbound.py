"""The calls by which updates come in. Loaded with aiogram."""

from typing import Any, NamedTuple, cast

from aiogram.methods import DeleteWebhook, GetUpdates, GetWebhookInfo, SetWebhook
from pydantic import JsonValue

from app.telegram.bot import Bot


class Hook(NamedTuple):
    """The webhook as Telegram has it.

    Attributes:
        url: Empty where there is none.
        kinds: The updates it is brought.
        most: Connections at a time.
        refused_at: When it was last told that its secret is wrong, in Unix time; 0.0 for never.
    """

    url: str
    kinds: frozenset[str]
    most: int
    refused_at: float


class Inbound:
    """Fetches updates, or has them brought. Every method may raise a PeerError."""

    def __init__(self, bot: Bot, *, answer_seconds: float) -> None:
        """Speak through a bot.

        Args:
            bot: The bot.
            answer_seconds: Longest wait for an answer that is not held back.
        """
        self._bot = bot
        self._answer = answer_seconds

    async def fetch(
        self, offset: int, wait_seconds: float, kinds: tuple[str, ...]
    ) -> list[JsonValue]:
        """Return the updates from `offset` on, confirming those before it.

        Args:
            offset: 0 for whatever is not confirmed yet.
            wait_seconds: How long Telegram may hold the question back while there are none.
            kinds: What is asked for.
        """
        method = GetUpdates(offset=offset, timeout=int(wait_seconds), allowed_updates=list(kinds))
        given = await self._bot.call(method, longest_seconds=wait_seconds + self._answer)
        return given if isinstance(given, list) else []

    async def hook(self) -> Hook:
        """Ask for the webhook."""
        given = await self._bot.call(GetWebhookInfo())
        info = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        said = str(info.get("last_error_message", ""))
        return Hook(
            url=str(info.get("url", "")),
            kinds=frozenset(map(str, info.get("allowed_updates") or ())),
            most=int(info.get("max_connections") or 0),
            refused_at=float(info.get("last_error_date") or 0) if "401" in said else 0.0,
        )

    async def set_hook(self, url: str, secret: str, kinds: tuple[str, ...], most: int) -> None:
        """Have updates brought."""
        await self._bot.call(
            SetWebhook(
                url=url, secret_token=secret, allowed_updates=list(kinds), max_connections=most
            )
        )

    async def unset_hook(self) -> None:
        """Have no updates brought; those that wait are kept."""
        await self._bot.call(DeleteWebhook())
