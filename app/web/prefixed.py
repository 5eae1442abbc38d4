"""The path that WEBHOOK_URL has before ours, for proxies that leave it on."""

from typing import Final

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Prefixed:
    """Answers under a prefix as at the root.

    Our page names everything relative to itself, so it is had at the prefix with a slash.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix: Final = prefix.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the prefix off the path, if it is there."""
        path: str = scope.get("path", "")
        if self._prefix and path == self._prefix and scope["type"] == "http":
            await RedirectResponse(f"{self._prefix}/")(scope, receive, send)
        elif self._prefix and path.startswith(f"{self._prefix}/"):
            inner = {**scope, "path": path.removeprefix(self._prefix)}
            await self._app(inner, receive, send)
        else:
            await self._app(scope, receive, send)
