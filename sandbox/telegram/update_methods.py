"""The methods of the Bot API by which a bot gets its updates."""

import re
from typing import Final

from sandbox.telegram.calls import Call, Method
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.updates import Updates, Webhook

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{0,256}")
_CONNECTIONS: Final = range(1, 101)


class UpdateMethods:
    """Webhooks and polling; there is one or the other."""

    def __init__(self, updates: Updates) -> None:
        self._updates = updates

    def table(self) -> dict[str, Method]:
        """Return the methods by their names in small letters."""
        return {
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "getupdates": self._get_updates,
        }

    async def _set_webhook(self, call: Call) -> object:
        secret = call.text("secret_token")
        if _SECRET.fullmatch(secret) is None:
            raise Refusal("secret token contains unallowed characters")
        most = call.number("max_connections", 40)
        if most not in _CONNECTIONS:
            raise Refusal("max_connections must be of 1 to 100")
        self._allow(call)
        webhook = Webhook(url=call.text("url"), secret=secret, max_connections=most)
        await self._updates.set_webhook(webhook, drop=call.flag("drop_pending_updates"))
        return True

    async def _delete_webhook(self, call: Call) -> object:
        await self._updates.set_webhook(Webhook(), drop=call.flag("drop_pending_updates"))
        return True

    async def _get_webhook_info(self, _: Call) -> object:
        return self._updates.info()

    async def _get_updates(self, call: Call) -> object:
        self._allow(call)
        return await self._updates.get(
            offset=call.number("offset"),
            limit=call.number("limit", 100),
            timeout=call.number("timeout"),
        )

    def _allow(self, call: Call) -> None:
        """Take over which kinds of updates are wanted; what is not said stays as it was."""
        allowed = call.structure("allowed_updates")
        if isinstance(allowed, list):
            # A JSON array holds anything; names of no kind do no harm.
            self._updates.allowed = [str(each) for each in allowed]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
